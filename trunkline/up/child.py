"""A child process of `up`, and what became of it. One thread, standard library alone.

Each child is an ordinary `trunkline` process in a process group of its own, so that Ctrl-C reaches the parent
only, and dies with the parent however that dies. It tells on a pipe what it does (backbone/service.py).
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from trunkline.embedded import die_with_parent
from trunkline.up.telling import Ear

BACKOFF_LEAST_S: Final = 0.5
BACKOFF_MOST_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that lived this long begins again with the least backoff."""


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


type_of_process = subprocess.Popen[bytes] | Adopted


class Child:
    """A part and what became of it. `keep`: it is started again when it ends."""

    def __init__(self, part: Part, process: type_of_process | None = None) -> None:
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

        self.heard_at = self.started_at
        """When it gave its last sign of life."""

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
        while self.report is not None:
            try:
                told = os.read(self.report, 65536)
            except BlockingIOError:
                return
            if not told:
                os.close(self.report)
                self.report = None
                return
            *lines, self._half_line = (self._half_line + told).split(b"\n")
            for line in lines:
                self._told(json.loads(line))

    def go_on_listening(self, report: int | None, words: Mapping[str, Any]) -> None:
        """Hear an adopted child where an earlier program of this process stopped: its pipe, what it told last."""
        if report is not None:
            os.set_inheritable(report, False)  # noqa: FBT003 - os's own form
            self.report = report
        if words:
            self._told(words)

    def is_hung(self, now: float) -> bool:
        """Whether it has said nothing for longer than it said that it would. Earlier versions promise nothing."""
        return bool(self.words) and now - self.heard_at > float(self.words.get("hung_s") or math.inf)

    def _told(self, words: Mapping[str, Any]) -> None:
        self.heard_at = time.monotonic()
        self.role, self.problem, self.words = words["role"], words["problem"], words

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
