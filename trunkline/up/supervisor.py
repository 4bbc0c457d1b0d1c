"""Keeps child processes running and stops them in order. One thread, standard library alone."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from backbone.process import notify
from trunkline.embedded import RefusedStartError
from trunkline.up import word
from trunkline.up.child import Child, Part, ProcessHandle
from trunkline.up.telling import tell

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)

RENEW_WITHIN_S: Final = 5.0

WRONG_SETTING: Final = 78
"""Exit code of a process that refuses its settings or its data: starting it again would change nothing."""

TELL_AGAIN_S: Final = 1.0
"""Wait before a child that didn't take what it was told is told again."""


class Supervisor:
    """Runs parts until a signal comes. `say` gets one sentence for each thing worth telling, `warn` for each fault."""

    def __init__(self, say: Callable[[str], None], warn: Callable[[str], None] | None = None) -> None:
        self.say = say
        self.warn = warn or say
        self.children: list[Child] = []
        self.note: Callable[[list[Child]], None] = lambda _children: None
        """Gets all children after each start and end: what happened last is known beside us too."""

        self.signals = 0
        self.hangups = 0
        self._listened_at = time.monotonic()
        self._watchdog = notify.Watchdog()
        self._has_terminal = _has_terminal()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        os.set_blocking(self._wake_read, False)

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked us to stop."""
        return self.signals > 0

    def listen(self) -> None:
        """Take SIGINT and SIGTERM; a second one ends everything at once. SIGHUP asks for an upgrade."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in STOPPING:
            signal.signal(number, self._asked)
        signal.signal(signal.SIGHUP, self._hung_up)
        # Blocked by the program that executed us, so that none of them is lost or kills us on the way.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOPPING, signal.SIGHUP})

    def add(self, part: Part, *, adopt: ProcessHandle | None = None) -> Child:
        """Start a part and keep it running, or keep a process that runs already."""
        child = Child(part, adopt)
        if adopt is None:
            child.start()
        self.children.append(child)
        return child

    def add_beside(self, part: Part) -> Child:
        """Start a part beside the process that it will follow; it isn't kept until `keep` says so."""
        child = Child(part)
        child.keep = False
        child.start(beside=True)
        self.children.append(child)
        return child

    def end(self, child: Child) -> None:
        """SIGTERM to one child, SIGKILL after its grace; returns when it has ended. The others are kept meanwhile."""
        child.keep = False
        child.restart_at = None
        _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + child.part.grace_s
        while child.process is not None:
            if time.monotonic() > deadline or self.signals > 1:
                self._kill([child])
            self.wait(0.1)
        self.children.remove(child)

    def take_hangup(self) -> bool:
        """Whether somebody asked for an upgrade since we last looked."""
        asked, self.hangups = self.hangups > 0, 0
        return asked

    def wait(self, timeout_s: float) -> None:
        """Sleep until a signal comes, a child ends or the time is over; then mend what is broken."""
        due = [c.restart_at - time.monotonic() for c in self.children if c.restart_at is not None]
        if tell(self.children):
            due.append(TELL_AGAIN_S)
        self._sleep(max(0.0, min([timeout_s, *due])))
        for child in list(self.children):
            code = child.ended()
            if code is not None and child.keep and not self.is_stopping:
                self._mend(child, code)
                self.note(self.children)
            elif child.is_hung and not self.is_stopping:
                child.hung = f"gave no sign of life for {child.silent_s:.0f} s, so it hung, and was ended"
                _signal(child, signal.SIGKILL)
            if child.restart_at is not None and child.restart_at <= time.monotonic() and not self.is_stopping:
                child.start()
                self.note(self.children)
        tell(self.children)

    def renew(self, child: Child, why: str) -> None:
        """End a child that should be another one, and start that at once; one that doesn't end in time is killed."""
        self.warn(f"{child.part.name} is started again: {why}")
        child.is_renewed = True
        _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + RENEW_WITHIN_S
        while _is_alive(child) and time.monotonic() < deadline and not self.is_stopping:
            self._sleep(0.05)
        if not self.is_stopping:
            _signal(child, signal.SIGKILL)

    def stop(self) -> None:
        """Stop rank by rank: SIGTERM, the grace of the slowest, then SIGKILL. A further signal kills at once."""
        heard = self.signals
        for rank in sorted({child.part.rank for child in self.children}):
            group = [c for c in self.children if c.part.rank == rank and c.process is not None]
            for child in group:
                _signal(child, signal.SIGTERM)
            deadline = time.monotonic() + max((c.part.grace_s for c in group), default=0.0)
            while any(_is_alive(c) for c in group):
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self.signals > heard:
                    self._kill(group)
                    break
                self._sleep(min(left_s, 1.0))

    def _kill(self, group: list[Child]) -> None:
        for child in group:
            if _is_alive(child):
                self.warn(f"{child.part.name} didn't stop in time and was killed")
                _signal(child, signal.SIGKILL)
        for child in group:
            if child.process is not None:
                child.process.wait()

    def _mend(self, child: Child, code: int) -> None:
        name = child.part.name
        if child.is_renewed:
            child.is_renewed = False
            child.restarts += 1
            child.start()
            return
        how = child.hung or _how(code)
        word.failed(child, how)
        if code == WRONG_SETTING and child.part.is_optional:
            child.keep = False
            self.warn(f"{name} refuses to start: see its message above. It isn't started again; the others go on")
            return
        if code == WRONG_SETTING:
            raise RefusedStartError(f"{name} refuses to start: see its message above.")
        self.warn(f"{name} {how}; starting it again in {child.plan_restart():.1f} s")

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1

    def _hung_up(self, _number: int, _frame: FrameType | None) -> None:
        if self._has_terminal and not _has_terminal():
            # The window was closed on us: that is no wish for an upgrade.
            self.signals += 1
        else:
            self.hangups += 1

    def _sleep(self, timeout_s: float) -> None:
        pipes = [child.report for child in self.children if child.report is not None]
        ready, _, _ = select.select([self._wake_read, *pipes], [], [], timeout_s)
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        self._watchdog.turn()
        now = time.monotonic()
        for child in self.children:
            child.pass_time(now - self._listened_at)
            child.listen()
        self._listened_at = now


def _is_alive(child: Child) -> bool:
    return child.process is not None and child.process.poll() is None


def _how(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None and child.process.poll() is None:
        child.process.send_signal(number)


def _has_terminal() -> bool:
    return any(os.isatty(stream.fileno()) for stream in (sys.__stdout__, sys.__stderr__) if stream is not None)
