"""A child process of `up`, and what became of it. One thread, standard library alone.

Each child is an ordinary `trunkline` process in a process group of its own, so that Ctrl-C reaches the parent
only, and dies with the parent however that dies. It tells on a pipe what it does (backbone/process/service.py).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from trunkline.embedded import die_with_parent
from trunkline.up.ear import Ear

BACKOFF_LEAST_S: Final = 0.5
BACKOFF_MOST_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that lived this long begins again with the least backoff."""

STARTS_WITHIN_S: Final = 300.0
"""Silence allowed to a child that still prepares itself: imports and a large store block its event loop."""

HEARD_MOST_S: Final = 1.5
"""Silence that one look counts: time in which we were stopped ourselves, or the machine, says nothing of a child."""

READ_AT_ONCE: Final = 16
"""Reads of 64 KiB from one child's pipe at a look."""

LINE_MOST: Final = 256 * 1024
"""Bytes of a line on the pipe; of a longer one nothing is kept."""


class Part(NamedTuple):
    """A child to keep running. Parts of the same `rank` stop together, lower ranks first."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    rank: int = 0
    grace_s: float = 20.0
    sockets: tuple[int, ...] = ()
    """Listening sockets that the child inherits: while it is started again, connections wait in them."""

    reports: bool = False
    """Whether it tells on a pipe what it does: `TRUNKLINE_REPORT_FD`."""

    beside: Mapping[str, str] = {}
    """Settings that it gets on top when it is started beside the process that it will follow."""

    hears: bool = False
    """Whether it is told, on its standard input, what the others do (telling.py)."""

    is_optional: bool = False
    """Whether the others go on without it where it refuses its settings."""


class Adopted:
    """A child that an earlier program of this process started: known by its id alone. As `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        """Returns when it has ended."""
        return self._reap(0)

    def send_signal(self, number: int) -> None:
        """Signals it unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _reap(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


ProcessHandle = subprocess.Popen[bytes] | Adopted


class Child:
    """A part and what became of it. `keep`: it is started again when it ends."""

    def __init__(self, part: Part, process: ProcessHandle | None = None) -> None:
        self.part = part
        self.process = process
        self.started_at = time.monotonic()
        self.failures = 0
        self.restart_at: float | None = None
        self.keep = True
        self.code: int | None = None
        self.failed_at = 0.0
        """When it ended by itself last (UTC s), and how, with its own last sentence."""

        self.failure = ""
        self.role = ""
        self.problem = ""
        self.words: Mapping[str, Any] = {}
        """What it told last, all of it."""

        self.silent_s = 0.0
        """For how long it has given no sign of life while we listened."""

        self.promised_s = 0.0
        """Silence after which it wants to be taken for hung; 0: it has promised nothing."""

        self.hung = ""
        """Why it was ended, where it hung."""

        self.is_adopted = process is not None
        """Whether an earlier program started it: of what it promised we know what was handed over."""

        self.is_renewed = False
        """Whether it is being ended to be started again at once."""
        self.restarts = 0
        self.ear: Ear | None = None
        """Where it is told of the others, if it hears."""

        self.report: int | None = None
        self._half_line = b""

    def start(self, *, beside: bool = False) -> None:
        """Start the process; its output goes where ours goes. `beside` another one that it will follow."""
        self.started_at = time.monotonic()
        self.restart_at = None
        self.silent_s, self.promised_s, self.hung, self.is_adopted = 0.0, 0.0, "", False
        environment = {**self.part.environment, **(self.part.beside if beside else {})}
        pipe: tuple[int, ...] = ()
        if self.part.reports:
            self._close_report()
            self.report, told = os.pipe()
            os.set_blocking(self.report, False)
            pipe = (told,)
            environment["TRUNKLINE_REPORT_FD"] = str(told)
        heard = subprocess.DEVNULL
        if self.part.hears:
            heard, mouth = os.pipe()
            self.deafen()
            self.ear = Ear(mouth)
        try:
            self.process = subprocess.Popen(
                list(self.part.command),
                env=environment,
                stdin=heard,
                pass_fds=(*self.part.sockets, *pipe),
                process_group=0,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  (the supervisor has one thread)
            )
        finally:
            for told in pipe:
                os.close(told)
            if heard >= 0:
                os.close(heard)

    def deafen(self) -> None:
        """Tell it nothing more."""
        if self.ear is not None:
            self.ear.close()
            self.ear = None

    def listen(self) -> None:
        """Take in what it has told since."""
        for _ in range(READ_AT_ONCE):
            if self.report is None:
                return
            try:
                told = os.read(self.report, 65536)
            except BlockingIOError:
                return
            if not told:
                os.close(self.report)
                self.report = None
                return
            self.silent_s = 0.0
            *lines, half = (self._half_line + told).split(b"\n")
            self._half_line = half if len(half) <= LINE_MOST else b""
            for line in lines:
                # One of which a full pipe took a part only, or that somebody's code wrote there.
                with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                    self._told(json.loads(line))

    def go_on_listening(self, report: int | None, words: Mapping[str, Any]) -> None:
        """Hear an adopted child where an earlier program of this process stopped: its pipe, what it told last."""
        if report is not None:
            os.set_inheritable(report, False)  # noqa: FBT003 - os's own form
            self.report = report
        if words:
            self._told(words)

    def pass_time(self, elapsed_s: float) -> None:
        """That much time has passed since it was listened to last."""
        self.silent_s += min(elapsed_s, HEARD_MOST_S)

    @property
    def is_hung(self) -> bool:
        """Whether it has said nothing for longer than it said that it would. One that leaves has its grace instead."""
        return self.process is not None and self.keep and not self.hung and self.silent_s > self._silent_most_s

    @property
    def _silent_most_s(self) -> float:
        """Earlier versions promise no sign of life, and what doesn't report can't."""
        if self.promised_s:
            return max(self.promised_s, STARTS_WITHIN_S) if self.role == "starting" else self.promised_s
        is_new = self.part.reports and not self.is_adopted and self.role in {"", "ended"}
        return STARTS_WITHIN_S if is_new else math.inf

    def _told(self, words: Mapping[str, Any]) -> None:
        role, problem, promised_s = str(words["role"]), str(words["problem"]), float(words.get("hung_s") or 0)
        self.role, self.problem, self.words = role, problem, words
        # Last words promise nothing, and a process can hang after them.
        self.promised_s = promised_s or self.promised_s

    def ended(self) -> int | None:
        """The exit code if it ended since we last looked, else None."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.listen()
        self.deafen()
        self.process, self.code = None, code
        return code

    def _close_report(self) -> None:
        if self.report is not None:
            os.close(self.report)
        self.report, self.role, self.problem, self.words, self._half_line = None, "", "", {}, b""

    def plan_restart(self) -> float:
        """Note a failure; returns the seconds until the next start: doubled each time, with jitter."""
        now = time.monotonic()
        if now - self.started_at > STEADY_S:
            self.failures = 0
        ceiling: float = min(BACKOFF_MOST_S, BACKOFF_LEAST_S * 2**self.failures)
        self.failures += 1
        self.restarts += 1
        delay_s = ceiling * random.uniform(0.5, 1)  # noqa: S311  (jitter)
        self.restart_at = now + delay_s
        return delay_s
