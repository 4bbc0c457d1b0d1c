"""Read marks of one socket, merged: the last one wins, at most one in three seconds a conversation, and so many a
second of a person over all sockets. One that says nothing new isn't stored.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog
from msgspec import structs

from backbone import events as ev
from backbone.acks import Stored
from backbone.errors import TrunklineError
from backbone.log import Log
from node.entry.limits import TokenBucket

EVERY_S: Final = 3.0
CONVERSATIONS_MOST: Final = 2_000
"""Whose marks are known at once; the oldest goes, and its next mark may be stored twice."""

_log = structlog.get_logger("node.rooms.marks")


class Marks:
    """Holds the newest mark of each conversation until it may be stored."""

    def __init__(self, log: Log, rate: TokenBucket) -> None:
        self._log = log
        self._rate = rate
        self._waiting: dict[str, tuple[str, ev.ReadMarked]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._said: dict[str, tuple[int, int]] = {}

    def put(self, conv: str, subject: str, mark: ev.ReadMarked) -> None:
        """Stores the mark now, or when three seconds have passed since the last one of this conversation, or when its
        reader may store another.
        """
        read, delivered = self._said.get(conv, (0, 0))
        if mark.read <= read and mark.delivered <= delivered:
            return
        before = self._waiting.get(conv)
        if before:
            mark = merged(before[1], mark)
        if conv in self._timers or len(self._timers) >= CONVERSATIONS_MOST:
            if before or len(self._waiting) < CONVERSATIONS_MOST:
                self._waiting[conv] = (subject, mark)
            return
        wait_s = self._rate.take(time.monotonic())
        if wait_s:
            self._waiting[conv] = (subject, mark)
        else:
            self._waiting.pop(conv, None)
            self._store(conv, subject, mark)
        loop = asyncio.get_running_loop()
        self._timers[conv] = loop.call_later(max(wait_s, EVERY_S), self._due, conv)

    def flush(self) -> None:
        """Stores what waits, as far as its reader may; the socket is going."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        waiting, self._waiting = self._waiting, {}
        for conv, (subject, mark) in waiting.items():
            if self._rate.take(time.monotonic()):
                return
            self._store(conv, subject, mark)

    def _due(self, conv: str) -> None:
        del self._timers[conv]
        if waiting := self._waiting.pop(conv, None):
            self.put(conv, *waiting)

    def _store(self, conv: str, subject: str, mark: ev.ReadMarked) -> None:
        read, delivered = self._said.pop(conv, (0, 0))
        self._said[conv] = (max(read, mark.read), max(delivered, mark.delivered))
        if len(self._said) > CONVERSATIONS_MOST:
            del self._said[next(iter(self._said))]
        try:
            self._log.publish_soon(subject, mark, lambda outcome: self._stored(conv, outcome))
        except TrunklineError as error:
            self._stored(conv, error)

    def _stored(self, conv: str, outcome: Stored | TrunklineError) -> None:
        # A lost mark is made good by the next one, were it the same again.
        if isinstance(outcome, TrunklineError):
            self._said.pop(conv, None)
            _log.info("mark.not_stored", code=outcome.code)


def merged(before: ev.ReadMarked, mark: ev.ReadMarked) -> ev.ReadMarked:
    """One mark for two of a reader, who may have told apart what was read and what was received."""
    return structs.replace(mark, read=max(before.read, mark.read), delivered=max(before.delivered, mark.delivered))
