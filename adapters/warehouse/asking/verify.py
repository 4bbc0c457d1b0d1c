"""`verify`: whether the tables hold what the log holds, per 100,000 sequences (warehouse.md, section 2, point 8)."""

from __future__ import annotations

from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import Engine, rows
from adapters.warehouse.loading.checksum import checksum
from adapters.warehouse.loading.decode import decode
from adapters.warehouse.loading.plan import Range
from adapters.warehouse.statements import internal
from backbone.asks.operator import Block, Verdict, VerifyRequest
from backbone.nats import epochs
from backbone.nats.link import Link
from backbone.nats.reader import read_range
from backbone.nats.streams import chat_stream

BLOCK: Final = 100_000


class _Sum(NamedTuple):
    events: int
    checksum: int


async def compare(link: Link, engine: Engine, request: VerifyRequest) -> Verdict:
    """Compares log and table. Events that are stored and not yet loaded count as a difference."""
    s = request.stream
    state = await epochs.stream_state(link, chat_stream(s))
    end = min(request.last or state.last, state.last)
    blocks = []
    starts = [first for _, first in state.epochs.stretches]
    for (epoch, begin), after in zip(state.epochs.stretches, [*starts[1:], end + 1], strict=True):
        first, last = max(request.first, begin, state.first), min(end, after - 1)
        while first <= last:
            upto = min(last, (first // BLOCK + 1) * BLOCK - 1)
            blocks.append(await _block(link, engine, Range(s, epoch, first, upto)))
            first = upto + 1
    return Verdict(s, all(block.equal for block in blocks), blocks)


async def _block(link: Link, engine: Engine, where: Range) -> Block:
    s, epoch, first, last = where
    entries = await read_range(link, s, first, last)

    def in_log(_client: Client) -> _Sum:
        decoded = [decode(entry, epoch) for entry in entries]
        return _Sum(len(decoded), checksum([row.seq for row in decoded], [row.id for row in decoded]))

    def in_table(client: Client) -> _Sum:
        bounds = {"stream": s, "epoch": epoch, "first": first, "last": last}
        count, total = rows(client, internal("block"), bounds)[0]
        return _Sum(int(count), int(total))

    log, table = await engine.read(in_log), await engine.read(in_table)
    return Block(epoch, first, last, log.events, str(log.checksum), table.events, str(table.checksum), log == table)
