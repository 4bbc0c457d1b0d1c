"""Poison events are found by single events, and passed over."""

from __future__ import annotations

import pytest

from backbone.follow import suspects as module
from backbone.follow.suspects import Suspects
from backbone.nats.reader import Entry


def entries(first: int, last: int, s: str = "00", epoch: int = 1) -> list[Entry]:
    return [Entry(s, seq, 0, "", b"", epoch) for seq in range(first, last + 1)]


def sizes(batches: list[list[Entry]]) -> list[int]:
    return [len(batch) for batch in batches]


def test_what_nobody_suspects_is_one_batch() -> None:
    assert sizes(Suspects().batches(entries(1, 100))) == [100]


def test_after_a_failure_events_come_one_by_one_up_to_where_it_was() -> None:
    suspects = Suspects()
    assert suspects.failed(entries(5, 8)) is None
    assert sizes(suspects.batches(entries(3, 12))) == [1] * 6 + [4]
    assert sizes(suspects.batches([*entries(3, 4), *entries(1, 3, "01")])) == [1, 1, 3]


def test_the_one_that_fails_alone_is_the_poison_and_stays_alone() -> None:
    suspects = Suspects()
    (poison,) = entries(7, 7)
    assert suspects.failed([poison]) is poison
    assert suspects.is_poison(poison)
    assert not suspects.is_poison(poison._replace(epoch=2))
    assert sizes(suspects.batches(entries(5, 9))) == [2, 1, 2]
    suspects.kept("00", 1, 7)
    assert not suspects.is_poison(poison)


def test_one_failure_after_the_other_waits_longer_and_longer_and_a_success_ends_that() -> None:
    suspects = Suspects()
    pauses = []
    for entry in entries(1, 20):
        suspects.failed([entry])
        pauses.append(suspects.pause_s())
    assert pauses[:4] == [0.0] * 4
    assert pauses == sorted(pauses)
    assert pauses[-1] == module.PAUSE_MOST_S
    suspects.took()
    assert suspects.pause_s() == 0.0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    suspects = Suspects()
    for entry in entries(1, 3):
        suspects.failed([entry])
    with pytest.raises(OverflowError):
        suspects.failed(entries(4, 4))
