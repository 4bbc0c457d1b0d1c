"""Answers of an agent, straight into the log: by itself (`python -m tests.harness.queueing`, a JSON Queue on standard
input, settings of the environment) it takes nothing from a loop that measures.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from backbone import events as ev
from backbone.ids import new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.settings import Common, load
from trunkline.connect import connected

AT_ONCE: Final = 500


class Queue(Struct, kw_only=True):
    """`each` answers, called `name`, for each of the conversations."""

    tenant: str
    channel: str
    convs: list[str]
    each: int
    name: str


async def publish(link: Link, queue: Queue) -> None:
    """Stores all of them, one round of the conversations after the other."""
    log, slots = Log(link), asyncio.Semaphore(AT_ONCE)

    async def one(conv: str, text: str) -> None:
        async with slots:
            await log.publish(*answer(queue.tenant, queue.channel, conv, text))

    for number in range(queue.each):
        await asyncio.gather(*(one(conv, f"{queue.name} {conv} {number}") for conv in queue.convs))


async def publish_apart(queue: Queue, environment: Mapping[str, str]) -> None:
    """The same from a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.harness.queueing", stdin=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    await process.communicate(msgspec.json.encode(queue))
    assert process.returncode == 0, f"the generator ended with {process.returncode}"


def answer(tenant: str, channel: str, conv: str, text: str) -> tuple[str, ev.MessageAdded]:
    """An answer, and the subject that it goes to."""
    added = ev.MessageAdded(
        id=new_event_id(),
        tenant=tenant,
        channel=channel,
        conv=conv,
        at=time.time_ns() // 1_000_000,
        by=ev.Actor("agent", "lin", "Lin"),
        text=text,
    )
    return subjects.chat(tenant, channel, conv), added


async def _main() -> None:
    queue = msgspec.json.decode(sys.stdin.buffer.read(), type=Queue)
    async with connected(load(Common), "queueing") as link:
        await publish(link, queue)


if __name__ == "__main__":
    asyncio.run(_main())
