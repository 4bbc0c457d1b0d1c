"""Leases: being alone, with a fencing token (log-and-protocol.md, "Leases").

A lease is a key with a time to live. Take: publish expecting what was read (0 if none); that first
revision is the fencing token. Renew every third of the time, expecting one's own last revision; two
thirds without success: it is lost, stop. Delete when leaving, so that the next starts at once.

A nats-server that is killed several times within seconds may forget when keys run out. So whoever waits looks
for itself too: a lease that nobody has renewed for its whole time is taken over at the revision seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Final

import structlog
from msgspec import Struct

from backbone.buckets import Bucket, Change, Kept, KeyExistsError, RevisionError
from backbone.errors import TrunklineError
from backbone.link import Link

TTL_S: Final = 15
_log = structlog.get_logger("backbone.leases")


class Holder(Struct, frozen=True):
    """Who holds a lease."""

    holder: str


class Lease:
    """One lease of one holder. `lost` is set when it can no longer be relied on."""

    def __init__(self, link: Link, name: str, holder: str, ttl_s: int = TTL_S) -> None:
        self._bucket: Bucket[Holder] = Bucket(link, "leases", Holder)
        self._key = name
        self._holder = Holder(holder)
        self._ttl_s = ttl_s
        self._revision = 0
        self._seen = (0, 0.0)
        self._renewing: asyncio.Task[None] | None = None
        self.token = 0
        self.lost = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Whether this holder is alone now."""
        return self.token > 0 and not self.lost.is_set()

    async def take(self) -> int:
        """Waits until the lease is free, takes it and keeps it; returns the fencing token."""
        if not await self._try():
            _log.info("lease.waiting", lease=self._key)
            await self._until_free()
        self.token = self._revision
        self.lost.clear()
        self._renewing = asyncio.create_task(self._renew(), name=f"lease.{self._key}")
        _log.info("lease.taken", lease=self._key, token=self.token)
        return self.token

    async def release(self) -> None:
        """Gives it back at once, if it is still ours."""
        was_held = self.is_held
        if self._renewing:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if was_held:
            try:
                await self._bucket.delete(self._key, self._revision)
            except TrunklineError as error:
                _log.warning("lease.not_released", lease=self._key, error=str(error))
        self.lost.set()

    async def _until_free(self) -> None:
        """Tries when the holder gives the lease back, and now and then, since a lease that runs out says nothing."""
        is_free = asyncio.Event()

        def changed(change: Change[Holder]) -> None:
            if change.value is None:
                is_free.set()

        feed = self._bucket.watch(changed, self._key)
        try:
            while not await self._try():
                is_free.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._ttl_s / 15 * random.uniform(0.5, 1.0)):  # noqa: S311 - jitter
                        await is_free.wait()
        finally:
            await feed.close()

    async def _try(self) -> bool:
        try:
            self._revision = await self._bucket.create(self._key, self._holder, self._ttl_s)
        except KeyExistsError:
            return await self._take_over()
        except TrunklineError:
            return False
        return True

    async def _take_over(self) -> bool:
        """Takes a lease that should have run out: seen at the same revision for longer than it lasts."""
        kept = await self._read()
        now = asyncio.get_running_loop().time()
        if kept is None or kept.revision != self._seen[0]:
            self._seen = (kept.revision if kept else 0, now)
            return False
        if now - self._seen[1] <= self._ttl_s:
            return False
        try:
            self._revision = await self._bucket.update(self._key, self._holder, kept.revision, self._ttl_s)
        except TrunklineError:
            return False
        _log.warning("lease.outlived", lease=self._key, holder=kept.value.holder)
        return True

    async def _read(self) -> Kept[Holder] | None:
        try:
            return await self._bucket.get(self._key)
        except TrunklineError:
            return None

    async def _renew(self) -> None:
        try:
            await self._renew_until_lost()
        finally:
            _log.info("lease.over", lease=self._key, token=self.token)
            self.lost.set()

    async def _renew_until_lost(self) -> None:
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while loop.time() - renewed_at < self._ttl_s * 2 / 3:
            await asyncio.sleep(self._ttl_s / 3)
            try:
                self._revision = await self._bucket.update(self._key, self._holder, self._revision, self._ttl_s)
                renewed_at = loop.time()
            except RevisionError:
                # A renewal whose answer was lost has moved the key as well.
                kept = await self._read()
                if kept is None or kept.value != self._holder:
                    break
                self._revision = kept.revision
            except TrunklineError as error:
                _log.warning("lease.not_renewed", lease=self._key, error=str(error))
        _log.error("lease.lost", lease=self._key)
