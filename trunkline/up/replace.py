"""Replaces running processes by those of the code now installed, one after the other, while all others run on.

The new process starts beside the old one and tells when it is ready to follow; then the old one gets SIGTERM, finishes
and goes. If the new one doesn't get that far it is ended, and the old one, which never noticed, goes on.
Standard library alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from trunkline.progress import Teller
from trunkline.up.child import Child, Part
from trunkline.up.supervisor import Supervisor

BESIDE_WITHIN_S: Final = 120.0
WORKS_WITHIN_S: Final = 60.0


class UpgradeError(Exception):
    """The upgrade stops here; the message says why, and the system goes on."""


def replace(supervisor: Supervisor, part: Part, tell: Teller) -> None:
    """Replace the running child of the same name by `part`; start it if there is none. Raises UpgradeError."""
    old = next((c for c in supervisor.children if c.part.name == part.name), None)
    if not part.reports or old is None:
        if old is not None:
            supervisor.end(old)
        supervisor.add(part).restarts = old.restarts if old else 0
        tell.step(part.name, "working", "started again")
        return
    tell.step(part.name, "starting", "the new one starts beside the old one")
    new = _beside(supervisor, part)
    tell.step(part.name, new.role, "the new one is ready; the old one finishes and leaves")
    began = time.monotonic()
    new.keep, new.restarts = True, old.restarts
    supervisor.end(old)
    left_s = time.monotonic() - began
    is_working = _until(supervisor, new, lambda: _is_working(new) or new.process is None, WORKS_WITHIN_S)
    if not is_working or not _is_working(new):
        raise UpgradeError(f"{part.name}: the new one doesn't work: {_why(new)}. `up` keeps trying; see its messages.")
    took_s = time.monotonic() - began
    tell.step(part.name, "working", f"the new one works (the old one took {left_s:.1f} s to leave, all {took_s:.1f} s)")


def _beside(supervisor: Supervisor, part: Part) -> Child:
    new = supervisor.add_beside(part)
    is_there = _until(supervisor, new, lambda: new.role == "standby" or _is_working(new), BESIDE_WITHIN_S)
    if is_there:
        return new
    why = _why(new)
    supervisor.end(new)
    raise UpgradeError(f"{part.name}: the new one isn't ready: {why}. The old one goes on")


def _until(supervisor: Supervisor, child: Child, holds: Callable[[], bool], within_s: float) -> bool:
    """Whether it came to hold before the child ended, the time was over or somebody asked us to stop."""
    deadline = time.monotonic() + within_s
    while not holds():
        if supervisor.is_stopping:
            raise UpgradeError("somebody asked `up` to stop")
        if (child.process is None and not child.keep) or time.monotonic() > deadline:
            return False
        supervisor.wait(0.1)
    return True


def _is_working(child: Child) -> bool:
    return child.process is not None and child.role == "active" and not child.problem


def _why(child: Child) -> str:
    if child.code is not None and child.process is None:
        why = child.problem or "see its message on the terminal of `up`"
        return f"it ended with code {child.code}: {why}"
    return child.problem or "it told nothing in time"
