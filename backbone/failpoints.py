"""Points at which a process kills itself with SIGKILL, so that tests can show what survives that.

`TRUNKLINE_FAILPOINT=<name>[:<nth>|:<probability>,<seed>]` arms one: at the first time it is reached, the nth,
or each time with a probability (0 to 1, with a dot). It takes effect only together with
`TRUNKLINE_FAILPOINTS=kill-this-process`, or `block-this-process` for one that hangs there instead; with a name alone
a process refuses to start, so that nobody arms one by accident. Where nothing is armed, a point costs the look at a
module's constant:

    if failpoints.ARMED:
        failpoints.reach("node.stored")
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Mapping
from typing import Final

import structlog

from backbone.errors import SettingError

POINT: Final = "TRUNKLINE_FAILPOINT"
CONSENT: Final = "TRUNKLINE_FAILPOINTS"
CONSENTED: Final = "kill-this-process"
BLOCKS: Final = "block-this-process"
"""Consent to hang instead: the point is never left, and the event loop doesn't turn again."""

BLOCK_S: Final = 3600.0

NAMES: Final = frozenset(
    {
        "node.before_store",
        "node.stored",
        "node.before_push",
        "log.batch",
        "follow.fetched",
        "follow.before_cursor",
        "routing.fetched",
        "routing.decided",
        "routing.before_cursor",
        "warehouse.fetched",
        "warehouse.inserted",
        "warehouse.before_cursor",
        "channel.before_call",
        "channel.called",
        "channel.recorded",
        "channel.before_cursor",
    }
)
"""Every point there is; docs/reliability.md says where each lies."""

_log = structlog.get_logger("failpoints")


class Fuse:
    """One armed point: says at each reach whether it burns through."""

    def __init__(self, name: str, nth: int, probability: float, seed: int) -> None:
        self.name = name
        self._left = nth
        self._probability = probability
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def burns(self) -> bool:
        """Whether this reach is the one."""
        if self._probability:
            return self._chance.random() < self._probability
        self._left -= 1
        return self._left == 0


def parse(environ: Mapping[str, str]) -> Fuse | None:
    """What the environment arms, None for nothing. Raises SettingError for what can't be, or isn't consented to."""
    text = environ.get(POINT, "")
    if not text:
        return None
    if environ.get(CONSENT) not in {CONSENTED, BLOCKS}:
        raise SettingError(
            message=f"{POINT} is set: it kills this process. Unset it; in a test set {CONSENT}={CONSENTED} as well.",
            field=POINT,
        )
    name, _, when = text.partition(":")
    if name not in NAMES:
        raise SettingError(message=f"{POINT} names {name!r}; there are {', '.join(sorted(NAMES))}.", field=POINT)
    probability, _, seed = when.partition(",")
    try:
        if "." in probability:
            return Fuse(name, 0, float(probability), int(seed or 0))
        return Fuse(name, int(when or 1), 0.0, 0)
    except ValueError:
        raise SettingError(
            message=f"{POINT} is {text!r}; write name:nth or name:probability,seed.", field=POINT
        ) from None


def check() -> None:
    """Raises SettingError where the environment arms a point wrongly or without consent: don't start."""
    parse(os.environ)


def reach(name: str) -> None:
    """A point was reached: doesn't return if it is armed and this is the time."""
    if _fuse is not None and _fuse.name == name and _fuse.burns():
        _log.critical("failpoint.reached", name=name)
        if os.environ.get(CONSENT) == BLOCKS:
            time.sleep(BLOCK_S)
        os.kill(os.getpid(), signal.SIGKILL)


def _armed() -> Fuse | None:
    try:
        return parse(os.environ)
    except SettingError:
        # `check`, at the process's start, says what is wrong with it.
        return None


_fuse: Final = _armed()
ARMED: Final = _fuse is not None
