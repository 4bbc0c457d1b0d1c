"""What an adapter gives a `Follower`: where it begins, what it makes of events, what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec
import structlog

from backbone.errors import UnavailableError, UnknownOutcomeError
from backbone.nats.cursors import Cursor
from backbone.nats.reader import Entry

_log = structlog.get_logger("backbone.follow")


class Refusal(NamedTuple):
    """An event that the adapter can make nothing of, and why: it goes to `DEAD`, the others go on."""

    entry: Entry
    error: Exception


class Adapter:
    """The reader's half of following the log. Made anew whenever following begins again; each method has a default.

    Delivery is at least once: after a kill events come again from the cursor on. Nothing is counted twice where state
    stands in the cursor (`state`), or where writing it twice changes nothing.
    """

    blameless: ClassVar[tuple[type[Exception], ...]] = (UnavailableError, UnknownOutcomeError)
    """What `take` raises through no fault of an event: following ends, and begins again where its process wishes."""

    async def restore(self, cursors: Mapping[str, Cursor]) -> Mapping[str, int]:
        """The first sequence wanted of each stream (two digits); one that isn't named is read from its beginning.

        All below it counts as taken: an adapter may keep its place by itself, and says it here.

        `cursors`: ours that hold in the log as it is, with the state that was kept in them.
        """
        return {s: cursor.seq + 1 for s, cursor in cursors.items()}

    async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
        """Takes a batch, within each stream ascending and without a gap; returns what of it goes to `DEAD`.

        Whatever it raises (but `blameless`: the log is away) is laid to one event: following begins again from the
        cursor, with a new adapter and by single events, until the one that it fails at is in `DEAD` and passed over.
        """
        raise NotImplementedError

    async def work(self) -> None:
        """What follows from what was taken: called after each batch, once the end of the log was reached."""

    async def commit(self, cursors: Mapping[str, Cursor]) -> None:
        """All up to `cursors` must be kept when it returns: they are written next. May run beside `take`."""

    def state(self, stream: str) -> Any:
        """What is kept inside the stream's cursor, written together with it, as JSON has it; None for nothing.

        Asked for between two batches: it is exactly what was made of all events up to the cursor.
        """
        del stream

    async def rolled_back(self, stream: str) -> bool:
        """The log was put back to an older copy and ends below what was read of `stream`.

        Returns whether anything that is kept beside the cursors may be of the lost future: then all cursors go, and the
        log is read from its beginning. Either way following begins again.
        """
        del stream
        return False

    async def caught_up(self) -> None:
        """Everything that the log held at the start was taken: the adapter is ready once this returns."""

    async def tick(self, now: float) -> None:
        """What time alone brings, each second once caught up; `now`: monotonic seconds."""

    async def beside(self) -> None:
        """Runs beside following for as long as that lasts; what it raises ends following."""

    async def reconnected(self) -> None:
        """The connection to NATS is back."""

    async def ended(self, *, is_valid: bool) -> None:
        """Following ends. `is_valid` is False where what is known may be of a future that the log has lost."""


def each(entries: Sequence[Entry], function: Callable[[Entry], object]) -> list[Refusal]:
    """Calls `function` for every event; returns those at which it raised, as `Adapter.take` wants them.

    `function` looks at the whole event before it changes anything, else half of an event counts.
    """
    refused = []
    for entry in entries:
        try:
            function(entry)
        except Exception as error:  # noqa: BLE001 - one event's fault must not stop all tenants
            if not isinstance(error, msgspec.DecodeError | ValueError):
                _log.exception("follow.event_refused", stream=entry.s, seq=entry.seq)
            refused.append(Refusal(entry, error))
    return refused
