"""When a process that lives and has work counts as standing still."""

from __future__ import annotations

from backbone.process.pace import Load, Pace

STILL_S = 10.0


def _after(*loads: Load | None) -> str | None:
    """What is said after these loads, one a second."""
    pace = Pace(STILL_S)
    for now, load in enumerate(loads):
        pace.look(load, float(now))
    return pace.problem(float(len(loads) - 1))


def test_an_adapter_that_hangs_with_work_before_it_stands_still() -> None:
    said = _after(*[Load(1_200, 7)] * 12)
    assert said == "It stands still: 1,200 wait, and nothing was done for 11 s."


def test_far_behind_but_getting_on_is_no_fault() -> None:
    assert _after(*[Load(1_000_000 - n, n) for n in range(60)]) is None


def test_nothing_to_do_is_no_fault_and_the_first_event_after_it_has_its_time() -> None:
    assert _after(*[Load(0, 7)] * 60, Load(1, 7)) is None
    assert _after(*[Load(0, 7)] * 60, *[Load(1, 7)] * 11) is not None


def test_failing_at_the_same_event_again_and_again_is_no_progress() -> None:
    """Each try begins from the cursor, comes to the same event, and is gone for a moment."""
    loop = [Load(1, 5), Load(1, 6), Load(1, 7), None]
    assert _after(*loop * 5) is not None


def test_who_waits_for_its_turn_is_not_judged() -> None:
    assert _after(*[None] * 60) is None
    assert _after(*[Load(1, 7)] * 3, *[None] * 60, Load(1, 7)) is None
