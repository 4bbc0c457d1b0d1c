"""Locks by name."""

from __future__ import annotations

import asyncio

import pytest

from backbone.locks import NamedLocks

pytestmark = pytest.mark.anyio


async def test_one_name_is_held_by_one_at_a_time_in_the_order_asked() -> None:
    locks: NamedLocks[str] = NamedLocks()
    inside: list[int] = []
    order: list[int] = []

    async def hold(number: int) -> None:
        async with locks.hold("ann"):
            inside.append(number)
            order.append(number)
            await asyncio.sleep(0)
            assert inside == [number]
            inside.clear()

    await asyncio.gather(*(hold(number) for number in range(5)))
    assert order == list(range(5))
    assert not len(locks)


async def test_who_comes_as_it_passes_from_one_to_the_next_waits_behind_that() -> None:
    locks: NamedLocks[str] = NamedLocks()
    order: list[str] = []

    async def second() -> None:
        async with locks.hold("ann"):
            order.append("second begins")
            await asyncio.sleep(0.01)
            order.append("second ends")

    async with locks.hold("ann"):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0)
    # Nobody has it at this moment, but somebody was promised it.
    async with locks.hold("ann"):
        order.append("third begins")
    await waiting
    assert order == ["second begins", "second ends", "third begins"]


async def test_other_names_go_on_and_who_gives_up_waiting_leaves_nothing() -> None:
    locks: NamedLocks[str] = NamedLocks()

    async def wait() -> None:
        async with locks.hold("ann"):
            pass

    async with locks.hold("ann"):
        waiting = asyncio.create_task(wait())
        async with locks.hold("ben"):
            assert len(locks) == 2
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert len(locks) == 1
    assert not len(locks)
