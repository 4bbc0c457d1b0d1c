"""The bucket `heads`: read at the start, written as heads change, thrown away where the log doesn't vouch for it."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import structlog

from adapters.routing.heads import Projection
from backbone.conversation import Head
from backbone.errors import TooLargeError, TrunklineError, UnavailableError
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Change
from backbone.nats.link import Link

RESTORE_S: Final = 120.0
"""Time in which all heads are read at the start; a million of them take about 20 s."""

_log = structlog.get_logger("routing")


class HeadBook:
    """The heads of one group of tenants as the bucket has them, beside the projection that they are of."""

    def __init__(self, link: Link, projection: Projection, every_s: float) -> None:
        """`every_s`: least time between two writes of a head for messages."""
        self._bucket: Bucket[Head] = Bucket(link, "heads", Head)
        self._projection = projection
        self._every_s = every_s
        self._written_at: dict[str, float] = {}
        self._thrown_away: set[str] = set()

    async def read(self) -> dict[str, Head]:
        """All heads of our tenants, by key. Raises UnavailableError if that takes longer than `RESTORE_S`."""
        heads: dict[str, Head] = {}

        def take(change: Change[Head]) -> None:
            if change.value is not None and self._projection.is_mine(change.value.tenant):
                heads[change.key] = change.value

        feed = self._bucket.watch(take)
        try:
            async with asyncio.timeout(RESTORE_S):
                await feed.caught_up.wait()
        except TimeoutError:
            raise UnavailableError(
                "log.unavailable", f"The bucket of heads couldn't be read within {RESTORE_S:.0f} s."
            ) from None
        finally:
            await feed.close()
        return heads

    async def throw_away(self, heads: dict[str, Head]) -> None:
        """They are made again from the log; until then the bucket holds none that could be taken for true."""
        _log.warning("routing.heads_thrown_away", heads=len(heads))
        for tenant in {head.tenant for head in heads.values()}:
            await self._bucket.purge(subjects.key_filter(tenant))
        self._thrown_away = set(heads)

    async def say_who_is_no_more(self) -> None:
        """Whoever watches the bucket hears of each head that was thrown away and isn't made again."""
        made = {subjects.key(head.tenant, head.conv) for head in self._projection.heads.values()}
        while self._thrown_away:
            key = self._thrown_away.pop()
            if key not in made:
                await self._bucket.delete(key)

    async def write(self, *, everything: bool = False) -> None:
        """Writes the heads that changed and are due; raises what kept one from it."""
        projection, now = self._projection, time.monotonic()
        due = [
            conv
            for conv in projection.changed
            if everything or conv in projection.urgent or now - self._written_at.get(conv, 0) >= self._every_s
        ]
        pending: dict[str, asyncio.Future[Any]] = {}
        problem: BaseException | None = None
        for conv in due:
            head = projection.heads.get(conv)
            if head is None:
                continue
            key = subjects.key(head.tenant, conv)
            is_over = head.status == "closed"
            try:
                pending[conv] = (
                    asyncio.ensure_future(self._bucket.delete(key)) if is_over else self._bucket.put_soon(key, head)
                )
            except TooLargeError as error:
                self._too_large(head, error)
                continue
            except TrunklineError as error:
                problem = error
                break
            self._written_at[conv] = now
            projection.changed.discard(conv)
            projection.urgent.discard(conv)
        results = await asyncio.gather(*pending.values(), return_exceptions=True)
        for conv, result in zip(pending, results, strict=True):
            if isinstance(result, BaseException):
                # No cursor may pass a head that the bucket doesn't hold.
                projection.changed.add(conv)
                projection.urgent.add(conv)
                problem = result
            elif (head := projection.heads.get(conv)) is not None and head.status == "closed":
                projection.drop(conv)
                self._written_at.pop(conv, None)
        if problem is not None:
            raise problem

    def _too_large(self, head: Head, error: TrunklineError) -> None:
        """Its head stays as the bucket has it: that costs this conversation its row, and nobody else anything."""
        _log.error("routing.head_too_large", tenant=head.tenant, conversation=head.conv, error=error.message)
        self._projection.changed.discard(head.conv)
        self._projection.urgent.discard(head.conv)

    async def forget(self, head: Head) -> None:
        """It is closed for good: it has no head any more."""
        await self._bucket.delete(subjects.key(head.tenant, head.conv))
        self._projection.drop(head.conv)
