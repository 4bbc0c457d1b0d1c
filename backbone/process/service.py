"""One process: settings, logs, signals, the connection, health and metrics, start order, drain.

Every process is `start(name, Settings, main)`. `main` gets a `Service`, prepares its work, says
`service.ready(...)` and waits for `service.stopping`; on the way out `on_drain` functions run, latest first.
A process that may have to wait for its turn says `stand_by()`, and `take_over()` once it works.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import math
import os
import random
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Literal, TypeVar

import prometheus_client
import structlog
import uvloop
from msgspec import Struct

from backbone import failpoints, private
from backbone.errors import SettingError, TrunklineError, UnavailableError
from backbone.log import Log
from backbone.nats import admission
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.outside import guard
from backbone.process import health, logging, notify, pace, saying
from backbone.process.disk import Disk
from backbone.process.processes import Register
from backbone.serving import health as http_health
from backbone.serving import http, metrics
from backbone.serving.bounds import Door
from backbone.settings import Common, load, redacted, variable
from backbone.until import until

LOOK_S: Final = 0.02
LAST_WORDS_MOST: Final = 500
ADMIT_AGAIN_S: Final = 1.0
EXIT_CONFIG: Final = 78
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
"""Numbers of `mallopt` in malloc.h."""

EXIT_FAILED: Final = 1
BEATS_UNTIL_HUNG: Final = 5
WELL_LOOK_S: Final = 2.0
READY_LOOK_S: Final = 0.5
BEGIN_EPOCHS: Final = frozenset({"node", "routing", "warehouse"})
"""Processes whose user of NATS may change a stream's metadata (permissions.py)."""

COLLECT_AFTER: Final = 20_000
ANY_PORT: Final = -1
"""In place of the port of health and metrics: a free one, told to whoever started the process."""

S = TypeVar("S", bound=Struct)

DURABILITY: Final = {
    "synced": "synced: an acknowledged event is on the disk",
    "fast": "fast: an acknowledged event is on the disk within 10 ms; a power cut can lose those",
    "cluster": "cluster: an acknowledged event is on a majority of servers",
}

Role = Literal["starting", "standby", "active"]
"""What a process does: prepares itself, waits until another leaves, works."""

_up = prometheus_client.Gauge("trunkline_link_up", "1 while connected to NATS.")


class Service:
    """What a process has at hand while it runs."""

    def __init__(self, name: str, common: Common) -> None:
        self.name = name
        self.common = common
        self.instance = f"{name}-{secrets.token_hex(4)}"
        self.link = Link()
        self.lineage = Lineage(
            self.link,
            common.log_streams(),
            self.instance,
            may_begin=name in BEGIN_EPOCHS,
            is_first=common.first,
        )
        self.disk = Disk(self.link, common)
        self.logger = structlog.get_logger(name)
        self.stopping = asyncio.Event()
        self.checks: dict[str, http_health.Check] = {"nats": self._nats_problem}
        self.facts: dict[str, Any] = {
            "instance": self.instance,
            "durability": DURABILITY[common.profile],
            "role": "starting",
        }
        self._told: dict[str, Any] = {}
        self._load: pace.LoadReader = lambda: None
        self._has_news = asyncio.Event()
        self._beat: Callable[[], dict[str, Any]] = dict
        self._bulk: Link | None = None
        self._bulk_opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._drains: list[Callable[[], Awaitable[None]]] = []
        self.failure: BaseException | None = None
        self.register = Register(self.link, name, self.instance, [common.secret, *common.old_secrets.split(",")])
        self.register.folders += [common.log_dir] if common.log_dir else []

    def ready(self, name: str, check: http_health.Check) -> None:
        """Adds a condition of readiness: None if it holds, else one sentence."""
        self.checks[name] = check

    @property
    def role(self) -> Role:
        """What this process does now."""
        role: Role = self.facts["role"]
        return role

    def stand_by(self) -> None:
        """Everything is there but the turn: another process does the work until it leaves."""
        self.facts["role"] = "standby"

    def take_over(self) -> None:
        """This process does the work from now on."""
        self.facts["role"] = "active"

    def guard(self, log: Log) -> None:
        """`log` writes only into the log that was written last, and only where there is room."""
        self.lineage.guard(log)
        self.disk.guard(log)

    def tell(self, **words: Any) -> None:
        """Further words for whoever started this process, from now on; the same name again replaces the word."""
        self._told.update(words)
        self._has_news.set()

    def beat(self, words: Callable[[], dict[str, Any]]) -> None:
        """`words` are asked for and told with each sign of life."""
        self._beat = words

    def told(self, word: str) -> Any:
        """What was told last under that name."""
        return self._told.get(word)

    @property
    def problem(self) -> str:
        """The first condition of readiness that doesn't hold, with its name; empty if all do."""
        found = ((name, check()) for name, check in self.checks.items())
        return next((f"{name}: {problem}" for name, problem in found if problem), "")

    async def until_well(self) -> None:
        """Returns once every condition of readiness holds."""
        while self.problem:  # noqa: ASYNC110 - conditions are asked for, they don't call
            await asyncio.sleep(LOOK_S)

    async def bulk(self) -> Link:
        """A second connection, for what is large: made at the first call, and anew where it was lost for good."""
        async with self._bulk_opening:
            if self._bulk is None or self._bulk.was_lost.is_set():
                link = Link()
                await self._open(link, f"{self.instance}-files")
                self._bulk = link
            return self._bulk

    async def open_link(self) -> None:
        """Opens the connection that all else travels by."""
        await self._open(self.link, self.instance)

    async def close_links(self) -> None:
        """Closes what was opened."""
        for link in (self._bulk, self.link):
            if link is not None and (link.is_open.is_set() or link.is_connected):
                await link.close()

    async def _open(self, link: Link, name: str) -> None:
        common = self.common
        await link.open(
            common.nats_url, name=name, user=common.nats_user, password=common.nats_password, admit=self._admit
        )

    async def _admit(self, link: Link) -> None:
        """Raises UnfitError before anybody here may write. Asked again where JetStream can't answer, nor write, now."""
        if not await admission.admit(link, self.common.log_streams()):
            self.spawn(self._admit_later(link), "link.admission")

    async def _admit_later(self, link: Link) -> None:
        while not await admission.admit(link, self.common.log_streams()):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(ADMIT_AGAIN_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter

    def keeps_up(self, load: pace.LoadReader, *, times: float = 1.0) -> None:
        """Adds the condition that what waits gets on: `times` the setting `still_s` with nothing done is too long."""
        seen = pace.Pace(self.common.still_s * times)
        self._load = load
        self.ready("keeps up", lambda: seen.problem(time.monotonic()))
        self.spawn(pace.watch(seen, load), "service.pace")

    @property
    def waiting(self) -> int:
        """Events that wait for this process, as far as it knows."""
        load = self._load()
        return load.waiting if load else 0

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Runs `work` beside the process. If it fails the process stops with its error: nothing dies silently."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def unless_stopping(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether `work` came to its end before the process was told to stop; else it is cancelled.

        Raises what `work` raises.
        """
        return await until(self.stopping, work)

    def on_drain(self, leave: Callable[[], Awaitable[None]]) -> None:
        """`leave` is awaited when the process stops, latest added first."""
        self._drains.append(leave)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            if not isinstance(error, SettingError):
                self.logger.error("task.failed", task=task.get_name(), exc_info=error)
            self.failure = error
            self.stopping.set()

    def _nats_problem(self) -> str | None:
        _up.set(int(self.link.is_usable))
        return self.register.problem if self.link.is_usable else "NATS can't be reached; nothing can be stored now."

    async def _drain(self, working: asyncio.Task[Any]) -> None:
        """Main leaves by itself when it sees `stopping`, or by its `on_drain`; only then is the rest ended."""
        for leave in reversed(self._drains):
            try:
                await leave()
            except TrunklineError as error:
                self.logger.warning("drain.failed", error=str(error), code=error.code)
        if not self.link.is_open.is_set():
            # It waits for a log that never came; there is nothing to leave in order.
            working.cancel()
        await asyncio.wait({working})
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def start(
    name: str, kind: type[S], main: Callable[[Service, S], Coroutine[Any, Any, None]], section: str | None = None
) -> int:
    """Loads the settings (`section` is `name` unless given) and runs the process; returns its exit code."""
    try:
        failpoints.check()
        common = load(Common)
        settings = load(kind, name if section is None else section)
        _allow_outside(common)
    except SettingError as wrong:
        log_format = os.environ.get(variable("", "log_format"), "auto")
        saying.say(name, f"{name}: {wrong.message}", "error", log_format=log_format)
        _say_last(wrong.message)
        return EXIT_CONFIG

    async def with_settings(service: Service) -> None:
        service.logger.info("settings", **redacted(settings))
        await main(service, settings)

    return run(name, common, with_settings)


def _allow_outside(common: Common) -> None:
    try:
        guard.allow(common.outside_allow)
    except ValueError as wrong:
        raise SettingError(
            message=f"{variable('', 'outside_allow')}: {wrong}; list networks such as 10.1.0.0/16.",
            field="outside_allow",
        ) from None


def run(name: str, common: Common, main: Callable[[Service], Coroutine[Any, Any, None]]) -> int:
    """Runs `main` until it returns, a signal comes or something fails; returns the exit code."""
    logging.configure(name, common)
    private.keep_to_ourselves()
    _tame_the_collector()
    _give_large_blocks_back()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(name, common, main))
    except SettingError as wrong:
        saying.say(name, f"{name}: {wrong.message}", "error", log_format=common.log_format)
        _say_last(wrong.message)
        return EXIT_CONFIG
    except TrunklineError as error:
        saying.say(name, f"{name}: {error.message}", "error", log_format=common.log_format)
        return EXIT_FAILED


def _tame_the_collector() -> None:
    """What was imported is never garbage, and what a message makes is freed without the collector.

    By Python's own thresholds it looked at both every 700 objects: 12 % of a node's time under load.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 3)


def _give_large_blocks_back() -> None:
    """Blocks from 1 MiB on have pages of their own, which free() gives back to the system.

    glibc raises that threshold to the largest block that was freed, 32 MiB at most: after files of 20 MiB had passed, a
    node kept 60 MB of heap for ever. Few arenas, too: each thread that stores a file had one of its own.
    """
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 1024 * 1024)
        mallopt(M_ARENA_MAX, 2)


async def _report(service: Service, fd: int) -> None:
    """Tells whoever started us, a line of JSON at each change; and, once we work, that the event loop still turns.

    A process that hangs says nothing: whoever started it ends it after `hung_s` of silence.
    """
    os.set_blocking(fd, False)
    beat_s = service.common.hung_s / BEATS_UNTIL_HUNG
    told: tuple[Any, ...] = ()
    told_at, wait_s = 0.0, LOOK_S
    with contextlib.suppress(OSError), open(fd, "wb", buffering=0, closefd=False) as pipe:  # noqa: ASYNC230 - it never blocks
        while True:
            now = (service.role, service.problem, service._told | service._beat())  # noqa: SLF001 - our other half
            if now != told or time.monotonic() - told_at >= beat_s:
                told, told_at = now, time.monotonic()
                with contextlib.suppress(BlockingIOError):
                    # Who started us doesn't read now: it is stopped itself, or at work.
                    pipe.write(_line(*now[:2], hung_s=service.common.hung_s, **now[2]))
            if now[:2] == ("active", ""):
                wait_s = min(beat_s, WELL_LOOK_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await service._has_news.wait()  # noqa: SLF001 - the same
            service._has_news.clear()  # noqa: SLF001 - the same


async def _tell_systemd(service: Service) -> None:
    """Ready once the process is, then signs of life from its event loop: its unit starts one again that hangs."""
    watchdog = notify.Watchdog()
    while service.role == "starting" or (service.role == "active" and service.problem):
        await asyncio.sleep(READY_LOOK_S)
        watchdog.turn()
    notify.notify(notify.READY)
    every_s = notify.watchdog_s()
    while every_s:
        notify.notify(notify.ALIVE)
        await asyncio.sleep(every_s)


def _line(role: str, problem: str, **words: Any) -> bytes:
    return json.dumps({"role": role, "problem": problem, **words}).encode() + b"\n"


def _say_last(sentence: str) -> None:
    """Tells whoever started us why we end."""
    with contextlib.suppress(OSError, ValueError):
        fd = int(os.environ.get(variable("", "report_fd"), "-1"))
        if fd >= 0:
            os.set_blocking(fd, False)
            os.write(fd, _line("ended", sentence[:LAST_WORDS_MOST]))


def _sentence(failure: BaseException) -> str:
    """Why a process ended, in a line."""
    return " ".join(str(failure).split()) or type(failure).__name__


def _serve_health(service: Service, common: Common) -> http.Serving:
    app = http_health.application(common.health_host, service.name, service.checks, service.facts)
    fix = f"{variable('', 'health_port')} says another port for health and metrics."
    port = max(common.health_port, 0)
    serving = http.serve(app, common.health_host, port, door=Door(http_health.BOUNDS), fix=fix)
    if common.health_port == ANY_PORT:
        service.tell(health_port=serving.port)
    service.spawn(metrics.watch_loop(), "service.loop_lag")
    return serving


async def _until_lost(link: Link) -> None:
    """Ends the process, which whoever started it starts again, once its connection is given up for good."""
    await link.was_lost.wait()
    raise UnavailableError("log.unavailable", "The connection to NATS was closed for good.")


async def _run(name: str, common: Common, main: Callable[[Service], Coroutine[Any, Any, None]]) -> int:
    service = Service(name, common)
    structlog.contextvars.bind_contextvars(instance=service.instance)
    service.spawn(logging.sweep(), "service.log_sweep")
    service.logger.info("process.starting", durability=service.facts["durability"])
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stopping.set)
    serving: http.Serving | None = None
    if common.health_port:
        serving = _serve_health(service, common)
    if common.report_fd >= 0:
        service.spawn(_report(service, common.report_fd), "service.report")
    if os.environ.get("NOTIFY_SOCKET") and common.report_fd < 0:
        service.spawn(_tell_systemd(service), "service.systemd")
    opening = service.spawn(service.open_link(), "link.open")
    service.spawn(_until_lost(service.link), "link.lost")
    service.spawn(service.lineage.run(), "lineage.first")
    service.spawn(service.disk.run(), "disk")
    service.spawn(
        health.answer(
            service.link, name, service.instance, lambda: service.role, service.checks, lambda: service.waiting
        ),
        "service.health",
    )
    service.spawn(service.register.run(), "service.register")
    working = service.spawn(main(service), f"{name}.main")
    stopped = asyncio.create_task(service.stopping.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    service.stopping.set()
    service.logger.info("process.stopping")
    notify.notify(notify.STOPPING)
    try:
        async with asyncio.timeout(common.drain_s):
            await service._drain(working)  # noqa: SLF001 - the other half of this module
    except TimeoutError:
        service.logger.warning("drain.timed_out", after_s=common.drain_s)
    await service.register.leave(_sentence(service.failure) if service.failure else "")
    opening.cancel()
    stopped.cancel()
    await service.close_links()
    if serving:
        await serving.stop()
    if isinstance(service.failure, SettingError):
        raise service.failure
    logging.say_left_out(math.inf)
    service.logger.info("process.stopped")
    if service.failure:
        _say_last(_sentence(service.failure))
    return EXIT_FAILED if service.failure else 0
