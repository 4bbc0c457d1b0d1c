"""Asked of the warehouse: the stored bytes of a conversation, older than what the log still has."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from backbone.nats.rpc import Ask


class Position(Struct, frozen=True):
    """A place in a stream."""

    epoch: int
    seq: int


class HistoryRequest(Struct, frozen=True):
    """The newest `limit` events of `conv` before a position ({epoch, seq} or [epoch, seq]), or before none: the end."""

    conv: str
    before: Position | tuple[int, int] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class History(Struct, frozen=True):
    """`events`: [epoch, seq, prev, stored bytes], ascending; `more`: older ones exist."""

    events: list[tuple[int, int, int, msgspec.Raw]]
    more: bool = False


HISTORY: Final = Ask("history", HistoryRequest, History)
