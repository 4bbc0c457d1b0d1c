"""What a link keeps of those who wait for something: a subscription that is a call, a request and its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from backbone.nats.wire.answers import Reply, unknown


class RawSubscription:
    """What nats-py's reconnect and close look at of a subscription that is a call, and no more."""

    __slots__ = ("_queue", "_subject")

    _max_msgs = 0
    _received = 0
    _wait_for_msgs_task = None
    _message_iterator = None
    _pending_next_msgs_calls = None
    _jsi = None

    def __init__(self, subject: str, queue: str) -> None:
        self._subject = subject
        self._queue = queue


class Waiting:
    """One request: a future for its only answer, or a queue for several until `is_last` says so."""

    __slots__ = ("collected", "deadline", "future", "is_last", "subject")

    def __init__(
        self,
        future: asyncio.Future[Any],
        deadline: float,
        is_last: Callable[[bytes | None, bytes], bool] | None,
        subject: str,
    ) -> None:
        self.subject = subject
        self.future = future
        self.deadline = deadline
        self.is_last = is_last
        self.collected: list[Reply] = []


def fail(waiting: Waiting) -> None:
    """Its time is over, or its connection."""
    if not waiting.future.done():
        waiting.future.set_exception(unknown())
