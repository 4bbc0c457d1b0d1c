"""A client's memory of one conversation: whatever the wire does, it ends with the log's events in order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backbone.process.watermark import HELD_AT_MOST
from trunkline.client import Conversation

EPOCH = 1_800_000_000


def _frame(log: list[int], known: Conversation, *, limit: int) -> dict[str, Any]:
    """The `evs` that a node answers to a `sub` from the watermark, `limit` events at most."""
    after = known.mark[1] if known.mark else 0
    missing = [seq for seq in log if seq > after]
    page = missing[:limit]
    previous = {seq: prev for prev, seq in zip([0, *log], log, strict=False)}
    return {
        "epoch": EPOCH,
        "events": [(seq, previous[seq], {"id": str(seq)}) for seq in page],
        "upto": page[-1] if page else after,
        "more": len(missing) > len(page),
    }


@given(
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=40),
    wire=st.lists(st.integers(0, 39), max_size=120),
    limit=st.integers(1, 7),
)
def test_lost_doubled_and_reordered_pushes_end_in_the_log(steps: list[int], wire: list[int], limit: int) -> None:
    """Pushes come in any order, some never, some twice; each gap is filled by asking again."""
    log = [sum(steps[: n + 1]) for n in range(len(steps))]
    previous = {seq: prev for prev, seq in zip([0, *log], log, strict=False)}
    known = Conversation()
    known.replayed(_frame(log[: len(log) // 2], known, limit=len(log)))
    for index in wire:
        if index < len(log) and not known.apply(log[index], previous[log[index]], {"id": str(log[index])}):
            known.is_replaying = True
            while not known.replayed(_frame(log, known, limit=limit)):
                known.is_replaying = True
    known.is_replaying = True
    while not known.replayed(_frame(log, known, limit=limit)):
        known.is_replaying = True
    assert [applied.seq for applied in known.events] == log


def test_what_it_holds_back_is_bounded() -> None:
    """More pushes during a replay than it keeps: it asks once more instead of growing."""
    known = Conversation()
    for seq in range(1, HELD_AT_MOST + 100):
        known.apply(seq, seq - 1, {"id": str(seq)})
    assert len(known.held.events) == HELD_AT_MOST
    assert not known.replayed({"epoch": EPOCH, "events": [], "upto": 0, "more": False})


def test_hidden_events_move_the_watermark_alone() -> None:
    """A `skip` shows nothing and leaves no gap behind it."""
    known = Conversation()
    known.replayed({"epoch": EPOCH, "events": [(3, 0, {"id": "3"})], "upto": 3, "more": False})
    assert known.apply(7, 3, None)
    assert known.apply(8, 7, {"id": "8"})
    assert [applied.seq for applied in known.events] == [3, 8]
    assert known.mark == (EPOCH, 8)


def test_an_answer_that_nobody_waits_for_shows_nothing_again() -> None:
    """Two `sub`s were on their way, and an epoch began between their answers."""
    known = Conversation()
    page = [(3, 0, {"id": "3"}), (5, 3, {"id": "5"})]
    assert known.replayed({"epoch": EPOCH, "events": page, "upto": 5, "more": False})
    assert known.replayed({"epoch": EPOCH + 1, "events": [*page, (8, 5, {"id": "8"})], "upto": 8, "more": False})
    assert [applied.seq for applied in known.events] == [3, 5, 8]
    assert known.mark == (EPOCH + 1, 8)
