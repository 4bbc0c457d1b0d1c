"""What a client of the wire protocol knows of one conversation, by rule 3 of docs/protocol.md."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from backbone.process.watermark import HELD_AT_MOST, Held, Step, Watermark, on_event, on_replay

Frame = dict[str, Any]
"""One frame as it crosses the wire: the client trusts nothing of the node's code, not even its types."""


class Applied(NamedTuple):
    """One event as this client applied it."""

    epoch: int
    seq: int
    prev: int
    event: dict[str, Any]


class Conversation:
    """What this client knows of one conversation: a watermark, the events behind it, and what it holds back."""

    def __init__(self) -> None:
        self.mark: Watermark | None = None
        self.events: list[Applied] = []
        self.held = Held({})
        self.is_replaying = True
        self.has_overflowed = False

    def apply(self, seq: int, prev: int, event: dict[str, Any] | None) -> bool:
        """Take one live event (None: hidden from us). False says that something before it is missing."""
        told = None if event is None else (prev, event)
        if self.is_replaying or self.mark is None:
            if len(self.held.events) < HELD_AT_MOST:
                self.held.events[seq] = (prev, told)
            else:
                self.has_overflowed = True
            return True
        return self._take(on_event(self.mark, self.held, seq, prev, told))

    def replayed(self, frame: Frame) -> bool:
        """Take an `evs`. False says that there is more, or a gap: ask again from the watermark."""
        page: list[tuple[int, object]] = [(seq, (prev, event)) for seq, prev, event in frame["events"]]
        if not self.is_replaying and self.mark is not None:
            # The answer to a `sub` that was answered already: a page from before shows nothing again.
            page = [(seq, told) for seq, told in page if seq > self.mark.seq]
        is_whole = self._take(on_replay(self.mark, self.held, frame["epoch"], page, frame["upto"]))
        has_overflowed, self.has_overflowed = self.has_overflowed, False
        if frame["more"] or has_overflowed:
            return False
        self.is_replaying = False
        return is_whole

    def forget(self) -> None:
        """After `resync`: nothing known is of this log."""
        self.mark = None
        self.events.clear()
        self.held.events.clear()
        self.is_replaying = True
        self.has_overflowed = False

    def _take(self, step: Step) -> bool:
        self.mark = step.mark
        for seq, told in step.apply:
            prev, event = cast("tuple[int, dict[str, Any]]", told)
            self.events.append(Applied(step.mark.epoch, seq, prev, event))
        return step.verdict != "gap"
