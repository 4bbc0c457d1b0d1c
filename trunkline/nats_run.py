"""`trunkline nats run`: one nats-server of one's own, with what `trunkline up` does for its.

Its disk is watched and told of, and it is started again where a full disk has hurt its store, or where it hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from backbone import space
from backbone.errors import SettingError, TrunklineError
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.process import notify, saying
from backbone.process.disk import DiskTold
from backbone.settings import Common, load
from backbone.space import RoomLeft
from backbone.until import until
from trunkline import embedded
from trunkline.up.mending import Mending, greets

USER: Final = "nats"
PASSWORD: Final = "TRUNKLINE_NATS_DISK_PASSWORD"  # noqa: S105 - the setting's name; a cluster's own has the other
LOOK_S: Final = 1.0
STOP_WITHIN_S: Final = 30.0
RENEW_WITHIN_S: Final = 5.0
AGAIN_LEAST_S: Final = 0.5
AGAIN_MOST_S: Final = 30.0
STEADY_S: Final = 60.0
HEARD_MOST: Final = 64 * 1024
"""Bytes of what the server said that wait to be looked at."""


def run(configuration: Path, environ: Mapping[str, str]) -> int:
    """Runs the server until a signal; returns the exit code. Raises StartError and SettingError."""
    return asyncio.run(Runner(configuration, environ).run())


class NatsRun(Struct, frozen=True):
    """What is read besides the common settings and nats-server's own variables."""

    disk_password: str = ""


class Runner:
    """One server and what is known of its disk."""

    def __init__(self, configuration: Path, environ: Mapping[str, str]) -> None:
        self._command = [embedded.binary(), "--config", str(configuration)]
        self._environ = dict(environ)
        common = load(Common, environ=environ)
        self._marks, self._log_format = common.disk_marks(), common.log_format
        self._password = load(NatsRun, "nats", environ).disk_password
        self._store = _store(environ)
        self._host, self._port = _listen(environ)
        self._room: RoomLeft = "ok"
        self._heard = bytearray()
        self._server: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._link = Link()
        self._watchdog = notify.Watchdog()
        self._is_ready = False

    async def run(self) -> int:
        """Until SIGTERM or SIGINT; SIGHUP has the server read its configuration again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._signal, signal.SIGHUP)
        self._store.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = [asyncio.create_task(self._watch()), asyncio.create_task(self._open())]
        try:
            return await self._keep()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            if self._link.is_open.is_set():
                with contextlib.suppress(TrunklineError):
                    await self._link.close()

    async def _keep(self) -> int:
        """Starts the server as often as it ends by itself."""
        delay_s = AGAIN_LEAST_S
        while True:
            began = time.monotonic()
            server = self._server = await asyncio.create_subprocess_exec(
                *self._command,
                env={n: v for n, v in self._environ.items() if n not in notify.NAMES},
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                preexec_fn=embedded.die_with_parent(),
            )
            reading = asyncio.create_task(self._echo(server.stderr))
            ended, asked = asyncio.create_task(server.wait()), asyncio.create_task(self._stopping.wait())
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if self._stopping.is_set():
                notify.notify(notify.STOPPING)
                await self._stop(server, STOP_WITHIN_S)
                await reading
                return 0
            await reading
            if time.monotonic() - began > STEADY_S:
                delay_s = AGAIN_LEAST_S
            self._say(f"nats-server ended with code {ended.result()}; starting it again in {delay_s:.1f} s")
            if not await until(self._stopping, asyncio.sleep(delay_s)):
                return 0
            delay_s = min(2 * delay_s, AGAIN_MOST_S)

    async def _stop(self, server: asyncio.subprocess.Process, within_s: float) -> None:
        with contextlib.suppress(ProcessLookupError):
            server.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await server.wait()
                    return
            server.kill()
            await server.wait()

    async def _echo(self, said: asyncio.StreamReader | None) -> None:
        """What the server says goes where ours goes, and is looked at."""
        while said and (chunk := await said.read(65536)):
            self._heard = (self._heard + chunk)[-HEARD_MOST:]
            sys.stderr.buffer.write(chunk)
            sys.stderr.buffer.flush()

    async def _watch(self) -> None:
        """Tells of the disk once a second, and has the server started again where it must be."""
        mending = Mending(self._store, Path(os.devnull), (self._host, self._port), self._marks)
        while True:
            await asyncio.sleep(LOOK_S)
            self._watchdog.turn()
            await self._tell_ready()
            found = await asyncio.to_thread(space.look, self._store)
            before, self._room = self._room, space.room(self._room, found, self._marks)
            if before != self._room:
                self._say(f"the disk of {self._store}: {found}: {self._room}")
            told = DiskTold(server=self._name(), free=found.free, total=found.total, room=self._room)
            with contextlib.suppress(TrunklineError):
                self._link.publish_raw(subjects.DISK_TOLD, msgspec.json.encode(told))
            said, self._heard = bytes(self._heard).lower(), bytearray()
            is_away = self._link.is_open.is_set() and not self._link.is_usable
            why = await asyncio.to_thread(mending.look, time.monotonic(), is_away=is_away, said=said)
            if why and self._server is not None and self._server.returncode is None:
                self._say(f"nats-server is started again: {why}")
                await self._stop(self._server, RENEW_WITHIN_S)

    async def _tell_ready(self) -> None:
        """Once the server takes who connects: what is started after it finds it."""
        if not self._is_ready and await asyncio.to_thread(greets, (self._host, self._port)) == "greets":
            self._is_ready = True
            notify.notify(notify.READY)

    async def _open(self) -> None:
        """The connection by which others are told."""
        if not self._password:
            self._say(f"nobody is told of the disk: `trunkline nats credential {USER}` has the line for that")
            return
        await self._link.open(f"nats://{self._host}:{self._port}", name=USER, user=USER, password=self._password)

    def _name(self) -> str:
        return self._environ.get("TRUNKLINE_NATS_NAME") or f"{os.uname().nodename}:{self._port}"

    def _say(self, text: str) -> None:
        saying.say(USER, f"trunkline nats: {text}", "warning", log_format=self._log_format)

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None and self._server.returncode is None:
            self._server.send_signal(number)


def _store(environ: Mapping[str, str]) -> Path:
    store = environ.get("TRUNKLINE_NATS_STORE", "").strip('"')
    if not store:
        raise SettingError(message="TRUNKLINE_NATS_STORE is missing: the folder of the log.", field="nats_store")
    return Path(store)


def _listen(environ: Mapping[str, str]) -> tuple[str, int]:
    """How this machine reaches the server."""
    host, _, port = environ.get("TRUNKLINE_NATS_LISTEN", "").rpartition(":")
    if not port.isdigit() or not int(port):
        raise SettingError(
            message="TRUNKLINE_NATS_LISTEN is missing or has no port: give an address such as 10.0.0.1:4222.",
            field="nats_listen",
        )
    return ("127.0.0.1" if host in {"", "0.0.0.0", "[::]"} else host.strip("[]")), int(port)  # noqa: S104 - read
