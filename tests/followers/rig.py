"""A system with two processes of one adapter; what they made of the log, against what one makes that nobody disturbs.

The judge needs no knowledge of the adapter: what it keeps in its cursors after kills, redelivery and a log that was put
back must be what it keeps there after reading the same log once from its beginning.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from backbone import events as ev
from backbone.acks import Stored
from backbone.decide import parse_tolerant
from backbone.failpoints import CONSENT, CONSENTED, POINT
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.nats import dead, subjects
from backbone.nats.cursors import Cursor, cursors, forget_cursor, put_cursor
from backbone.nats.epochs import stream_state
from backbone.nats.link import Link
from backbone.nats.reader import read_range
from backbone.nats.streams import chat_stream
from tests.harness.apart import run_apart
from tests.harness.processes import Process
from tests.harness.system import System
from trunkline.connect import connected

TENANTS: Final = ("main", "acme", "umbrella")
CONVERSATIONS: Final = 12
WITHIN_S: Final = 60.0
LOOK_S: Final = 0.05
VISITOR: Final = ev.Actor("visitor", "c" + "a" * 26)

T = TypeVar("T")
Kept = dict[str, Cursor]
"""Cursors with their state, by stream."""


class Rig:
    """Start it once; each case writes more, breaks something, and asks whether the adapter made the same of it all."""

    def __init__(self, system: System, adapter: str) -> None:
        self.system = system
        self.adapter = adapter
        self.reader = f"adapter-{adapter}"
        self.streams = system.common.log_streams()
        self.processes: list[Process] = []
        self._number = 0

    def start(self) -> Rig:
        """The system with a node, which begins epochs, and two processes of the adapter."""
        # Another one follows soon after one that was killed.
        self.system.more |= {f"TRUNKLINE_{self.adapter.upper()}_LEASE_S": "2"}
        self.system.start(nodes=1)
        for number in range(2):
            name = f"{self.adapter}{number}"
            self.system.adapters[name] = self.system._process(name, ["adapter", self.adapter])
        self.processes = list(self.system.adapters.values())
        self.resume()
        return self

    # --- processes -----------------------------------------------------------------------------

    def stop(self) -> None:
        """Both leave in order."""
        for process in self.processes:
            process.end()

    def resume(self) -> None:
        """Whatever isn't running runs, and is ready."""
        for process in self.processes:
            if process.process is None or process.process.poll() is not None:
                process.start()
        for process in self.processes:
            process.wait_ready()

    def kill(self) -> None:
        """`kill -9` of each in turn, so of whoever is at work, and another one in its place."""
        for process in self.processes:
            process.kill()
            process.start()

    def die_at(self, point: str) -> None:
        """One that is alone kills itself at a point; then both run again."""
        self.stop()
        process = self.processes[0]
        process.environment |= {POINT: f"{point}:1", CONSENT: CONSENTED}
        process.start()
        try:
            assert process.process is not None
            code = process.process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{process.name} never reached {point}:\n{process.tail()}") from None
        finally:
            del process.environment[POINT], process.environment[CONSENT]
        assert code == -9, process.tail()
        self.resume()

    # --- the log -------------------------------------------------------------------------------

    def write(self, count: int) -> None:
        """So many messages of several tenants and conversations."""

        async def work(link: Link) -> None:
            log = Log(link)
            for start in range(0, count, 50):
                await asyncio.gather(*(self._message(log) for _ in range(min(50, count - start))))

        self.with_link(work)

    async def _message(self, log: Log) -> Stored:
        self._number += 1
        tenant = TENANTS[self._number % len(TENANTS)]
        first = f"conversation {self._number % CONVERSATIONS}"
        conv = conversation_id(tenant, "web", "somebody", first, self.streams)
        event = ev.MessageAdded(
            id=new_event_id(), tenant=tenant, channel="web", conv=conv, at=1, by=VISITOR, text=f"{self._number}"
        )
        return await log.publish(subjects.chat(tenant, "web", conv), event)

    def store(self, payloads: Sequence[bytes]) -> list[int]:
        """Bytes as they are, each where an event would stand; returns their sequences."""

        async def work(link: Link) -> list[int]:
            conv = conversation_id("main", "web", "somebody", "poison", self.streams)
            found = []
            for payload in payloads:
                answer = await link.request_raw(subjects.chat("main", "web", conv), payload)
                found.append(int(answer.data.split(b'"seq":')[1].split(b",")[0].split(b"}")[0]))
            return found

        return self.with_link(work)

    def copy(self) -> None:
        """A copy of nats-server's store, as a backup is."""
        self.system.nats.stop()
        shutil.copytree(self.system.folder / "nats", self.system.folder / "copy")
        self.system.nats.start()

    def put_back(self) -> None:
        """The copy takes the place of the store."""
        self.system.nats.kill()
        shutil.rmtree(self.system.folder / "nats")
        (self.system.folder / "copy").rename(self.system.folder / "nats")
        self.system.nats.start()

    # --- what was made of it -------------------------------------------------------------------

    def until_taken(self) -> Kept:
        """Returns once the cursors stand at the end of each stream, with what is kept in them."""

        async def work(link: Link) -> Kept:
            deadline = time.monotonic() + WITHIN_S
            while True:
                kept = await self._cursors(link)
                behind = [s for s in self.streams if not await self._is_taken(link, s, kept.get(s))]
                if not behind:
                    return kept
                assert time.monotonic() < deadline, (behind, kept, self.processes[0].tail(), self.processes[1].tail())
                await asyncio.sleep(LOOK_S)

        return self.with_link(work)

    async def _is_taken(self, link: Link, s: str, cursor: Cursor | None) -> bool:
        state = await stream_state(link, chat_stream(s))
        if cursor is None:
            return state.last == 0
        return cursor.seq == state.last and state.epochs.holds(cursor.epoch, cursor.seq)

    async def _cursors(self, link: Link) -> Kept:
        found = await cursors(link).all(subjects.key_filter(self.reader))
        return {kept.key.partition(".")[2]: kept.value for kept in found}

    def set_cursors(self, kept: Kept) -> None:
        """The cursors as they were once; those that aren't named are gone. While nobody reads."""

        async def work(link: Link) -> None:
            for s in self.streams:
                if s in kept:
                    await put_cursor(link, self.reader, s, kept[s])
                else:
                    await forget_cursor(link, self.reader, s)

        self.with_link(work)

    def assert_made_as_if_undisturbed(self) -> None:
        """What is kept is what one keeps that reads the whole log from its beginning, disturbed by nobody."""
        disturbed = _states(self.until_taken())
        assert any(disturbed.values()), f"{self.adapter} keeps nothing in its cursors: nothing can be compared."
        self.stop()
        self.set_cursors({})
        self.resume()
        assert _states(self.until_taken()) == disturbed

    def counted(self) -> Counter[str]:
        """Messages by tenant, as the log holds them."""

        async def work(link: Link) -> Counter[str]:
            found: Counter[str] = Counter()
            for s in self.streams:
                last = (await stream_state(link, chat_stream(s))).last
                for entry in await read_range(link, s, 1, last):
                    found[_tenant(entry.raw)] += 1
            del found[""]
            return found

        return self.with_link(work)

    def dead(self) -> set[int]:
        """Sequences of the events of tenant main that were given up."""

        async def work(link: Link) -> set[int]:
            return {letter.seq for letter in await dead.letters(link, "main", self.adapter)}

        return self.with_link(work)

    def with_link(self, work: Callable[[Link], Coroutine[Any, Any, T]]) -> T:
        """What `work` returns, as the operator."""

        async def connect() -> T:
            async with connected(self.system.common, "test") as link:
                return await work(link)

        return run_apart(connect())


def _states(kept: Kept) -> dict[str, Any]:
    return {s: cursor.state for s, cursor in kept.items() if cursor.state}


def _tenant(raw: bytes) -> str:
    try:
        event = parse_tolerant(raw)
    except ValueError:
        return ""
    return event.tenant if isinstance(event, ev.MessageAdded) and not event.note else ""
