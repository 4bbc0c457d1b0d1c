"""Reads mails in processes with a deadline and a bound to their memory (`limited`), which are kept, and replaced when
they exceed one of them. What exceeds them is told as such; no mail is tried twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import Process
from typing import Final, cast

import msgspec
import structlog

from adapters.channels.email import limited, parse
from adapters.channels.email.limited import Wanted
from adapters.channels.email.parse import Translated
from adapters.channels.email.servers.codes import BUSY_S
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Retry

DEADLINE_S: Final = 20.0
"""Of one mail by the clock; one of 35 MB takes 0.4 s, the slowest that were made to be slow 3 s."""

CPU_S: Final = 10
MEMORY_BYTES: Final = 768 * 1024 * 1024
"""Of addresses of a process (RLIMIT_AS), code included; after the largest and the worst mails it had 270 MB."""

START_S: Final = 60.0
PROCESSES: Final = 2
"""A mailbox reads one mail at a time, so that a hostile one leaves the other process to all others."""

MOST_HEAD_BYTES: Final = 64 * 1024

PIECE_BYTES: Final = 1024 * 1024
_PROGRAM: Final = f"from {limited.__name__} import main; main()"

_log = structlog.get_logger("channels.email")


class ExceededError(Exception):
    """A mail took more time or memory than one may, or shows a fault of the parser."""


class Reader:
    """The processes of one adapter."""

    def __init__(self, *, deadline_s: float = DEADLINE_S, cpu_s: int = 0, memory_bytes: int = MEMORY_BYTES) -> None:
        self._deadline_s = deadline_s
        self._limits = (str(memory_bytes), str(cpu_s or CPU_S))
        self._idle: list[Process] = []
        self._free = asyncio.Semaphore(PROCESSES)
        self.started = 0
        """How many processes were started."""

    async def read(self, raw: bytes, acc: Account, now: float, key: str, *, size: int = 0) -> Translated:
        """What a mail is. One that can't be read within the bounds is a message that says so, with the mail as its
        file; it stands with its sender where at least its headers can be read. `key` is its own where it names none;
        `size` as in `Wanted`.
        """
        try:
            return await self._read(Wanted(raw, acc, now, size))
        except ExceededError as exceeded:
            _log.warning("a mail can't be read", why=str(exceeded), key=key, size_bytes=len(raw))
        try:
            head = await self._read(Wanted(parse.head_of(raw, MOST_HEAD_BYTES), acc, now, len(raw)))
            return parse.kept_whole(head, raw, now, key)
        except ExceededError:
            return parse.kept_whole(None, raw, now, key)

    async def close(self) -> None:
        """Ends all processes."""
        while self._idle:
            await _end(self._idle.pop())

    async def _read(self, wanted: Wanted) -> Translated:
        async with self._free:
            process = self._idle.pop() if self._idle else await self._start()
            is_well = False
            try:
                async with asyncio.timeout(self._deadline_s):
                    answer = await _ask(process, msgspec.msgpack.encode(wanted))
                if answer == limited.FAILED:
                    raise ExceededError("the parser failed or had no memory left")
                is_well = True
                return limited.answered(answer)
            except TimeoutError:
                raise ExceededError(f"not read within {self._deadline_s} s") from None
            except (OSError, asyncio.IncompleteReadError):
                raise ExceededError(f"the process ended: {process.returncode}") from None
            finally:
                # One that exceeded a bound may have less memory left than the next mail needs.
                if is_well:
                    self._idle.append(process)
                else:
                    await asyncio.shield(_end(process))

    async def _start(self) -> Process:
        self.started += 1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PROGRAM, *self._limits),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=PIECE_BYTES,
            # No secret of ours is where strangers' mails are read.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": os.environ.get("PATH", "")},
        )
        try:
            async with asyncio.timeout(START_S):
                await _answer(process)
        except (TimeoutError, asyncio.IncompleteReadError) as failed:
            await _end(process)
            raise FaultError(Retry(after_s=BUSY_S), "the process that reads mails doesn't start") from failed
        except BaseException:
            await asyncio.shield(_end(process))
            raise
        return process


async def _ask(process: Process, content: bytes) -> bytes:
    sink = cast("asyncio.StreamWriter", process.stdin)
    sink.write(limited.framed(content))
    await sink.drain()
    return await _answer(process)


async def _answer(process: Process) -> bytes:
    source = cast("asyncio.StreamReader", process.stdout)
    (length,) = limited.LENGTH.unpack(await source.readexactly(limited.LENGTH.size))
    return await source.readexactly(length)


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
