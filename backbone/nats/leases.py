"""Leases: mutual exclusion by a key with a time to live, with a fencing token.

A lease is a key with a time to live. Take: publish expecting what was read (0 if none); that first
revision is the fencing token. Renew every third of the time, expecting one's own last revision; two
thirds without success: it is lost, stop. Delete when leaving, so that the next starts at once; what was asked for and
not answered yet is waited for, since it may be ours already.

A nats-server that is killed several times within seconds may forget when keys run out. So whoever waits looks
for itself too: a lease that nobody has renewed for its whole time is taken over at the revision seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Final

import prometheus_client
import structlog
from msgspec import Struct

from backbone.errors import TrunklineError
from backbone.nats.buckets import Bucket, Change, Kept, KeyExistsError, RevisionError
from backbone.nats.link import Link
from backbone.until import finish, until

TTL_S: Final = 15
GIVE_BACK_TRIES: Final = 3
_log = structlog.get_logger("backbone.nats.leases")
_leases = prometheus_client.Gauge(
    "trunkline_leases_held", "Leases that this process holds: what it alone does now, or its lanes.", ["lease"]
)


class Holder(Struct, frozen=True):
    """Who holds a lease; `term` tells one lease of a holder from its next one."""

    holder: str
    term: str = ""


class Lease:
    """One lease of one holder. `lost` is set when it can no longer be relied on."""

    def __init__(self, link: Link, name: str, holder: str, ttl_s: int = TTL_S) -> None:
        self._bucket: Bucket[Holder] = Bucket(link, "leases", Holder)
        self._key = name
        self._holder = Holder(holder, secrets.token_hex(4))
        self._ttl_s = ttl_s
        self._revision = 0
        self._seen = (0, 0.0)
        self._asked_at = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._is_unsure = False
        """Whether the key may be ours at a revision that we don't know: an answer was lost."""

        self._renewing: asyncio.Task[None] | None = None
        self._is_others: Callable[[], None] | None = None
        self.token = 0
        self.lost = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Whether this holder is alone now."""
        return self.token > 0 and not self.lost.is_set()

    async def take(self, is_others: Callable[[], None] | None = None) -> int:
        """Waits until the lease is free, takes it and keeps it; returns the fencing token. Once for each lease.

        `is_others` is called when it is seen that somebody else holds it, again with each look; not while nobody knows.
        Whoever is cancelled here holds nothing afterwards, also if the lease was about to become ours.
        """
        self._is_others = is_others
        try:
            if not await self._try():
                _log.info("lease.waiting", lease=self._key)
                await self._until_free()
        except BaseException:
            await self.release()
            raise
        self.token = self._revision
        self._renewing = asyncio.create_task(self._renew(), name=f"lease.{self._key}")
        count = _leases.labels(counted_as(self._key))
        count.inc()
        self._renewing.add_done_callback(lambda _task: count.dec())
        _log.info("lease.taken", lease=self._key, token=self.token)
        return self.token

    async def while_held(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether `work` came to its end before the lease was lost, which cancels it. Raises what `work` raises.

        It has ended when this returns, however that comes: then the lease may be released.
        """
        return await until(self.lost, work)

    async def release(self) -> None:
        """Gives it back at once, if it is still ours; carried through even when the caller is cancelled."""
        if not self.lost.is_set():
            giving_back = asyncio.create_task(self._give_back(), name=f"lease.{self._key}.release")
            await finish(giving_back)

    async def _give_back(self) -> None:
        was_lost = self.lost.is_set()
        self.lost.set()
        if self._renewing:
            self._renewing.cancel()
        # An answer that is on its way tells whether it is ours, and at which revision.
        await asyncio.gather(*(task for task in (self._renewing, self._asking) if task), return_exceptions=True)
        if was_lost or not (self._revision or self._is_unsure):
            return
        try:
            await self._delete()
        except TrunklineError as error:
            _log.warning("lease.not_released", lease=self._key, error=str(error))

    async def _delete(self) -> None:
        revision = self._revision
        for _ in range(GIVE_BACK_TRIES):
            if not revision or self._is_unsure:
                kept = await self._bucket.get(self._key)
                if kept is None or kept.value != self._holder:
                    return
                revision = kept.revision
            try:
                await self._bucket.delete(self._key, revision)
            except RevisionError:
                self._is_unsure = True
            else:
                return

    async def _ask(self, request: Coroutine[Any, Any, int]) -> None:
        """Makes the lease ours if the answer is good. The answer is taken in even when the caller is cancelled."""
        self._asking = asyncio.create_task(self._take_in(request), name=f"lease.{self._key}.ask")
        await asyncio.shield(self._asking)

    async def _take_in(self, request: Coroutine[Any, Any, int]) -> None:
        asked_at = asyncio.get_running_loop().time()
        try:
            self._revision = await request
        except (KeyExistsError, RevisionError):
            raise
        except TrunklineError:
            self._is_unsure = True
            raise
        self._asked_at, self._is_unsure = asked_at, False

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
            await self._ask(self._bucket.create(self._key, self._holder, self._ttl_s))
        except KeyExistsError:
            return await self._take_over()
        except TrunklineError:
            return False
        return True

    async def _take_over(self) -> bool:
        """Takes a lease that should have run out: seen at the same revision for longer than it lasts.

        Or one that is ours already, where only the answer was lost.
        """
        kept = await self._read()
        if kept is None:
            return False
        if kept.value != self._holder and not self._has_run_out(kept):
            if self._is_others:
                self._is_others()
            return False
        try:
            await self._ask(self._bucket.update(self._key, self._holder, kept.revision, self._ttl_s))
        except TrunklineError:
            return False
        if kept.value != self._holder:
            _log.warning("lease.outlived", lease=self._key, holder=kept.value.holder)
        return True

    def _has_run_out(self, kept: Kept[Holder]) -> bool:
        now = asyncio.get_running_loop().time()
        if kept.revision != self._seen[0]:
            self._seen = (kept.revision, now)
        return now - self._seen[1] > self._ttl_s

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
        while loop.time() - self._asked_at < self._ttl_s * 2 / 3:
            await asyncio.sleep(self._ttl_s / 3)
            try:
                await self._ask(self._bucket.update(self._key, self._holder, self._revision, self._ttl_s))
            except RevisionError:
                # A renewal whose answer was lost has moved the key as well.
                kept = await self._read()
                if kept is None or kept.value != self._holder:
                    break
                self._revision = kept.revision
            except TrunklineError as error:
                _log.warning("lease.not_renewed", lease=self._key, error=str(error))
        _log.error("lease.lost", lease=self._key)


def counted_as(name: str) -> str:
    """The label of a lease: its name, but for leases of accounts and processes, of which there is no end."""
    kind, _, rest = name.partition(".")
    return {"poll": "poll", "member": f"member.{rest.partition('.')[0]}"}.get(kind, name)
