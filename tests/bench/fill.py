"""Fills the log of a system with conversations, faster than clients could: valid events, published in a pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import uvloop

from backbone import events as ev
from backbone.ids import new_event_id
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.wire.header import header_block
from tests.bench.population import TEXT, added, beginning_of, open_of
from tests.harness.nats import NatsServer

IN_FLIGHT_MOST = 4000
AT_ONCE = 500
STALLED_S = 30.0
INBOX = "_FILL.0"
encode = msgspec.json.Encoder().encode

Message = tuple[str, bytes, bytes]
"""Subject, header block, payload."""


Fill = Callable[[NatsServer], None]


def with_conversations(count: int) -> Fill:
    """The beginnings of so many conversations, and nothing else of them."""
    return lambda nats: _with_link(nats, lambda link: _Pipeline(link).publish(_beginnings(count)))


def with_people(count: int) -> Fill:
    """So many conversations, and the keys by which their people find them."""
    return lambda nats: _with_link(nats, lambda link: _Pipeline(link).publish(_people(count)))


def messages(nats: NatsServer, people: range, each: int) -> None:
    """More messages for each of some people."""

    def all_of_them() -> Iterable[Message]:
        for n in range(each):
            for number in people:
                yield _stored(added(number, new_event_id(), f"{TEXT} {n}", n))

    _with_link(nats, lambda link: _Pipeline(link).publish(all_of_them()))


def _beginnings(count: int) -> Iterable[Message]:
    for number in range(count):
        for event in beginning_of(number):
            yield _stored(event)


def _people(count: int) -> Iterable[Message]:
    yield from _beginnings(count)
    for number in range(count):
        key, record = open_of(number)
        yield f"$KV.contacts.{key}", header_block(), encode(record)


def _stored(event: ev.Event) -> Message:
    header = header_block(("Nats-Msg-Id", subjects.message_id(event.conv, event.id)))
    return subjects.chat(event.tenant, event.channel, event.conv), header, encode(event)


class _Pipeline:
    """Publishes with some in flight. Raises RuntimeError if the log refuses one or stalls."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sent = 0
        self._stored = 0
        self._refusals: list[bytes] = []

    async def publish(self, stream: Iterable[Message]) -> None:
        subscription = self._link.subscribe_raw(INBOX, self._acknowledged)
        for subject, header, payload in stream:
            self._link.publish_raw(subject, payload, header, INBOX)
            self._sent += 1
            if self._sent % AT_ONCE == 0:
                await self._until_at_most(IN_FLIGHT_MOST)
        await self._until_at_most(0)
        self._link.unsubscribe_raw(subscription)
        if self._refusals:
            msg = f"the log refused {len(self._refusals)} of {self._sent}: {self._refusals[0].decode()}"
            raise RuntimeError(msg)

    def _acknowledged(self, _subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        self._stored += 1
        if b'"error"' in data:
            self._refusals.append(data)

    async def _until_at_most(self, in_flight: int) -> None:
        loop = asyncio.get_running_loop()
        last, since = self._stored, loop.time()
        while self._sent - self._stored > in_flight:
            await asyncio.sleep(0.001)
            if self._stored != last:
                last, since = self._stored, loop.time()
            elif loop.time() - since > STALLED_S:
                msg = f"no acknowledgement for {STALLED_S:.0f} s"
                raise RuntimeError(msg)


def _with_link(nats: NatsServer, work: Callable[[Link], Awaitable[None]]) -> None:
    async def run() -> None:
        link = Link()
        await link.open(nats.url, name="bench", user=nats.user, password=nats.password)
        try:
            await work(link)
        finally:
            await link.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
