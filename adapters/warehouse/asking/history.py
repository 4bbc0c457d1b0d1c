"""`history`: the stored bytes of a conversation, older than what the log still has."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Meta, Struct

from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.statements import query
from backbone.ids import check_conversation

_END: Final = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
PAGE_BYTES: Final = 1024 * 1024
"""An answer stays well below NATS's message limit of 2 MiB."""


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
    more: bool


def page(client: Client, tenant: str, request: HistoryRequest) -> History:
    """One page, at most 1 MiB. Raises InvalidInputError if `conv` isn't the id of a conversation."""
    before = request.before
    epoch, seq = (before.epoch, before.seq) if isinstance(before, Position) else before or _END
    parameters = {
        "tenant": tenant,
        "conv": check_conversation(request.conv),
        "epoch": epoch,
        "seq": seq,
        "limit": request.limit + 1,
    }
    found = rows(client, query("history"), parameters, column_formats={"raw": "bytes"})
    events: list[tuple[int, int, int, msgspec.Raw]] = []
    size = 0
    for at_epoch, at_seq, prev, raw in found[: request.limit]:
        size += len(raw)
        if events and size > PAGE_BYTES:
            break
        events.append((at_epoch, at_seq, prev, msgspec.Raw(raw)))
    return History(events[::-1], len(events) < len(found))
