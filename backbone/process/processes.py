"""The register of processes: each says in bucket `processes` what it is, where, and how its machine is, every 15 s.

Its key is `<user of NATS>.<instance>`, which its user may write and no other. Who leaves in order deletes it; who dies
or hangs leaves it behind, and it runs out after an hour: so `trunkline doctor` names who is gone. Fields are added with
defaults and never changed: a record of any version can be read.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import os
import random
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from msgspec import Struct

from backbone.clock import utc_ms
from backbone.errors import ForbiddenError, TrunklineError, UnknownOutcomeError
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Change
from backbone.nats.link import Link
from backbone.schema import RELEASE, SCHEMA

BUCKET: Final = "processes"
REFRESH_S: Final = 15.0
TTL_S: Final = 3600
MARKER_S: Final = 60
LATE_S: Final = 0.3
"""A record that took longer to be stored says a time of long ago: it is written again."""

REFUSED_S: Final = 300.0
"""Until the next try where users of NATS of an earlier version don't allow it: each refusal is an error in the log."""

LEAVE_WITHIN_S: Final = 2.0
READ_WITHIN_S: Final = 5.0
MOST: Final = 10_000
FOLDERS_MOST: Final = 8
SECRETS_MOST: Final = 20
TEXT_MOST: Final = 500
FINGERPRINT_DIGITS: Final = 6
"""24 bits: enough to tell secrets apart, too few to tell a guessed secret from thousands of others."""

_PURPOSE: Final = b"trunkline secret fingerprint"

_log = structlog.get_logger("backbone.process.processes")


class Disk(Struct, frozen=True):
    """The disk that a folder is on; sizes in bytes."""

    folder: str = ""
    free: int = 0
    total: int = 0


class Process(Struct, frozen=True, kw_only=True):
    """What a process says of itself. Times in UTC ms by its clock; `secrets`: fingerprints, the signing one's first."""

    name: str = ""
    instance: str = ""
    version: str = ""
    schema: int = 0
    host: str = ""
    pid: int = 0
    address: str = ""
    at: int = 0
    began: int = 0
    sockets: int = 0
    sockets_most: int = 0
    secrets: tuple[str, ...] = ()
    public_url: str = ""
    disks: tuple[Disk, ...] = ()
    files: int = 0
    files_most: int = 0
    failure: str = ""
    """Why it ended, where it could still say so."""


class Registered(NamedTuple):
    """A record and when the server stored it (UTC ms)."""

    process: Process
    stored_ms: int


def bucket(link: Link) -> Bucket[Process]:
    """The bucket."""
    return Bucket(link, BUCKET, Process)


def fingerprint(secret: str) -> str:
    """Tells two secrets apart and gives neither away: a keyed hash, cut short."""
    return hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).hexdigest()[:FINGERPRINT_DIGITS]


class Register:
    """Keeps the record of one process. What only its work knows (`address`, `sockets`, ...) it sets itself."""

    def __init__(self, link: Link, name: str, instance: str, secrets: Sequence[str]) -> None:
        self._link = link
        self._name = name
        self._instance = instance
        self._secrets = tuple(fingerprint(secret.strip()) for secret in secrets if secret.strip())[:SECRETS_MOST]
        self._began = utc_ms()
        self._has_written = False
        self._is_refused = False
        self._silent_since: float | None = None
        self.address = ""
        self.public_url = ""
        self.sockets: Callable[[], int] = lambda: 0
        self.sockets_most = 0
        self.folders: list[str] = []
        """Folders that it writes to, beside the one for temporary files."""

    @property
    def problem(self) -> str | None:
        """That the connection stands and nothing is answered: a server that hangs. None if it answers."""
        if self._silent_since is None:
            return None
        return f"nats-server hasn't answered for {time.monotonic() - self._silent_since:.0f} s: it hangs or is cut off."

    async def run(self) -> None:
        """Writes the record until cancelled. A server that doesn't take it only goes without."""
        await self._link.is_open.wait()
        is_repeat = False
        while True:
            took_s = await self._write("")
            # Unanswered: a connection that broke tells of nothing else, so look again at once.
            is_repeat = took_s > LATE_S and (not is_repeat or self._silent_since is not None)
            wait_s = REFUSED_S if self._is_refused else LATE_S if is_repeat else REFRESH_S
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter

    async def leave(self, failure: str = "") -> None:
        """Takes the record out, or leaves word why the process ended. Never longer than two seconds."""
        if not (self._has_written and self._link.is_usable):
            return
        try:
            async with asyncio.timeout(LEAVE_WITHIN_S):
                if failure:
                    await self._write(failure)
                else:
                    await bucket(self._link).delete(self._key, marker_s=MARKER_S)
        except (TimeoutError, TrunklineError) as error:
            _log.debug("process.not_forgotten", error=repr(error))

    @property
    def _key(self) -> str:
        return subjects.key(self._link.own, self._instance)

    async def _write(self, failure: str) -> float:
        """Seconds that it took to be stored; more than `LATE_S` where it wasn't answered."""
        machine = await asyncio.to_thread(_machine, tuple(self.folders[:FOLDERS_MOST]))
        record = Process(
            name=self._name,
            instance=self._instance,
            version=RELEASE,
            schema=SCHEMA,
            host=machine.host,
            pid=os.getpid(),
            address=self.address,
            at=utc_ms(),
            began=self._began,
            sockets=self.sockets(),
            sockets_most=self.sockets_most,
            secrets=self._secrets,
            public_url=self.public_url[:TEXT_MOST],
            disks=machine.disks,
            files=machine.files,
            files_most=machine.files_most,
            failure=failure[:TEXT_MOST],
        )
        asked = time.monotonic()
        try:
            await bucket(self._link).put(self._key, record, TTL_S)
        except UnknownOutcomeError:
            self._silent_since = self._silent_since or asked
            return math.inf
        except TrunklineError as error:
            # An earlier version's streams or users of NATS: it goes without.
            self._silent_since, self._is_refused = None, isinstance(error, ForbiddenError)
            _log.debug("process.not_registered", error=str(error))
        else:
            self._silent_since, self._is_refused = None, False
            self._has_written = True
        return time.monotonic() - asked


class _Machine(NamedTuple):
    host: str
    disks: tuple[Disk, ...]
    files: int
    files_most: int


def _machine(folders: tuple[str, ...]) -> _Machine:
    """What the process's machine has left."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        files = 0
    return _Machine(
        socket.gethostname()[:TEXT_MOST],
        tuple(filter(None, map(_disk, (tempfile.gettempdir(), *folders)))),
        files,
        max(soft, 0),
    )


def _disk(folder: str) -> Disk | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(folder[:TEXT_MOST], usage.free, usage.total)


async def registered(link: Link) -> list[Registered]:
    """Every record there is, by name and instance. Raises TrunklineError where the bucket can't be read."""
    await link.api(f"STREAM.INFO.KV_{BUCKET}", {})
    found: dict[str, Registered] = {}

    def take(change: Change[Process]) -> None:
        if change.value is None:
            found.pop(change.key, None)
        elif len(found) < MOST:
            found[change.key] = Registered(change.value, change.at_ms)

    watch = bucket(link).watch(take)
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            await watch.caught_up.wait()
    except TimeoutError:
        raise TrunklineError("bucket.unreadable", f"KV_{BUCKET} couldn't be read.") from None
    finally:
        await watch.close()
    return sorted(found.values(), key=lambda one: (one.process.name, one.process.instance))
