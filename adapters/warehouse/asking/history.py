"""`history`: the stored bytes of a conversation, older than what the log still has."""

from __future__ import annotations

from typing import Final

import msgspec
from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.statements import query
from backbone.asks.history import History, HistoryRequest, Position
from backbone.ids import check_conversation

_END: Final = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
PAGE_BYTES: Final = 1024 * 1024
"""An answer stays well below NATS's message limit of 2 MiB."""


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
