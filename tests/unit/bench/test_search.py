"""The search finds the highest rate that holds, and a long run decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.search import STEPS_MOST, Confirmation, Search


def _found(search: Search, limit: float) -> list[float]:
    tried = []
    while not search.is_over:
        tried.append(search.rate)
        search.note(holds=search.rate <= limit)
    return tried


@given(limit=st.floats(200, 30_000), first=st.floats(100, 30_000))
def test_what_is_found_holds_and_lies_within_the_resolution_of_the_limit(limit: float, first: float) -> None:
    search = Search(first)
    tried = _found(search, limit)
    assert search.held <= limit
    assert search.failed > limit
    assert search.held >= limit * (1 - 2 * search.resolution)
    assert len(tried) < 50


def test_a_rate_that_failed_once_is_tried_again() -> None:
    search = Search(1000)
    search.note(holds=False)
    assert search.rate == 1000
    search.note(holds=True)
    assert (search.held, search.failed, search.rate) == (1000, 0, 1300)


def test_it_ends_at_the_most_that_it_may_try() -> None:
    search = Search(30_000, most=40_000)
    _found(search, 1e9)
    assert search.held == 40_000


def test_it_ends_where_nothing_holds() -> None:
    search = Search(1000, least=100)
    _found(search, 1)
    assert search.held == 0


def test_a_confirmation_wants_most_of_its_runs_to_hold() -> None:
    confirmation = Confirmation(1000, runs=3)
    assert not confirmation.note(holds=False)
    assert not confirmation.note(holds=True)
    assert not confirmation.is_over
    assert not confirmation.note(holds=True)
    assert confirmation.is_confirmed
    assert confirmation.rate == 1000


@pytest.mark.parametrize("outcomes", [[False, False], [True, False, False]])
def test_a_confirmation_that_fails_begins_again_a_step_lower(outcomes: list[bool]) -> None:
    confirmation = Confirmation(1000, runs=3)
    assert [confirmation.note(holds=outcome) for outcome in outcomes][-1]
    assert confirmation.rate == 950
    assert confirmation.held == confirmation.failed == 0


def test_a_confirmation_gives_up_in_the_end() -> None:
    confirmation = Confirmation(1000, runs=1)
    for _ in range(STEPS_MOST + 1):
        assert not confirmation.is_over
        confirmation.note(holds=False)
    assert confirmation.is_over
    assert not confirmation.is_confirmed
