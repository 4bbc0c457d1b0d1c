"""What the loader remembers of conversations between loads: their facts, and the last place of each subject.

Bounded: the least recently moved are forgotten, and read from `events` again when they move (`missing`
says which, `learn` takes them). A row of `conversations` is due at once after a milestone, else 5 s of log
time after the row before; `unwritten` remembers what isn't written yet.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from adapters.warehouse.loading import fold
from adapters.warehouse.loading.decode import Stored, read
from adapters.warehouse.loading.fold import Facts
from backbone import events as ev
from backbone.nats.subjects import DESK

REWRITE_MS: Final = 5_000
MESSAGES: Final = 5_000
"""Messages whose rows are kept at hand, since most edits and recalls come soon."""

Key = tuple[str, str]
"""Tenant and conversation (on channel desk, its target)."""

Holds = Callable[[str, int, int], bool]
"""Whether (stream, epoch, sequence) is a position of the log as it is now, at or below the loader's cursor.

Not of a lost tail, and not of the load at hand, of which a killed loader may have left rows.
"""


class Past(NamedTuple):
    """One earlier event of a subject, from table `events`; `raw` is empty on channel desk."""

    tenant: str
    conversation: str
    channel: str
    stream: str
    epoch: int
    seq: int
    stored_ms: int
    raw: bytes


class _Held(Struct):
    epoch: int = 0
    seq: int = 0
    facts: Facts | None = None


class Memory:
    """The conversations that moved last, at most `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._unwritten: dict[Key, int] = {}
        self._messages: OrderedDict[tuple[str, str, bytes], Stored] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def unwritten_since(self) -> int:
        """When (UTC ms, stream's time) the oldest event was stored that no row of `conversations` counts; 0: none."""
        return min(self._unwritten.values(), default=0)

    def is_due(self, now_ms: int) -> bool:
        """Whether a row waits that should be written by `now_ms`."""
        return any(since + REWRITE_MS <= now_ms for since in self._unwritten.values())

    def missing(self, rows: Iterable[Stored], now_ms: int) -> list[Key]:
        """What must be learned before `apply(rows, now_ms)`."""
        wanted: dict[Key, None] = {}
        begun: set[Key] = set()
        for row in rows:
            key = (row.tenant, row.conv)
            if isinstance(row.event, ev.ConversationOpened):
                begun.add(key)
            elif key not in self._held and key not in begun:
                wanted[key] = None
        for key, since in self._unwritten.items():
            if since + REWRITE_MS <= now_ms and key not in self._held and key not in begun:
                wanted[key] = None
        return list(wanted)

    def learn(self, keys: Iterable[Key], past: Iterable[Past], holds: Holds) -> None:
        """Takes in the past of `keys`, in order of epoch and sequence; a key without any is new."""
        for key in keys:
            self._held[key] = _Held()
        for one in past:
            if not holds(one.stream, one.epoch, one.seq):
                continue
            held = self._held[one.tenant, one.conversation]
            held.epoch, held.seq = one.epoch, one.seq
            if one.channel != DESK:
                event = read(one.raw, one.tenant, one.channel, one.conversation).event
                held.facts = fold.fold(
                    held.facts or fold.empty(one.tenant, one.conversation, one.channel, one.stored_ms),
                    event,
                    one.seq,
                    one.epoch,
                )

    def apply(self, rows: Sequence[Stored], now_ms: int) -> tuple[list[int], list[Facts]]:
        """Folds a load whose newest event was stored at `now_ms`.

        Returns each row's previous sequence of its subject (0 for the first), and the conversations
        whose rows are due.
        """
        due: dict[Key, None] = {}
        prevs = [self._one(row, due) for row in rows]
        for key, since in self._unwritten.items():
            if since + REWRITE_MS <= now_ms:
                due[key] = None
        written = [facts for key in due if (facts := self._write(key)) is not None]
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        while len(self._messages) > max(MESSAGES, len(rows)):
            self._messages.popitem(last=False)
        return prevs, written

    def inbox(self, row: Stored) -> str:
        """The inbox of a row's conversation, empty if its opening was never seen."""
        held = self._held.get((row.tenant, row.conv))
        return held.facts.inbox if held and held.facts else ""

    def message(self, tenant: str, conv: str, id_: bytes) -> Stored | None:
        """The row that stored a message, if it came lately."""
        return self._messages.get((tenant, conv, id_))

    def owe(self, keys: Iterable[Key], since_ms: int) -> None:
        """Remembers that the rows of `keys` may lack what was stored from `since_ms` on."""
        for key in keys:
            self._unwritten.setdefault(key, since_ms)

    def facts(self, tenant: str, conv: str) -> Facts | None:
        """The facts of a conversation that was learnt; None where it has no event."""
        held = self._held.get((tenant, conv))
        return held.facts if held else None

    def forget(self) -> None:
        """Drops all that is held, since the log's past has changed; what is unwritten stays owed."""
        self._held.clear()
        self._messages.clear()

    def _one(self, row: Stored, due: dict[Key, None]) -> int:
        key = (row.tenant, row.conv)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = _Held()
        else:
            self._held.move_to_end(key)
        prev = held.seq
        held.epoch, held.seq = row.epoch, row.seq
        if row.channel != DESK:
            before = held.facts or fold.empty(row.tenant, row.conv, row.channel, row.stored_ms)
            held.facts = after = fold.fold(before, row.event, row.seq, row.epoch)
            if fold.is_milestone(before, after, row.event):
                due[key] = None
            elif isinstance(row.event, ev.MessageAdded):
                self._unwritten.setdefault(key, row.stored_ms)
            if isinstance(row.event, ev.MessageAdded):
                self._messages[row.tenant, row.conv, row.id] = row
        return prev

    def _write(self, key: Key) -> Facts | None:
        self._unwritten.pop(key, None)
        held = self._held.get(key)
        return held.facts if held else None
