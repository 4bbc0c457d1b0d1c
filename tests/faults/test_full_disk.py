"""The disk is really full (ENOSPC), by load and by somebody else's file: everybody is answered with a code within 5 s,
nothing that was acknowledged is lost, and writing goes on by itself once there is room.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from backbone.settings import Common
from tests.harness import mounts
from tests.harness.log import assert_in_the_warehouse, stored_events
from tests.harness.nats import NatsServer
from tests.harness.ports import free_port
from tests.harness.processes import Process
from tests.harness.system import System
from tests.harness.up import Up, trunkline, up
from trunkline import datafolder, embedded, nats_run, nats_users, rest
from trunkline.client import Client
from trunkline.up.mending import greets

pytestmark = [pytest.mark.rest, pytest.mark.timeout(240)]

MIB = 1024**2
DISK_MIB = 420
ANSWERED_WITHIN_S = 5.0
WRITES_WITHIN_S = 30.0
CODES = {"log.full", "log.unknown_outcome", "log.unavailable"}
FAST = {
    "TRUNKLINE_NODE_VISITOR_RATE": "1000",
    "TRUNKLINE_NODE_VISITOR_BURST": "10000",
    "TRUNKLINE_NODE_ADDRESS_RATE": "100000",
    "TRUNKLINE_NODE_ADDRESS_BURST": "100000",
    "TRUNKLINE_NODE_UPLOAD_VISITOR_MIB": "10000",
    "TRUNKLINE_NODE_UPLOAD_ADDRESS_MIB": "10000",
    "TRUNKLINE_NODE_UPLOAD_TENANT_MIB": "10000",
    "TRUNKLINE_LOG_LEVEL": "warning",
}


def test_somebody_elses_file_fills_the_disk_and_goes(tmp_path: Path) -> None:
    with mounts.disk(tmp_path, DISK_MIB) as mounted, up(mounted, environment=FAST) as running:
        asyncio.run(_foreign(running, mounted))
        assert running.stop() == 0


async def _foreign(running: Up, mounted: Path) -> None:
    people = await _people(running, 3)
    foreign = mounted / "somebody-elses"
    await asyncio.to_thread(mounts.fill, foreign)
    assert mounts.free_bytes(mounted) < MIB
    # Long enough that every stream of theirs meets the full disk, and the readiness is asked.
    refused = await asyncio.gather(*(person.tries(8) for person in people))
    assert sum(refused) > 0
    status, body = await asyncio.to_thread(_get, f"{running.http}/readyz")
    assert status == 503
    assert "nearly full" in json.dumps(body), body
    told = await asyncio.to_thread(trunkline, "doctor", "--data", str(running.data))
    assert told.returncode == 1, told.stdout
    assert "WRONG disk " in told.stdout
    assert "files are refused first, then messages" in told.stdout
    assert "routing     done by" in told.stdout, "nobody else is blamed"
    assert await asyncio.to_thread(_upload, running, people[0].token) == (503, "files.full")
    await _room(running, people, foreign.unlink)


def test_load_fills_the_disk_files_first_and_messages_go_on(tmp_path: Path) -> None:
    with mounts.disk(tmp_path, DISK_MIB) as mounted, up(mounted, environment=FAST) as running:
        asyncio.run(_load(running, mounted))
        assert running.stop() == 0


async def _load(running: Up, mounted: Path) -> None:
    people = await _people(running, 2)
    ballast = mounted / "ballast"
    await asyncio.to_thread(mounts.fill, ballast, 100 * MIB)
    # Files are refused while messages are taken.
    answers = [await asyncio.to_thread(_upload, running, people[0].token, 4 * MIB) for _ in range(30)]
    assert (503, "files.full") in answers
    assert await people[0].tries(1) == 0
    full = asyncio.Event()
    await asyncio.gather(*(person.writes_until(full) for person in people))
    assert mounts.free_bytes(mounted) > 4 * MIB, "the log was stopped before the disk was full"
    await _room(running, people, ballast.unlink)


@pytest.mark.parametrize("whose", ["the log's", "the warehouse's"])
def test_the_disk_of_separate_processes_fills_and_has_room_again(tmp_path: Path, whose: str) -> None:
    with mounts.disk(tmp_path, DISK_MIB) as mounted:
        system = OnDisk(tmp_path, mounted, whose)
        try:
            system.start(nodes=2, adapters=("routing", "warehouse"))
            asyncio.run(_separate(system, mounted, whose))
        finally:
            system.end()


async def _separate(system: OnDisk, mounted: Path, whose: str) -> None:
    people = await _people(system.nodes[0], 2)
    foreign = mounted / "somebody-elses"
    await asyncio.to_thread(mounts.fill, foreign)
    if whose == "the log's":
        assert sum(await asyncio.gather(*(person.tries(6) for person in people))) > 0
        for node in system.nodes:
            async with asyncio.timeout(10):
                while "nearly full" not in json.dumps((await asyncio.to_thread(node.ready))[1]):
                    await asyncio.sleep(0.1)
    else:
        # Conversations go on, the warehouse says what it waits for, and is the same process when it has room.
        process = system.adapters["warehouse"]
        before = process.pid
        assert sum(await asyncio.gather(*(person.tries(6) for person in people))) == 0
        async with asyncio.timeout(30):
            while "room" not in json.dumps((await asyncio.to_thread(process.ready))[1]):
                await asyncio.sleep(0.1)
        assert process.pid == before
        assert process.process is not None
        assert process.process.poll() is None, process.tail()
    await _room(system.nodes[0], people, foreign.unlink, system.common)
    for person in people:
        assert person.conv is not None
        await asyncio.to_thread(assert_in_the_warehouse, system, person.conv)


def test_an_engine_that_met_a_full_disk_writes_again_without_being_opened_anew(tmp_path: Path) -> None:
    with mounts.disk(tmp_path, 120) as mounted:
        command = [
            sys.executable,
            "-m",
            "tests.faults.engine_full",
            str(mounted / "warehouse"),
            str(mounted / "ballast"),
        ]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.stdout.split() == ["refused", "warehouse.full", "written", "2000"], answer.stderr


class OnDisk(System):
    """Separate processes, of which one has its data on a disk of its own; nats-server below `trunkline nats run`."""

    def __init__(self, folder: Path, mounted: Path, whose: str) -> None:
        super().__init__(folder)
        self.nats = RunNats(folder, mounted if whose == "the log's" else folder)
        self.more = dict(FAST)
        if whose != "the log's":
            self.more["TRUNKLINE_WAREHOUSE_DSN"] = f"chdb://{quote(str(mounted / 'warehouse'))}"


class RunNats(NatsServer):
    """nats-server below `trunkline nats run`."""

    def __init__(self, folder: Path, disk: Path) -> None:
        super().__init__(folder)
        self._disk = disk

    def start(self) -> None:
        """Start it, on the port it had before."""
        self.port = self.port or free_port()
        configured = embedded.configured_in(self.folder / "nats")
        embedded.configure(configured, self.password)
        environment = embedded.environment(store=self._disk / "nats", sync=self.sync, port=self.port)
        told = nats_users.credential(self.password, nats_run.USER).password
        log = (self.folder / "nats-run.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "trunkline", "nats", "run", str(configured / "nats.conf")],
            env={**embedded.bare(os.environ), **environment, nats_run.PASSWORD: told},
            stderr=log,
            preexec_fn=embedded.die_with_parent(),  # noqa: PLW1509  (tests start processes outside of threads)
        )
        log.close()
        deadline = time.monotonic() + 20
        while greets(("127.0.0.1", self.port)) != "greets":
            assert time.monotonic() < deadline
            time.sleep(0.05)


class Person:
    """A visitor who notes what was acknowledged, and how long each answer took."""

    def __init__(self, token: str, url: str) -> None:
        self.token = token
        self.acknowledged: list[dict[str, Any]] = []
        self.conv: str | None = None
        self.codes: set[str] = set()
        self._answer: asyncio.Event | None = None
        self.client = Client([url], token=token, pushed=self._pushed)

    def _pushed(self, frame: dict[str, Any]) -> None:
        if frame["t"] == "err":
            self.codes.add(frame["code"])
            if self._answer:
                self._answer.set()

    async def tries(self, times: int) -> int:
        """Sends so often, each answered in time; returns how many were refused. What is refused isn't sent again."""
        refused = 0
        for n in range(times):
            self._answer = asyncio.Event()
            sending = asyncio.create_task(self.client.send(f"{n} " + "x" * 9000, self.conv))
            answered = asyncio.create_task(self._answer.wait())
            began = time.monotonic()
            await asyncio.wait({sending, answered}, return_when=asyncio.FIRST_COMPLETED, timeout=ANSWERED_WITHIN_S + 5)
            took_s = time.monotonic() - began
            assert took_s < ANSWERED_WITHIN_S, f"answered after {took_s:.1f} s: {self.codes}"
            answered.cancel()
            if sending.done():
                self.acknowledged.append(sending.result())
            else:
                refused += 1
                sending.cancel()
        assert self.codes <= CODES
        return refused

    async def writes_until(self, full: asyncio.Event) -> None:
        """Writes until somebody is refused for want of room."""
        deadline = time.monotonic() + 120
        while not full.is_set():
            assert time.monotonic() < deadline, "the disk never got full"
            if await self.tries(1):
                assert "log.full" in self.codes, self.codes
                full.set()


async def _people(running: Up | Process, count: int) -> list[Person]:
    people = []
    for _ in range(count):
        token, _ = await asyncio.to_thread(rest.become_visitor, running.http, "web", "")
        person = Person(token, f"ws://127.0.0.1:{running.port}/ws")
        stack = person.client.running()
        await stack.__aenter__()
        person.leave = stack  # type: ignore[attr-defined]
        ok = await person.client.send("hello")
        person.conv = str(ok["conv"])
        person.acknowledged.append(ok)
        people.append(person)
    return people


async def _room(
    running: Up | Process, people: list[Person], make: Callable[[], object], common: Common | None = None
) -> None:
    """There is room again: everybody writes within half a minute, and the log holds what was acknowledged."""
    await asyncio.to_thread(make)

    async def writes(person: Person) -> None:
        async with asyncio.timeout(WRITES_WITHIN_S):
            person.acknowledged.append(await person.client.send("there is room", person.conv))

    work: list[Awaitable[None]] = [writes(person) for person in people]
    await asyncio.gather(*work)
    async with asyncio.timeout(WRITES_WITHIN_S):
        while (await asyncio.to_thread(_get, f"{running.http}/readyz"))[0] != 200:
            await asyncio.sleep(0.1)
    reader = _Reader(common or _common(running))
    for person in people:
        assert person.conv is not None
        log = await stored_events(reader, person.conv)  # type: ignore[arg-type]
        stored = [e.event["id"] for e in log]
        assert {ok["id"] for ok in person.acknowledged} <= set(stored)
        assert len(stored) == len(set(stored))
        await person.leave.__aexit__(None, None, None)  # type: ignore[attr-defined]


class _Reader:
    """What `stored_events` asks of a system."""

    def __init__(self, common: Common) -> None:
        self.common = common


def _common(running: Up | Process) -> Common:
    assert isinstance(running, Up)
    now = datafolder.need_running(running.data)
    return Common(
        nats_url=f"nats://127.0.0.1:{now.nats_port}",
        nats_user="trunkline",
        nats_password=datafolder.secret(running.data, "nats").read_text(),
    )


def _get(url: str) -> tuple[int, Any]:
    answer = rest.call("GET", url)
    return answer.status, answer.body


def _upload(running: Up, token: str, size: int = 1000) -> tuple[int, str]:
    answer = rest.upload(running.http, "a.bin", bytes(size), "application/octet-stream", token=token)
    return answer.status, answer.body.get("code", "")
