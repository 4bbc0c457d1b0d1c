"""Faults that are planted in a running system, each with the act that `trunkline doctor` advises."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import msgspec

from backbone import directory
from backbone.directory import Inbox
from backbone.nats.buckets import Bucket
from backbone.nats.cursors import Cursor, forget_cursor, put_cursor
from backbone.nats.link import Link
from backbone.process import health, processes
from backbone.process.processes import Disk, Process
from backbone.schema import RELEASE
from tests.harness.apart import run_apart
from tests.harness.processes import Process as Started
from tests.harness.system import System
from trunkline.connect import connected

ANOTHER_SECRET = "another-secret-of-more-than-thirty-two-characters"
ELSEWHERE = "elsewhere"


class Fault(NamedTuple):
    """What is planted, for as long as the block lasts, and what `doctor` must say of it. `line` is a pattern of the
    detail of check `name`; leaving the block must be the act in `advice`.
    """

    id: str
    plant: Callable[[System], AbstractContextManager[Mapping[str, str]]]
    name: str
    state: str
    line: str
    advice: str
    code: int = 1
    is_first: bool = False
    """Whether `make test` tries it."""


Planted = Iterator[Mapping[str, str]]
"""Settings of the command, which differ from the system's in some plants."""


def api(system: System, verb: str, request: Any) -> Any:
    """One call of JetStream's API, as the operator."""

    async def call() -> Any:
        async with connected(system.common, "test", to_any=True) as link:
            return await link.api(verb, request)

    return run_apart(call())


def edited(stream: str, **settings: Any) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """A setting of a stream that somebody changed; `trunkline init` puts it back."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        config = api(system, f"STREAM.INFO.{stream}", {})["config"]
        api(system, f"STREAM.UPDATE.{stream}", {**config, **settings})
        yield {}
        _init(system)

    return plant


def remade(stream: str, **settings: Any) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """A stream with settings that can't be changed back: deleted, since it is empty, and made by `trunkline init`."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        config = api(system, f"STREAM.INFO.{stream}", {})["config"]
        api(system, f"STREAM.DELETE.{stream}", {})
        api(system, f"STREAM.CREATE.{stream}", {k: v for k, v in {**config, **settings}.items() if v is not None})
        yield {}
        api(system, f"STREAM.DELETE.{stream}", {})
        _init(system)

    return plant


@contextlib.contextmanager
def sealed(system: System) -> Planted:
    """As `nats stream seal` does it."""
    config = api(system, "STREAM.INFO.KV_erased", {})["config"]
    api(system, "STREAM.UPDATE.KV_erased", {**config, "sealed": True})
    yield {}
    api(system, "STREAM.DELETE.KV_erased", {})
    _init(system)


@contextlib.contextmanager
def bounded(system: System) -> Planted:
    """A bound that what is stored has nearly reached."""
    info = api(system, "STREAM.INFO.KV_directory", {})
    api(system, "STREAM.UPDATE.KV_directory", {**info["config"], "max_bytes": info["state"]["bytes"] + 10})
    yield {}
    api(system, "STREAM.UPDATE.KV_directory", {**info["config"], "max_bytes": -1})


def deleted(stream: str) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """A stream that is gone."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        api(system, f"STREAM.DELETE.{stream}", {})
        yield {}
        _init(system)

    return plant


@contextlib.contextmanager
def deleted_with_events(system: System) -> Planted:
    """A stream of the log that somebody has read 5,012 events of; its backup is restored: nothing is behind it then."""
    with _read_up_to(system, 5012), deleted("CHAT_01")(system):
        yield {}


@contextlib.contextmanager
def cut_off(system: System) -> Planted:
    """A log that ends before what was read of it, with no new epoch."""
    with _read_up_to(system, 7):
        yield {}


@contextlib.contextmanager
def _read_up_to(system: System, seq: int) -> Iterator[None]:
    async def put() -> None:
        async with connected(system.common, "test") as link:
            await put_cursor(link, "auditor", "01", Cursor(2**40, seq))

    async def forget() -> None:
        async with connected(system.common, "test") as link:
            await forget_cursor(link, "auditor", "01")

    run_apart(put())
    yield
    run_apart(forget())


@contextlib.contextmanager
def given_up(system: System) -> Planted:
    """A dead letter of routing, dealt with."""

    async def bury() -> int:
        async with connected(system.common, "test") as link:
            return int(msgspec.json.decode((await link.request_raw("dead.main.routing", b"{}")).data)["seq"])

    seq = run_apart(bury())
    yield {}
    api(system, "STREAM.MSG.DELETE.DEAD", {"seq": seq})


def metadata(**marks: str) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """Another release's marks on a stream."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        config = api(system, "STREAM.INFO.KV_erased", {})["config"]
        api(system, "STREAM.UPDATE.KV_erased", {**config, "metadata": {**config["metadata"], **marks}})
        yield {}
        if marks["schema"] == "0":
            _init(system)
        else:
            api(system, "STREAM.UPDATE.KV_erased", config)

    return plant


def stopped(name: str) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """A process that hangs, and is let go on: SIGSTOP and SIGCONT to what the test started."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        if name == "nats":
            assert system.nats.process
            pid = system.nats.process.pid
        else:
            pid = (system.nodes[1] if name == "node" else system.adapters[name]).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield {}
        finally:
            os.kill(pid, signal.SIGCONT)

    return plant


@contextlib.contextmanager
def killed_node(system: System) -> Planted:
    """`kill -9`, and started again."""
    system.nodes[1].kill()
    yield {}
    system.nodes[1].start().wait_ready()


@contextlib.contextmanager
def killed_nats(system: System) -> Planted:
    """`kill -9`, and started again."""
    system.nats.kill()
    yield {}
    system.nats.start()


def asked_with(**settings: str) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """The command itself has other settings, until they are set right."""

    @contextlib.contextmanager
    def plant(_system: System) -> Planted:
        yield {f"TRUNKLINE_{name.upper()}": value for name, value in settings.items()}

    return plant


def node_with(**settings: str) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """One more node, with other settings; it is stopped."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        more = {f"TRUNKLINE_{name.upper()}": value for name, value in settings.items() if name != "module"}
        node = Started(
            "node9", ["node"], {**system.environment, **more}, system.folder, settings.get("module", "trunkline")
        )
        try:
            node.start().wait_ready()
            yield {}
        finally:
            node.end()

    return plant


def says(**told: Any) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """A process on another machine that registers this; it leaves."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        with _beside(_elsewhere(system, told)):
            yield {}

    return plant


@contextlib.contextmanager
def unregistered(system: System) -> Planted:
    """A process of a version that knows no register."""
    with _beside(_elsewhere(system, None)):
        yield {}


@contextlib.contextmanager
def ended_with_a_reason(system: System) -> Planted:
    """A process that could still say why it ended, and wasn't started again; then it is."""

    async def put() -> None:
        async with connected(system.common, "test") as link:
            await processes.bucket(link).put(f"{link.own}.x", _process({"failure": "The disk can't be written."}), 60)

    async def forget() -> None:
        async with connected(system.common, "test") as link:
            await processes.bucket(link).delete(f"{link.own}.x")

    run_apart(put())
    yield {}
    run_apart(forget())


def account(*, runs: bool) -> Callable[[System], AbstractContextManager[Mapping[str, str]]]:
    """An account of a channel whose settings can't be opened, with an adapter or without; it is taken away."""

    @contextlib.contextmanager
    def plant(system: System) -> Planted:
        async def connect() -> None:
            async with connected(system.common, "test") as link:
                inbox = Inbox(id="bot", channel="telegram", name="Bot", settings="unreadable")
                await directory.connect_inbox(link, "main", inbox)

        async def disconnect() -> None:
            async with connected(system.common, "test") as link:
                await Bucket[Any](link, "directory", Any).delete("main.inbox.bot")

        adapter = Started("telegram", ["adapter", "telegram"], system.environment, system.folder)
        run_apart(connect())
        try:
            if runs:
                adapter.start().wait_ready()
            yield {}
        finally:
            adapter.end()
            run_apart(disconnect())

    return plant


def until(holds: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether it came to hold in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _init(system: System) -> None:
    answer = system.run("init")
    assert answer.returncode == 0, answer.stderr


def _process(told: dict[str, Any]) -> Process:
    now = time.time_ns() // 1_000_000
    usual = {"name": "routing", "instance": "routing-x", "version": RELEASE, "host": ELSEWHERE, "pid": 7}
    return Process(
        **{**usual, "at": now + told.get("ahead_ms", 0), **{k: v for k, v in told.items() if k != "ahead_ms"}}
    )


@contextlib.asynccontextmanager
async def _elsewhere(system: System, told: dict[str, Any] | None) -> AsyncIterator[None]:
    async with connected(system.common, "test") as link:
        process = _process(told or {})
        await health.answer(link, process.name, process.instance, lambda: "standby", {})
        if told is not None:
            await _register(link, process)
        try:
            await link.flush()
            yield
        finally:
            if told is not None:
                await processes.bucket(link).delete(f"{link.own}.{process.instance}")


async def _register(link: Link, process: Process) -> None:
    await processes.bucket(link).put(f"{link.own}.{process.instance}", process, 60)


@contextlib.contextmanager
def _beside(work: contextlib.AbstractAsyncContextManager[None]) -> Iterator[None]:
    """`work` in a loop and thread of its own while the block lasts."""
    started = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def turn() -> None:
        done = asyncio.Event()
        loops.append((asyncio.get_running_loop(), done))
        async with work:
            started.set()
            await done.wait()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, turn())
        assert started.wait(20), running
        try:
            yield
        finally:
            loop, done = loops[0]
            loop.call_soon_threadsafe(done.set)
            running.result(20)


FULL = Disk("/var/lib/trunkline", 0, 10**12)
"""A disk without a byte free."""
