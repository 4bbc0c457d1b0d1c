"""A channel's adapter against its platform without limits: messages a second in and out, and what an account that
is paused costs the others.

One node, one adapter of `api`, 1,000 conversations. *In*: signed callbacks until each is answered, which is once it is
stored. *Out*: answers that are in the log already, until the platform took them. *Queueing*: 10,000 answers of 500
conversations of a paused account are written as fast as the log takes them; *beside*: they are queued. Both times
another account's answers, 20 a second, from the log's acknowledgement to the platform.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from backbone import directory
from backbone.accounts.accounts import seal_settings
from backbone.accounts.registry import Broken, find
from backbone.channel import Request
from backbone.log import Log
from backbone.nats.link import Link
from backbone.nats.reader import read_range
from backbone.sealing import Sealer
from tests.bench import machine, variables
from tests.bench.company import Company, post_all
from tests.bench.progress import say
from tests.bench.systems import Product, raise_limits
from tests.harness.processes import Process
from tests.harness.queueing import Queue, answer, publish, publish_apart
from tests.harness.system import TENANT
from trunkline.connect import connected

CHANNEL = "api"
A_CONVERSATION = 20
"""Messages of one conversation in each direction."""

QUEUED, QUEUED_CONVERSATIONS = 10_000, 500
BESIDE, BESIDE_EVERY_S = 400, 0.05
WITHIN_S = 240.0


def measure() -> dict[str, Any]:
    """Messages a second in and out, and milliseconds beside a paused account."""
    raise_limits()
    with tempfile.TemporaryDirectory() as folder:
        system = Product(Path(folder), "fast")
        try:
            system.start(nodes=1)
            adapter = Process(CHANNEL, ["adapter", CHANNEL], system.environment, system.folder, system.module)
            system.adapters = {CHANNEL: adapter}
            adapter.start().wait_ready()
            return asyncio.run(_measure(system, adapter))
        finally:
            system.end()


async def _measure(system: Product, adapter: Process) -> dict[str, Any]:
    conversations = variables.number("CONVERSATIONS", 1000)
    async with connected(system.common, "bench") as link, Company().serving() as busy, Company().serving() as ill:
        for inbox, company in (("busy", busy), ("ill", ill)):
            company.hook = f"{system.nodes[0].http}/hooks/{CHANNEL}/{inbox}"
            await _connect(system, link, inbox, company)
        await asyncio.sleep(1)
        assert await post_all(busy.hook, _callbacks(busy, range(conversations), 1)) == 0
        assert await post_all(ill.hook, _callbacks(ill, range(QUEUED_CONVERSATIONS), 1)) == 0
        convs = await _conversations(system, link)
        incoming = await _in(system, busy, conversations)
        say(f"in: {incoming}")
        outgoing = await _out(system, link, adapter, busy, convs["busy"])
        say(f"out: {outgoing}")
        beside = await _beside(system, link, busy, ill, convs)
        say(f"beside a paused account: {beside}")
    return {
        "race": "channel",
        "profile": "fast",
        "conversations": conversations,
        "in_rate": incoming["rate"],
        "out_rate": outgoing["rate"],
        "cpu_us": {"in": incoming["cpu_us"], "out": outgoing["cpu_us"]},
        "in_cpu_us": incoming["cpu_us"][CHANNEL],
        "out_cpu_us": outgoing["cpu_us"][CHANNEL],
        **beside,
    }


async def _connect(system: Product, link: Link, inbox: str, company: Company) -> None:
    channel = find(CHANNEL)
    assert not isinstance(channel, Broken), channel
    sealed = seal_settings(channel, Sealer(system.common.secrets()), TENANT, inbox, company.account())
    await directory.connect_inbox(link, TENANT, directory.Inbox(id=inbox, channel=CHANNEL, name=inbox, settings=sealed))


def _callbacks(company: Company, peers: range, each: int) -> list[list[Request]]:
    """Signed now, of each customer in order."""
    return [
        [push.request for n in range(each) for push in company.say(f"peer{peer}", f"peer{peer} says {n}")]
        for peer in peers
    ]


async def _in(system: Product, busy: Company, conversations: int) -> dict[str, Any]:
    callbacks = _callbacks(busy, range(conversations), A_CONVERSATION)
    before, began = _cpu(system), time.monotonic()
    assert await post_all(busy.hook, callbacks) == 0
    return _rate(system, conversations * A_CONVERSATION, began, before)


async def _out(system: Product, link: Link, adapter: Process, busy: Company, convs: list[str]) -> dict[str, Any]:
    count = len(convs) * A_CONVERSATION
    # What waits is worked off at full speed: the adapter begins once all of it is in the log.
    adapter.stop()
    await publish(link, _queue(convs, A_CONVERSATION, "out"))
    adapter.start().wait_ready()
    await _until(lambda: len(busy.at) >= count // 10, "a tenth is out")
    already, before, began = len(busy.at), _cpu(system), time.monotonic()
    await _until(lambda: len(busy.at) >= count, "all is out")
    found = _rate(system, count - already, began, before)
    assert busy.calls == count, f"{busy.calls} calls for {count} messages"
    return found


async def _beside(
    system: Product, link: Link, busy: Company, ill: Company, convs: dict[str, list[str]]
) -> dict[str, Any]:
    ill.is_refused = True
    alone = await _delays(link, busy, convs["busy"], "alone")
    queue = _queue(convs["ill"], QUEUED // QUEUED_CONVERSATIONS, "queued")
    queueing = asyncio.create_task(publish_apart(queue, system.environment))
    beside = await _delays(link, busy, convs["busy"], "beside")
    await queueing
    after = await _delays(link, busy, convs["busy"], "after")
    assert not ill.at, "the paused account sent something"
    say(f"calls of the paused account: {ill.calls}")
    return {
        "queueing_p99_ms": round(_p99(beside), 1),
        "queueing_max_ms": round(max(beside), 1),
        "alone_p99_ms": round(_p99(alone), 1),
        "alone_max_ms": round(max(alone), 1),
        "beside_p99_ms": round(_p99(after), 1),
        "beside_max_ms": round(max(after), 1),
    }


async def _delays(link: Link, busy: Company, convs: list[str], name: str) -> list[float]:
    """Milliseconds from the log's acknowledgement to the platform, one message each 50 ms."""
    log, sent = Log(link), {}
    for number in range(BESIDE):
        text = f"{name} {number}"
        await log.publish(*answer(TENANT, CHANNEL, convs[number % len(convs)], text))
        sent[text] = time.monotonic()
        await asyncio.sleep(BESIDE_EVERY_S)
    await _until(lambda: all(text in busy.at for text in sent), f"all {name} are out")
    return [max(0.0, busy.at[text] - at) * 1000 for text, at in sent.items()]


def _queue(convs: list[str], each: int, name: str) -> Queue:
    return Queue(tenant=TENANT, channel=CHANNEL, convs=convs, each=each, name=name)


async def _conversations(system: Product, link: Link) -> dict[str, list[str]]:
    """By inbox."""
    found: dict[str, list[str]] = {}
    for s in system.common.log_streams():
        for entry in await read_range(link, s, 1, 2**62):
            event = msgspec.json.decode(entry.raw)
            if event["type"] == "conversation.opened":
                found.setdefault(event["inbox"], []).append(event["conv"])
    return found


def _p99(delays: list[float]) -> float:
    return sorted(delays)[len(delays) * 99 // 100]


def _cpu(system: Product) -> dict[str, float]:
    return {name: machine.cpu_s(pid) for name, pid in system.pids().items()}


def _rate(system: Product, count: int, began: float, before: dict[str, float]) -> dict[str, Any]:
    took_s = time.monotonic() - began
    used = {name: round((cpu - before[name]) / count * 1e6) for name, cpu in _cpu(system).items()}
    return {"rate": round(count / took_s), "cpu_us": used, "seconds": round(took_s, 1)}


async def _until(holds: Any, what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {WITHIN_S} s: {what}"
        await asyncio.sleep(0.01)
