"""Read marks of one socket, merged: the last one wins, at most one in three seconds a conversation."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from msgspec import structs

from backbone import events as ev
from backbone.errors import TrunklineError
from backbone.log import Log, Stored

EVERY_S: Final = 3.0

_log = structlog.get_logger("node.marks")


class Marks:
    """Holds the newest mark of each conversation until it may be stored."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: dict[str, tuple[str, ev.ReadMarked]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def put(self, conv: str, subject: str, mark: ev.ReadMarked) -> None:
        """Stores the mark now, or when three seconds have passed since the last one of this conversation."""
        if conv in self._timers:
            before = self._waiting.get(conv)
            self._waiting[conv] = (subject, merged(before[1], mark) if before else mark)
            return
        self._store(subject, mark)
        loop = asyncio.get_running_loop()
        self._timers[conv] = loop.call_later(EVERY_S, self._due, conv)

    def flush(self) -> None:
        """Stores what waits; the socket is going."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        waiting, self._waiting = self._waiting, {}
        for subject, mark in waiting.values():
            self._store(subject, mark)

    def _due(self, conv: str) -> None:
        del self._timers[conv]
        if waiting := self._waiting.pop(conv, None):
            self.put(conv, *waiting)

    def _store(self, subject: str, mark: ev.ReadMarked) -> None:
        try:
            self._log.publish_soon(subject, mark, _said)
        except TrunklineError as error:
            _said(error)


def merged(before: ev.ReadMarked, mark: ev.ReadMarked) -> ev.ReadMarked:
    """One mark for two of a reader, who may have told apart what was read and what was received."""
    return structs.replace(mark, read=max(before.read, mark.read), delivered=max(before.delivered, mark.delivered))


def _said(outcome: Stored | TrunklineError) -> None:
    # A lost mark is made good by the next one.
    if isinstance(outcome, TrunklineError):
        _log.info("mark.not_stored", code=outcome.code)
