"""Passwords: which may be one, their argon2id hashes, and how many are worked on at once.

One check takes 64 MiB and 0.2 to 0.4 s of both cores. A hundred strangers' at once took 384 MiB and held up every
message for 20 s: now two run, so many wait, and the others are told to come back.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from backbone.errors import InvalidInputError, TooManyError

LEAST: Final = 10
MOST: Final = 1024
AT_ONCE: Final = 2
WAITING_MOST: Final = 16
SHARE_MOST: Final = 8
"""Of one address, running and waiting: nobody alone fills the queue."""

RESERVED: Final = 8
"""Further places for those who have signed in from where they are: strangers who fill the queue don't fill these."""

BUSY_MS: Final = 2000

T = TypeVar("T")

_hasher = PasswordHasher()


@functools.cache
def _nobody() -> str:
    """Checked for unknown e-mail addresses, so that they take as long as known ones."""
    return _hasher.hash("nobody has this password")


class Passwords:
    """The node's one way to argon2: two threads, a bounded queue before them."""

    def __init__(self) -> None:
        # The first one to be checked must not take longer where its address is unknown.
        self._threads = ThreadPoolExecutor(AT_ONCE, "argon2", initializer=_nobody)
        self._held: Counter[str] = Counter()
        self._all = 0

    async def matches(self, stored: str, password: str, share: str = "", *, is_known: bool = False) -> bool:
        """Whether `stored` is the hash of `password`; an empty one takes as long and is never.

        `share`: whose part of the queue it takes, the whole where empty; `is_known`: somebody who has signed in from
        there. Raises TooManyError `session.busy`.
        """
        is_right = await self._run(lambda: _matches(stored, password[:MOST]), share, is_known=is_known)
        return is_right and bool(stored)

    async def hash(self, password: str, share: str = "") -> str:
        """The hash of a new password, of somebody with a session or an invitation.

        Raises InvalidInputError `agent.password_weak`, TooManyError `session.busy`.
        """
        allowed = check_password(password)
        return await self._run(lambda: _hasher.hash(allowed), share, is_known=True)

    async def _run(self, work: Callable[[], T], share: str, *, is_known: bool) -> T:
        most = AT_ONCE + WAITING_MOST + (RESERVED if is_known else 0)
        if self._all >= most or (share and self._held[share] >= SHARE_MOST):
            raise TooManyError(
                "session.busy", "Too many sign in at once; try again in some seconds.", retry_after_ms=BUSY_MS
            )
        self._all += 1
        self._held[share] += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # It counts until its thread is done with it, not only until somebody stops waiting for it.
        running.add_done_callback(lambda _: self._left(share))
        return await asyncio.shield(running)

    def _left(self, share: str) -> None:
        self._all -= 1
        self._held[share] -= 1
        if not self._held[share]:
            del self._held[share]


def check_password(password: str) -> str:
    """`password` if it may be one. Raises InvalidInputError `agent.password_weak`."""
    if not LEAST <= len(password) <= MOST or len(set(password)) < 4:
        raise InvalidInputError(
            "agent.password_weak", f"Use at least {LEAST} characters, of 4 kinds or more.", field="password"
        )
    return password


async def hash_password(password: str) -> str:
    """The argon2id hash of a password that `check_password` let pass, for the command line and tests."""
    return await asyncio.to_thread(_hasher.hash, check_password(password))


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password)
    except VerificationError:
        return False
