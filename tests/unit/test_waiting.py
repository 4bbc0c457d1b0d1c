"""A wait for a condition ends with it, and fails with what it was told."""

from __future__ import annotations

import pytest

from tests.harness.waiting import until, wait_until


async def test_it_returns_once_the_condition_holds() -> None:
    left = [False, False, True]
    await until(lambda: left.pop(0))
    assert left == []
    again = [False, True]

    async def holds() -> bool:
        return again.pop(0)

    await until(holds)
    assert again == []


async def test_what_never_holds_fails_and_says_what() -> None:
    with pytest.raises(AssertionError, match="the log of a process"):
        await until(lambda: False, lambda: "the log of a process", within_s=0.05)
    with pytest.raises(AssertionError, match="a bell"):
        wait_until(lambda: False, "a bell", within_s=0.05)
