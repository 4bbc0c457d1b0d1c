"""Reports: the day so far (`report.overview`)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.statements import in_scope, internal
from backbone.access import EVERYTHING, Scope
from backbone.asks.reports import Hour, Overview, OverviewRequest
from backbone.errors import InvalidInputError

_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_HOURS: Final = 24


class Day(NamedTuple):
    """A calendar day of a zone: its date, and its bounds in UTC ms, the second one outside."""

    date: str
    from_ms: int
    to_ms: int


def overview(  # noqa: PLR0917 - of whom, what, as of when
    client: Client, tenant: str, request: OverviewRequest, now_ms: int, as_of: int, scope: Scope = EVERYTHING
) -> Overview:
    """A tenant's day in the zone, within a scope. Raises InvalidInputError `warehouse.unknown_zone`."""
    day = day_of(client, request.tz, now_ms)
    bounds = {"tenant": tenant, "from_ms": day.from_ms, "to_ms": day.to_ms}
    conversations, of_scope = in_scope("overview_conversations", "conversations", scope)
    hourly, _ = in_scope("overview_hours", "messages", scope)
    opened, resolved, still_open, median_ms, p90_ms = rows(client, conversations, bounds | of_scope)[0]
    counted = {
        int(hour): (int(ins), int(outs))
        for hour, ins, outs in rows(client, hourly, {**bounds, **of_scope, "tz": request.tz})
    }
    hours = [_hour(hour, *counted.get(hour, (0, 0))) for hour in range(_HOURS)]
    return Overview(
        day=day.date,
        tz=request.tz,
        opened=int(opened),
        resolved=int(resolved),
        open=int(still_open),
        messages_in=sum(hour.messages_in for hour in hours),
        messages_out=sum(hour.messages_out for hour in hours),
        first_response_median_s=_seconds(median_ms),
        first_response_p90_s=_seconds(p90_ms),
        hours=hours,
        as_of=as_of,
    )


def day_of(client: Client, tz: str, now_ms: int) -> Day:
    """The day of zone `tz` in which `now_ms` lies. The engine's own time zones decide, as they do in queries."""
    unknown = InvalidInputError(
        "warehouse.unknown_zone", "tz must be an IANA time zone, such as Asia/Shanghai.", field="tz"
    )
    if not _ZONE.fullmatch(tz):
        raise unknown
    try:
        date, from_ms, to_ms = rows(client, internal("day"), {"tz": tz, "now_ms": now_ms})[0]
    except DatabaseError as refused:
        if "time zone" in str(refused).lower() or "timezone" in str(refused).lower():
            raise unknown from None
        raise
    return Day(str(date), int(from_ms), int(to_ms))


def _hour(hour: int, messages_in: int, messages_out: int) -> Hour:
    return Hour(hour=hour, messages_in=messages_in, messages_out=messages_out)


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(float(ms) / 1000, 3)
