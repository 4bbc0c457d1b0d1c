"""Turns at costly work: bounded at once, by owner and by rate."""

from __future__ import annotations

import asyncio

import pytest

from backbone.errors import TooManyError
from node.entry import turns
from node.entry.turns import Turns

pytestmark = pytest.mark.anyio


async def test_an_owner_has_one_turn_at_a_time_and_the_others_have_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_S", 0.01)
    some = Turns(2, 100)
    async with some.turn("audit.busy", "acme", "a"), some.turn("audit.busy", "globex", "b"):
        for owner in ("acme", "globex", "initech"):
            with pytest.raises(TooManyError) as refused:
                async with some.turn("audit.busy", owner, "c"):
                    pytest.fail("a third at once")
            assert (refused.value.code, refused.value.retry_after_ms) == ("audit.busy", turns.COME_AGAIN_MS)
    async with some.turn("audit.busy", "acme", "a"), some.turn("audit.busy", "initech", "b"):
        pass


async def test_who_waits_for_an_owner_takes_no_turn_of_another_one() -> None:
    some = Turns(2, 100)
    order: list[str] = []

    async def work(owner: str, until: asyncio.Event) -> None:
        async with some.turn("audit.busy", owner, owner):
            order.append(owner)
            await until.wait()

    first, done = asyncio.Event(), asyncio.Event()
    done.set()
    running = [asyncio.create_task(work("acme", first))]
    await asyncio.sleep(0)
    running += [asyncio.create_task(work("acme", done)) for _ in range(3)]
    await asyncio.sleep(0)
    await work("globex", done)
    assert order == ["acme", "globex"]
    first.set()
    await asyncio.gather(*running)
    assert order == ["acme", "globex", "acme", "acme", "acme"]


async def test_work_that_fails_gives_its_turn_back() -> None:
    some = Turns(1, 100)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            async with some.turn("audit.busy", "acme", "a"):
                raise ValueError("no")


async def test_one_asker_is_held_to_the_rate_and_the_others_arent() -> None:
    some = Turns(2, 3)
    for _ in range(3):
        async with some.turn("audit.busy", "acme", "a"):
            pass
    with pytest.raises(TooManyError) as refused:
        async with some.turn("audit.busy", "acme", "a"):
            pytest.fail("a fourth in a minute")
    assert refused.value.code == "limit.rate"
    async with some.turn("audit.busy", "acme", "b"):
        pass
