"""JetStream alone: how many messages a second it stores, in a pipeline of one client that does nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import uvloop

from backbone.ids import new_event_id
from backbone.nats import subjects
from tests.bench.baseline.link import ThinLink
from tests.bench.fill import encode
from tests.bench.population import CHANNEL, TENANT, TEXT, added, conversation_of
from tests.harness.nats import NatsServer

MESSAGES = 60_000
CONVERSATIONS = 1000
IN_FLIGHT = 2000
BURST = 100
STORED_WITHIN_S = 120.0
INBOX = b"_BARE.0"


def messages_per_s(nats: NatsServer) -> float:
    """Messages like those of the races, to the streams that are there. Raises TimeoutError if it takes too long."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(_publish(nats), STORED_WITHIN_S))


async def _publish(nats: NatsServer) -> float:
    link = ThinLink()
    await link.connect(nats.url, user=nats.user, password=nats.password, pending_size=64 << 20)
    room = asyncio.Semaphore(IN_FLIGHT)
    link.listen(INBOX, lambda _subject, _header, _data: room.release())
    commands = list(_commands())
    began = time.perf_counter()
    for command in commands:
        await room.acquire()
        link.put(command)
    for _ in range(IN_FLIGHT):
        await room.acquire()
    took_s = time.perf_counter() - began
    await link.close()
    return MESSAGES / took_s


def _commands() -> Iterator[bytes]:
    for n in range(MESSAGES):
        person = n % CONVERSATIONS
        event = added(person, new_event_id(), TEXT, n)
        subject = subjects.chat(TENANT, CHANNEL, conversation_of(person)).encode()
        header, body = b"NATS/1.0\r\nNats-Msg-Id: %b\r\n\r\n" % event.id.encode(), encode(event)
        sizes = (len(header), len(header) + len(body))
        yield b"HPUB %b %b %d %d\r\n%b%b\r\n" % (subject, INBOX, *sizes, header, body)
