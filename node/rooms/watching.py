"""The rows of agents' views, live: a mirror of the tenant's heads, deltas at most four times a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from backbone.access import Scope
from backbone.conversation import Head
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Change
from backbone.nats.feed import Feed
from backbone.nats.link import Link
from node.protocol import frames as f
from node.rooms.views import Tally, in_view, order

FLUSH_S: Final = 0.25
IDLE_S: Final = 60.0
CATCH_UP_S: Final = 10.0


class Watcher:
    """One socket's view and what it was shown."""

    def __init__(self, agent: str, scope: Scope, view: str, limit: int, push: Callable[[bytes], None]) -> None:
        self.agent = agent
        self.scope = scope
        self.view = view
        self.limit = limit
        self.push = push
        self.rev = 0
        self.shown: set[str] = set()


class Mirror:
    """One tenant's heads as the bucket has them, and who watches them."""

    def __init__(self, bucket: Bucket[Head], tenant: str) -> None:
        self.heads: dict[str, Head] = {}
        self.tally = Tally()
        self.watchers: set[Watcher] = set()
        self.idle_since = time.monotonic()
        self._changed: set[str] = set()
        self._flush: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self.feed: Feed = bucket.watch(self._take, subjects.key(tenant) + ".*", self._reset)

    async def ready(self) -> None:
        """Returns once the mirror has caught up, or after 10 s with what it has."""
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self.feed.caught_up.wait()
        except TimeoutError:
            return

    def add(self, watcher: Watcher) -> None:
        """Shows the whole view, then what changes."""
        self.watchers.add(watcher)
        self._show_all(watcher)

    def remove(self, watcher: Watcher) -> None:
        """No more."""
        self.watchers.discard(watcher)
        self.idle_since = time.monotonic()

    def rows(self, view: str, agent: str, scope: Scope) -> list[Head]:
        """The rows of a view in its order."""
        found = [head for head in self.heads.values() if in_view(head, view, agent) and scope.holds(head)]
        return sorted(found, key=lambda head: order(head, view))

    def close(self) -> asyncio.Task[None]:
        """Ends the feed."""
        if self._flush:
            self._flush.cancel()
        return asyncio.create_task(self.feed.close())

    def _take(self, change: Change[Head]) -> None:
        conv = change.key.rsplit(".", 1)[1]
        old = self.heads.pop(conv, None)
        if change.value is not None:
            self.heads[conv] = change.value
        self.tally.change(old, change.value)
        self._changed.add(conv)
        self._soon()

    def _reset(self) -> None:
        self._changed.update(self.heads)
        self.heads.clear()
        self.tally = Tally()
        self._soon()

    def _soon(self) -> None:
        if self._flush is None and self.watchers:
            # The first change after a pause is shown at once, further ones four times a second.
            loop = asyncio.get_running_loop()
            self._flush = loop.call_at(max(loop.time(), self._flushed_at + FLUSH_S), self._show_changes)

    def _show_changes(self) -> None:
        self._flush = None
        self._flushed_at = asyncio.get_running_loop().time()
        changed, self._changed = self._changed, set()
        for watcher in list(self.watchers):
            rows, gone = [], []
            for conv in changed:
                head = self.heads.get(conv)
                if head is not None and in_view(head, watcher.view, watcher.agent) and watcher.scope.holds(head):
                    watcher.shown.add(conv)
                    rows.append(head)
                elif conv in watcher.shown:
                    watcher.shown.discard(conv)
                    gone.append(conv)
            watcher.rev += 1
            watcher.push(
                f.encode(
                    f.Heads(
                        view=watcher.view,
                        rev=watcher.rev,
                        rows=rows,
                        gone=gone,
                        counts=self._counts(watcher),
                    )
                )
            )

    def _counts(self, watcher: Watcher) -> f.Counts:
        """The numbers of the tenant are kept as heads change; those of a scope are counted."""
        if watcher.scope.is_all:
            return self.tally.counts(watcher.agent)
        tally = Tally()
        for head in self.heads.values():
            if watcher.scope.holds(head):
                tally.change(None, head)
        return tally.counts(watcher.agent)

    def _show_all(self, watcher: Watcher) -> None:
        rows = self.rows(watcher.view, watcher.agent, watcher.scope)
        shown = rows[: watcher.limit]
        watcher.shown = {head.conv for head in shown}
        watcher.rev += 1
        watcher.push(
            f.encode(
                f.Heads(
                    view=watcher.view,
                    rev=watcher.rev,
                    rows=shown,
                    counts=self._counts(watcher),
                    reset=True,
                    more=len(rows) > watcher.limit,
                )
            )
        )


class Mirrors:
    """A mirror for each tenant whose agents are here; one that nobody uses is let go after a minute."""

    def __init__(self, link: Link) -> None:
        self._bucket: Bucket[Head] = Bucket(link, "heads", Head)
        self._mirrors: dict[str, Mirror] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def of(self, tenant: str) -> Mirror:
        """The mirror of a tenant, caught up."""
        mirror = self._mirrors.get(tenant)
        if mirror is None:
            mirror = self._mirrors[tenant] = Mirror(self._bucket, tenant)
        mirror.idle_since = time.monotonic()
        await mirror.ready()
        return mirror

    async def run(self) -> None:
        """Lets unused mirrors go, until cancelled."""
        while True:
            await asyncio.sleep(IDLE_S / 4)
            now = time.monotonic()
            for tenant, mirror in list(self._mirrors.items()):
                if not mirror.watchers and now - mirror.idle_since > IDLE_S:
                    del self._mirrors[tenant]
                    task = mirror.close()
                    self._closing.add(task)
                    task.add_done_callback(self._closing.discard)
