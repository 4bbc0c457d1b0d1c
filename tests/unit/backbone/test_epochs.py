"""Epochs: stretches of a stream's sequences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.nats.epochs import STRETCHES_MOST, Epochs, after_rollback, parse, render


def test_a_position_holds_up_to_where_the_next_epoch_began() -> None:
    epochs = parse("100@1,200@51")
    assert epochs.now == 200
    assert (epochs.number(50), epochs.number(51)) == (100, 200)
    assert epochs.holds(100, 50)
    assert not epochs.holds(100, 51)
    assert epochs.holds(200, 50)
    assert not epochs.holds(300, 60)


def test_a_rollback_begins_a_new_stretch_and_forgets_what_never_was() -> None:
    after = after_rollback(parse("100@1,200@51"), 30, 150)
    assert after == Epochs(((100, 1), (201, 31)))
    assert after_rollback(parse("100@1"), 0, 500) == Epochs(((500, 1),))


def test_of_very_many_stretches_the_oldest_are_forgotten() -> None:
    epochs = parse("1@1")
    for n in range(STRETCHES_MOST + 9):
        epochs = after_rollback(epochs, n + 1, n + 2)
    assert len(epochs.stretches) == STRETCHES_MOST
    assert epochs.stretches[-1] == (STRETCHES_MOST + 10, STRETCHES_MOST + 10)
    assert not epochs.holds(1, 1), "who comes with a position of theirs begins again"


@given(st.lists(st.tuples(st.integers(1, 2**31), st.integers(1, 2**40)), min_size=1, max_size=5))
def test_what_is_rendered_is_parsed_back(stretches: list[tuple[int, int]]) -> None:
    epochs = Epochs(tuple(sorted(stretches, key=lambda s: s[1])))
    assert parse(render(epochs)) == epochs


@pytest.mark.parametrize("text", ["", "x@1", "5", "100@50,200@1"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)
