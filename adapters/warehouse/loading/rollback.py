"""A log that was put back to an older copy: what it no longer holds leaves the tables that people and reports read.

The lost events stand in `lost_events` afterwards. Messages and facts of the conversations they were of are made again
from what the log still holds. The rows of `events` go last, so that a process killed half-way does all of it again.
"""

from __future__ import annotations

from typing import Final

import structlog
from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.loading import load, pack
from adapters.warehouse.loading.memory import Holds, Memory
from adapters.warehouse.statements import internal
from backbone.nats.epochs import Epochs

NO_END: Final = 2**64 - 1

_log = structlog.get_logger("warehouse.rollback")


def bounds(s: str, now: Epochs) -> dict[str, object]:
    """Parameters of the statements that find what stream `s` lost: each epoch, and the sequence at which it ended.

    An epoch that isn't told of any more ended where the oldest that is begins, if it is an older one; a newer one is of
    a log that this one never was.
    """
    stretches = now.stretches
    return {
        "stream": s,
        "oldest": stretches[0][0],
        "begin": stretches[0][1],
        "epochs": [epoch for epoch, _ in stretches],
        "ends": [*(first for _, first in stretches[1:]), NO_END],
    }


def set_aside(client: Client, s: str, now: Epochs, *, memory: Memory, holds: Holds, keep_days: int) -> int:
    """Takes what stream `s` lost out of the tables; returns how many conversations it was of."""
    lost = bounds(s, now)
    keys = [(str(tenant), str(conv)) for tenant, conv in rows(client, of_lost("lost_keys"), lost)]
    if not keys:
        return 0
    memory.forget()
    client.command(of_lost("lost_keep"), parameters=lost)
    for start in range(0, len(keys), load.KEYS_AT_ONCE):
        some = keys[start : start + load.KEYS_AT_ONCE]
        for table in ("messages", "conversations"):
            client.command(internal(f"lost_{table}"), parameters={"keys": some})
        messages, facts = load.remake(client, some, memory, holds)
        settings = {"insert_deduplicate": "0"}
        if messages:
            client.insert_arrow("messages", pack.messages_table(messages, keep_days), settings=settings)
        if facts:
            client.insert_arrow("conversations", pack.conversations_table(facts, keep_days), settings=settings)
    client.command(of_lost("lost_events"), parameters=lost)
    _log.warning("warehouse.lost_events_set_aside", stream=s, conversations=len(keys))
    return len(keys)


def of_lost(name: str) -> str:
    """A statement on the rows of `events` that are lost; one rule says which, for all of them."""
    return internal(name).replace("{{lost}}", internal("lost"))
