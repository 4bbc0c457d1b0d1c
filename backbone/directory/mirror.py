"""Records of some kinds, live: one watch a kind for all readers of a process, in place of a cache each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from backbone.directory.records import Record, directory
from backbone.directory.secret import KIND as SECRET
from backbone.errors import UnavailableError
from backbone.nats.buckets import Change, Kept
from backbone.nats.feed import Feed
from backbone.nats.link import Link

CAUGHT_UP_WITHIN_S: Final = 30.0
SETTINGS: Final = "settings"
"""The kind of inboxes' sealed settings, which are secrets of theirs."""

SETTINGS_FILTER: Final = f"*.{SECRET}.inbox.*.*"

R = TypeVar("R", bound=Record)


class Mirror:
    """Watches `kinds` of the directory, such as `("agent", "inbox")`; each `moved` is called with every change, after
    the mirror has it.

    While the log is away the last known record counts. `unreadable`: keys whose newest record this version can't read,
    with the reason; what was known of them before counts on.
    """

    def __init__(self, link: Link, kinds: tuple[str, ...], *moved: Callable[[Change[Record]], None]) -> None:
        self._moved = moved
        self.kept: dict[str, Kept[Record]] = {}
        self.unreadable: dict[str, str] = {}
        bucket = directory(link)
        self._feeds: dict[str, Feed] = {
            kind: bucket.watch(
                self._take,
                SETTINGS_FILTER if kind == SETTINGS else f"*.{kind}.*",
                lambda kind=kind: self._forget(kind),  # type: ignore[misc]
                self._not_read,
            )
            for kind in kinds
        }

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was there at the beginning is known."""
        return all(feed.caught_up.is_set() for feed in self._feeds.values())

    async def caught_up(self, within_s: float = CAUGHT_UP_WITHIN_S) -> None:
        """Returns once everything that was there is known. Raises UnavailableError `directory.unread` that says what
        isn't.
        """
        try:
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(feed.caught_up.wait() for feed in self._feeds.values()))
        except TimeoutError:
            missing = ", ".join(kind for kind, feed in self._feeds.items() if not feed.caught_up.is_set())
            raise UnavailableError(
                "directory.unread",
                f"The directory's records ({missing}) couldn't be read within {within_s:g} s: NATS is away, or its "
                "bucket `directory` isn't there (`trunkline init` makes it).",
                retry_after_ms=1000,
            ) from None

    async def close(self) -> None:
        """Ends watching; what is known stays."""
        await asyncio.gather(*(feed.close() for feed in self._feeds.values()))

    def get(self, kind: type[R], key: str) -> R | None:
        """One record, None if there is none of this kind."""
        kept = self.kept.get(key)
        return kept.value if kept and isinstance(kept.value, kind) else None

    def all(self, kind: type[R]) -> dict[str, R]:
        """Every record of a kind, by key."""
        return {key: kept.value for key, kept in self.kept.items() if isinstance(kept.value, kind)}

    def _take(self, change: Change[Record]) -> None:
        self.unreadable.pop(change.key, None)
        if change.value is None:
            self.kept.pop(change.key, None)
        else:
            self.kept[change.key] = Kept(change.key, change.value, change.revision)
        for moved in self._moved:
            moved(change)

    def _not_read(self, key: str, reason: str) -> None:
        self.unreadable[key] = reason

    def _forget(self, kind: str) -> None:
        """The bucket was made anew: everything comes again, and what doesn't is gone."""
        part = SECRET if kind == SETTINGS else kind
        for key in [key for key in self.kept if key.split(".", 2)[1] == part]:
            gone = self.kept.pop(key)
            for moved in self._moved:
                moved(Change(key, None, gone.revision))
