"""Locks by name: one at a time of each name, in the order in which they asked. Within one process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Hashable
from typing import Final, Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class NamedLocks(Generic[Name]):
    """Holds a lock of a name for as long as anybody has it or waits for it, so that names may be without number."""

    def __init__(self) -> None:
        self._locks: Final[dict[Name, tuple[asyncio.Lock, int]]] = {}

    def __len__(self) -> int:
        return len(self._locks)

    @contextlib.asynccontextmanager
    async def hold(self, name: Name) -> AsyncIterator[None]:
        """Waits until nobody else has this name, and has it for as long as the block lasts."""
        lock, users = self._locks.get(name) or (asyncio.Lock(), 0)
        self._locks[name] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            # Not "is it locked": between one who lets go and the next who takes it, it isn't.
            _, users = self._locks[name]
            if users == 1:
                del self._locks[name]
            else:
                self._locks[name] = (lock, users - 1)
