"""The durable worker on a real nats-server: order per conversation, retries, DEAD, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from backbone import events as ev
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.reader import Entry
from backbone.nats.worker import Handler, PoisonError, Policy, Worker
from tests.harness.nats import NatsServer
from tests.harness.waiting import until
from tests.integration.backbone.test_log import conversation, message

pytestmark = pytest.mark.anyio

FAST = Policy(attempts=3, first_delay_s=0.01, most_delay_s=0.02, concurrency=8, ack_wait_s=2)


def worker(link: Link, handler: Handler, policy: Policy = FAST) -> Worker:
    return Worker(
        link,
        adapter="test",
        durable="test-00",
        s="00",
        filter_subject=subjects.channel_filter("00", "web"),
        handler=handler,
        policy=policy,
    )


@contextlib.asynccontextmanager
async def running(one: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def write(link: Link, conversations: int, each: int) -> dict[str, list[str]]:
    log, sent = Log(link), defaultdict(list)
    for number in range(each):
        for which in range(conversations):
            conv = "00" + conversation(which)[2:]
            event = message(conv, f"{which}/{number}")
            await log.publish(subjects.chat("main", "web", conv), event)
            sent[conv].append(event.text)
    return sent


async def test_conversations_run_beside_each_other_and_each_in_order(link: Link) -> None:
    sent = await write(link, 6, 10)
    done: dict[str, list[str]] = defaultdict(list)
    running_now: set[str] = set()
    together = 0

    async def handle(entry: Entry) -> None:
        nonlocal together
        event = ev.parse(entry.raw)
        assert isinstance(event, ev.MessageAdded)
        assert event.conv not in running_now
        running_now.add(event.conv)
        together = max(together, len(running_now))
        await asyncio.sleep(0.002)
        done[event.conv].append(event.text)
        running_now.discard(event.conv)

    one = worker(link, handle)
    async with running(one):
        await until(lambda: one.done == 60)
    assert done == sent
    assert together > 1


async def test_a_failing_event_is_retried_in_place_and_others_go_on(link: Link) -> None:
    sent = await write(link, 2, 3)
    first, second = sent
    done: dict[str, list[str]] = defaultdict(list)
    failures = 0

    async def handle(entry: Entry) -> None:
        nonlocal failures
        event = ev.parse(entry.raw)
        assert isinstance(event, ev.MessageAdded)
        if event.conv == first and failures < 2:
            failures += 1
            msg = "the provider is down"
            raise ConnectionError(msg)
        done[event.conv].append(event.text)

    one = worker(link, handle)
    async with running(one):
        await until(lambda: one.done == 6)
    assert done == sent
    assert (failures, one.dead) == (2, 0)
    assert second in done


async def test_what_can_not_be_processed_ends_in_dead_with_its_reason(link: Link) -> None:
    sent = await write(link, 1, 3)
    (conv,) = sent
    attempts = 0

    async def handle(entry: Entry) -> None:
        nonlocal attempts
        event = ev.parse(entry.raw)
        assert isinstance(event, ev.MessageAdded)
        if event.text.endswith("/0"):
            msg = "unknown sticker"
            raise PoisonError(msg)
        if event.text.endswith("/1"):
            attempts += 1
            msg = "500"
            raise ConnectionError(msg)

    one = worker(link, handle)
    async with running(one):
        await until(lambda: one.done == 3)
    assert (one.dead, attempts) == (2, 3)
    js = link.jetstream()
    entries = [await js.get_msg("DEAD", seq) for seq in (1, 2)]
    found = await Log(link).replay_all(subjects.chat("main", "web", conv), 0, 10)
    for entry, stored, reason in zip(
        entries, found, ("PoisonError: unknown sticker", "ConnectionError: 500"), strict=False
    ):
        assert entry.data == stored.raw
        assert entry.headers is not None
        assert entry.headers["Trunkline-Reason"] == reason
        assert entry.headers["Trunkline-Sequence"] == str(stored.seq)
        assert entry.subject == "dead.main.test"


async def test_a_killed_server_loses_no_event(link: Link, nats: NatsServer) -> None:
    sent = await write(link, 3, 10)
    done: dict[str, list[str]] = defaultdict(list)
    killed = asyncio.Event()

    async def handle(entry: Entry) -> None:
        event = ev.parse(entry.raw)
        assert isinstance(event, ev.MessageAdded)
        if event.text not in done[event.conv]:
            done[event.conv].append(event.text)
        if sum(map(len, done.values())) == 8 and not killed.is_set():
            killed.set()
        await asyncio.sleep(0.005)

    one = worker(link, handle)
    async with running(one):
        await asyncio.wait_for(killed.wait(), 30)
        nats.kill()
        await until(lambda: not link.is_usable)
        nats.start()
        await until(lambda: done == sent)


async def test_what_a_dead_worker_had_taken_is_done_though_it_comes_behind_what_is_newer(link: Link) -> None:
    """Three events are redelivered while the fourth is being worked on: each of them is handled."""
    policy = Policy(attempts=1, concurrency=8, ack_wait_s=1)
    began, done = asyncio.Event(), set()

    async def die(_entry: Entry) -> None:
        began.set()
        await asyncio.Event().wait()

    first = worker(link, die, policy)
    async with running(first):
        sent = await write(link, 1, 3)
        await until(lambda: first.waiting == 3)
    (conv,) = sent
    event = message(conv, "newer")

    async def handle(entry: Entry) -> None:
        event = ev.parse(entry.raw)
        assert isinstance(event, ev.MessageAdded)
        if event.text == "newer":
            await until(lambda: second.waiting == 4)
        done.add(event.text)

    second = worker(link, handle, policy)
    async with running(second):
        await Log(link).publish(subjects.chat("main", "web", conv), event)
        await until(lambda: second.done >= 4)
    assert done == {*sent[conv], "newer"}
