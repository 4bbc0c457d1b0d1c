"""A system with two replicas of one channel's adapter; for each case an account over a simulator of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from adapters.channels.kit import state
from backbone import directory
from backbone.accounts.accounts import seal_settings
from backbone.accounts.registry import Broken, find
from backbone.channel import Channel
from backbone.decide import parse_tolerant
from backbone.events import DeliveryUpdated
from backbone.ids import new_name
from backbone.nats.link import Link
from backbone.nats.reader import read_range
from backbone.nats.streams import chat_stream
from backbone.sealing import Sealer
from tests.conformance.simulators import simulator_of
from tests.harness.processes import Process
from tests.harness.system import LIN, TENANT, System
from tests.simulators.base import Push, Simulator
from trunkline import rest
from trunkline.client import Client
from trunkline.connect import connected

WITHIN_S: Final = 20.0
LOOK_S: Final = 0.05

QUICK: Final = {
    "TRUNKLINE_CHANNEL_PARK_AFTER_S": "2",
    "TRUNKLINE_CHANNEL_SETTLE_S": "1",
    "TRUNKLINE_CHANNEL_CHECK_S": "0.5",
    "TRUNKLINE_CHANNEL_LANE_S": "2",
    "TRUNKLINE_CHANNEL_UNSEEN_S": "0.3",
    "TRUNKLINE_CHANNEL_FILE_BYTES": str(1024 * 1024),
    "TRUNKLINE_NODE_VISITORS_RATE": "6000",
    "TRUNKLINE_CHANNEL_PUBLIC_URL": "https://desk.example.com",
}
"""Waits and sizes of the kit, made small: what they bound is the same."""

Numbered = dict[str, Any]


class Bench:
    """A running system with a channel, and an agent at the desk."""

    def __init__(self, system: System, channel: str, replicas: list[Process], simulator: str = "") -> None:
        self.system = system
        self.channel = channel
        self.simulator = simulator
        found = find(channel)
        assert not isinstance(found, Broken), found
        self.contract: Channel = found
        self.replicas = replicas

    def need(self, what: str, in_words: str) -> None:
        """Excuses the case where the platform doesn't tell of such a thing (`Telling`)."""
        if not simulator_of(self.channel, self.simulator).can(what):
            pytest.skip(f"excused: {self.channel} tells of no {in_words}")

    @contextlib.contextmanager
    def stopped_log(self) -> Iterator[None]:
        """The NATS server stands still, and nobody is told: every connection stays open."""
        assert self.system.nats.process is not None
        pid = self.system.nats.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextlib.asynccontextmanager
    async def log_with(self, link: Link, **config: Any) -> AsyncIterator[None]:
        """The log's streams have another configuration in some fields."""
        names = [chat_stream(s) for s in self.system.common.log_streams()]
        before = [(await link.api(f"STREAM.INFO.{name}", {}))["config"] for name in names]
        try:
            for each in before:
                await link.api(f"STREAM.UPDATE.{each['name']}", {**each, **config})
            yield
        finally:
            for each in before:
                await link.api(f"STREAM.UPDATE.{each['name']}", each)

    @contextlib.asynccontextmanager
    async def account(self, *, tenant: str = TENANT, pages: int = 0, **settings: Any) -> AsyncIterator[Account]:
        """A new account on a new simulator, which the adapters know.

        `pages`: what customers say is fetched behind a cursor, so much at a time.
        """
        simulator = simulator_of(self.channel, self.simulator)
        if pages:
            simulator.pages(pages)
        async with simulator.running(), connected(self.system.common, "conformance") as link:
            account = Account(self, link, simulator, new_name(), tenant)
            await account.connect(**settings)
            async with self.system.agent(LIN).running() as agent:
                account.agent = agent
                yield account


class Account:
    """An inbox of the channel, its platform, and what its conversations hold."""

    def __init__(self, bench: Bench, link: Link, simulator: Simulator, inbox: str, tenant: str) -> None:
        self.bench = bench
        self.link = link
        self.simulator = simulator
        self.inbox = inbox
        self.tenant = tenant
        self.agent: Client = None  # type: ignore[assignment]  # set once somebody is at the desk
        self._read: Counter[str] = Counter()
        self._events: list[Numbered] = []
        """What was read of the log so far, up to `_read` of each stream."""

        simulator.hook = f"{bench.system.nodes[0].http}/hooks/{bench.channel}/{inbox}"

    async def connect(self, **settings: Any) -> None:
        """Connects the account, or gives it other settings; returns once both replicas know."""
        values = {**self.simulator.account(), **settings}
        sealed = seal_settings(
            self.bench.contract, Sealer(self.bench.system.common.secrets()), self.tenant, self.inbox, values
        )
        inbox = directory.Inbox(id=self.inbox, channel=self.bench.channel, name=self.inbox, settings=sealed)
        await directory.connect_inbox(self.link, self.tenant, inbox)
        deadline = time.monotonic() + WITHIN_S
        for replica in self.bench.replicas:
            while f'inbox="{self.inbox}"' not in await asyncio.to_thread(_metrics, replica):
                assert time.monotonic() < deadline, f"{replica.name} never heard of the account\n{replica.tail()}"
                await asyncio.sleep(LOOK_S)

    async def is_ill(self) -> None:
        """Returns once both replicas know that the account is: one of them was told."""
        wanted = f'trunkline_channel_account_paused{{channel="{self.bench.channel}",inbox="{self.inbox}"}} 1.0'
        deadline = time.monotonic() + WITHIN_S
        for replica in self.bench.replicas:
            while wanted not in await asyncio.to_thread(_metrics, replica):
                assert time.monotonic() < deadline, f"{replica.name} takes the account for well\n{replica.tail()}"
                await asyncio.sleep(LOOK_S)

    async def hears(self, peer: str, text: str = "", **more: Any) -> Numbered:
        """The customer says something, and the platform delivers it; the event that it became."""
        await self.deliver(self.simulator.say(peer, text, **more))
        return await self.event(lambda e: e["type"] == "message.added" and e.get("text", "") == text and _is_heard(e))

    async def deliver(self, pushes: list[Push]) -> list[int]:
        """Delivers callbacks one after the other; the statuses they were answered with."""
        return [await self.simulator.deliver(push) for push in pushes]

    async def answers(self, heard: Numbered, text: str, **more: Any) -> str:
        """The agent answers in the conversation of an event; the id of the answer."""
        said = await self.agent.send(text, heard["conv"], **more)
        return str(said["id"])

    async def changes(self, heard: Numbered, message: str, text: str | None) -> None:
        """The agent gives a message of theirs another text, or withdraws it (None)."""
        await self.agent.change(heard["conv"], message, text)

    async def events(self) -> list[Numbered]:
        """All events of this account's conversations, in the order of each conversation."""
        for s in self.bench.system.common.log_streams():
            read = await read_range(self.link, s, self._read[s] + 1, 2**62)
            # Somebody else may have read on meanwhile.
            new = [entry for entry in read if entry.seq > self._read[s]]
            self._events += [
                {**msgspec.json.decode(entry.raw), "seq": entry.seq}
                for entry in new
                if f".{self.tenant}.{self.bench.channel}." in entry.subject
            ]
            self._read[s] = new[-1].seq if new else self._read[s]
        mine = {e["conv"] for e in self._events if e["type"] == "conversation.opened" and e["inbox"] == self.inbox}
        return [e for e in self._events if e["conv"] in mine]

    async def event(self, wanted: Callable[[Numbered], bool], within_s: float = WITHIN_S) -> Numbered:
        """The first event that is wanted, once it is there."""
        deadline = time.monotonic() + within_s
        while True:
            events = await self.events()
            if found := next((e for e in events if wanted(e)), None):
                return found
            assert time.monotonic() < deadline, f"it never came; there are {_in_short(events)}\n{self._tails()}"
            await asyncio.sleep(LOOK_S)

    async def state(self, event_id: str, *states: str, within_s: float = WITHIN_S) -> Numbered:
        """The update that says that a message came into one of these states."""
        return await self.event(
            lambda e: e["type"] == "delivery.updated" and e["target"] == event_id and e["state"] in states, within_s
        )

    async def outcome(self, event_id: str) -> str:
        """The state of a message of one part, folded from all that the log says of it; empty while it waits."""
        known = state.begin(self.tenant, self.bench.channel, "")
        for event in await self.events():
            if event["type"] == "delivery.updated" and event["target"] == event_id:
                updated = parse_tolerant(msgspec.json.encode({k: v for k, v in event.items() if k != "seq"}))
                assert isinstance(updated, DeliveryUpdated)
                state.note(known, updated)
        rank = known.outcomes[event_id][0].rank
        return next((name for name, each in state.RANK.items() if each == rank), "")

    async def until(self, holds: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
        """Returns once something holds."""
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, f"never: {what}; accepted {self.texts()}\n{self._tails()}"
            await asyncio.sleep(LOOK_S)

    async def upload(self, name: str, content: bytes, mime: str) -> str:
        """The agent uploads a file; its id, for a message's `attachments`."""
        http = self.bench.system.nodes[0].http
        saved = await asyncio.to_thread(rest.upload, http, name, content, mime, cookie=self.agent.cookie)
        return str(saved.body["file"])

    async def sha256(self, event: Numbered, number: int = 0) -> str:
        """Of a file of an event, as an agent gets it from the node."""
        http = self.bench.system.nodes[0].http
        address = f"{http}/api/v1/conversations/{event['conv']}/files/{event['seq']}/{number}"
        return await asyncio.to_thread(_sha256, address, self.agent.cookie)

    def need(self, fault: str) -> None:
        """Excuses the case where the platform has no such fault."""
        if fault in self.simulator.excused:
            pytest.skip(f"excused: {self.bench.channel} has no {fault}")
        if fault in self.simulator.waits_long:
            pytest.skip(f"excused: {self.bench.channel} waits minutes after {fault}")

    async def heard(self) -> list[str]:
        """What customers said, in the order of each conversation."""
        return [e["text"] for e in await self.events() if e["type"] == "message.added" and _is_heard(e)]

    def texts(self, peer: str | None = None) -> list[str]:
        """What the platform accepted, in order."""
        return [a.text for a in self.simulator.accepted if peer is None or a.peer == peer]

    def _tails(self) -> str:
        return "\n".join(f"{r.name}:\n{r.tail(12)}" for r in self.bench.replicas)


@contextlib.contextmanager
def running_bench(
    folder: Path, channel: str, simulator: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[Bench]:
    """A system with two replicas of a channel, for as long as the block lasts."""
    system = System(folder)
    found = find(channel)
    # A channel with delays of its own tries for the second time after most of them are over.
    has_own_delays = not isinstance(found, Broken) and bool(found.caps.backoff_s)
    give_up = {"TRUNKLINE_CHANNEL_GIVE_UP_S": "3" if has_own_delays else "20"}
    system.more = {**QUICK, **give_up, **(environment or {})}
    replicas: list[Process] = []
    try:
        system.start(nodes=1)
        system.add_agents(LIN)
        replicas = [
            Process(f"{channel}{n}", ["adapter", channel], system.environment, folder, system.module) for n in (0, 1)
        ]
        for replica in replicas:
            replica.start()
        for replica in replicas:
            replica.wait_ready()
        yield Bench(system, channel, replicas, simulator)
    finally:
        for replica in replicas:
            replica.end()
        system.end()


def _sha256(address: str, cookie: str) -> str:
    asked: Any = urllib.request.Request(address, headers={"Cookie": cookie})  # noqa: S310 - our own node
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - the same
        return hashlib.sha256(answer.read()).hexdigest()


def _metrics(process: Process) -> str:
    with urllib.request.urlopen(f"{process.http}/metrics", timeout=30) as answer:  # noqa: S310 - our own process
        return str(answer.read().decode())


def _is_heard(event: Numbered) -> bool:
    return bool(event["by"]["kind"] == "visitor")


def _in_short(events: list[Numbered]) -> list[str]:
    return [
        f"{e['conv'][-4:]} {e['type']} {e.get('text', '')[:20]} {e.get('state', '')} {e.get('error') or ''}"
        for e in events[-40:]
    ]
