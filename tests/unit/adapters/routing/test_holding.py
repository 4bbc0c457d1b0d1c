"""Conversations that are held back."""

from __future__ import annotations

import itertools

from adapters.routing.holding import FIRST_S, MOST_S, Holding


def test_each_failure_holds_longer_up_to_a_bound_and_a_success_ends_it() -> None:
    held, now, waits = Holding(), 0.0, []
    for _ in range(12):
        held.failed("conv", now)
        began = now
        while held.holds("conv", now):
            now += 0.05
        waits.append(now - began)
    assert 0.7 * FIRST_S < waits[0] < 1.4 * FIRST_S
    assert all(later > earlier * 1.1 for earlier, later in itertools.pairwise(waits[:6]))
    assert max(waits) < 1.3 * MOST_S
    held.failed("conv", now)
    held.done("conv")
    assert not held.holds("conv", now)


def test_others_are_not_held_and_what_is_long_over_is_forgotten() -> None:
    held = Holding()
    held.failed("one", 0.0)
    assert not held.holds("another", 0.0)
    held.forget(10 * MOST_S)
    assert not held._held
