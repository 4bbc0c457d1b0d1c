"""Asked of the warehouse: the day so far."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from backbone.nats.rpc import Ask


class OverviewRequest(Struct, frozen=True):
    """`tz`: an IANA time zone, whose today is meant."""

    tz: Annotated[str, Meta(max_length=64)] = "UTC"


class Hour(Struct, frozen=True, kw_only=True):
    """Public messages of one hour of the day: of visitors, and of agents and bots."""

    hour: int
    messages_in: int
    messages_out: int


class Overview(Struct, frozen=True, kw_only=True):
    """Today. `open`: neither resolved nor closed now. Seconds are null without any first response today.

    `as_of`: UTC ms at which the newest event in these figures was stored.
    """

    day: str
    tz: str
    opened: int
    resolved: int
    open: int
    messages_in: int
    messages_out: int
    first_response_median_s: float | None
    first_response_p90_s: float | None
    hours: list[Hour]
    as_of: int


OVERVIEW: Final = Ask("report.overview", OverviewRequest, Overview)
