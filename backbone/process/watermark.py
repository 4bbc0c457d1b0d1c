"""What to do with what comes in for one conversation: apply, drop, or ask again. Pure.

`console/client/watermark.ts` is the same logic and runs the same cases, `tests/cases/watermark.json`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

HELD_AT_MOST = 500

Verdict = Literal["applied", "dropped", "gap"]


class Watermark(NamedTuple):
    """A position: the stream's epoch and the sequence of the last event known."""

    epoch: int
    seq: int


class Step(NamedTuple):
    """What came of one input: the mark now, the events to apply in order, and whether to `sub` again."""

    mark: Watermark
    apply: list[tuple[int, object]]
    verdict: Verdict


class Held(NamedTuple):
    """Events that came after a gap, by their sequence: (prev, event)."""

    events: dict[int, tuple[int, object]]


def on_event(mark: Watermark, held: Held, seq: int, prev: int, event: object) -> Step:
    """An `ev` (or a `skip`, with event None): apply if `prev` is the mark, drop at or below, else hold.

    `held` is changed: it keeps at most 500 events, further ones are left to the next `sub`.
    """
    if seq <= mark.seq:
        return Step(mark, [], "dropped")
    if prev > mark.seq:
        if len(held.events) < HELD_AT_MOST:
            held.events[seq] = (prev, event)
        return Step(mark, [], "gap")
    return _release(Watermark(mark.epoch, seq), held, [(seq, event)])


def on_replay(mark: Watermark | None, held: Held, epoch: int, events: list[tuple[int, object]], upto: int) -> Step:
    """An `evs`: complete to `upto`, applied as it is; then what was held and follows."""
    after = mark.seq if mark and mark.epoch == epoch else 0
    fresh = [(seq, event) for seq, event in events if seq > after]
    return _release(Watermark(epoch, max(after, upto)), held, fresh)


def _release(mark: Watermark, held: Held, apply: list[tuple[int, object]]) -> Step:
    for seq in [s for s in held.events if s <= mark.seq]:
        del held.events[seq]
    by_prev = {prev: seq for seq, (prev, _) in held.events.items()}
    while (seq := by_prev.pop(mark.seq, 0)) > mark.seq:
        apply.append((seq, held.events.pop(seq)[1]))
        mark = Watermark(mark.epoch, seq)
    verdict: Verdict = "gap" if held.events else "applied"
    return Step(mark, [(s, e) for s, e in apply if e is not None], verdict)
