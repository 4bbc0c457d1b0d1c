"""Work that an event cuts short has ended when its caller goes on, however that comes."""

from __future__ import annotations

import asyncio

import pytest

from backbone.until import cancel, finish, until

pytestmark = pytest.mark.anyio


class Work:
    """Goes on until cancelled, then cleans up for a while."""

    def __init__(self) -> None:
        self.begun, self.may_leave = asyncio.Event(), asyncio.Event()
        self.cancels = 0
        self.has_left = False

    async def run(self) -> None:
        """Leaves as soon as it may, or when it is cancelled again."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancels += 1
            await self._clean_up()

    async def _clean_up(self) -> None:
        try:
            await self.may_leave.wait()
        except asyncio.CancelledError:
            self.cancels += 1
        self.has_left = True


async def test_work_that_ends_first_has_come_to_its_end() -> None:
    assert await until(asyncio.Event(), asyncio.sleep(0))


async def test_what_work_raises_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await until(asyncio.Event(), fail())


async def test_the_event_cancels_the_work_and_waits_for_its_end() -> None:
    event, work = asyncio.Event(), Work()
    waiting = asyncio.create_task(until(event, work.run()))
    await work.begun.wait()
    event.set()
    while not work.cancels:
        await asyncio.sleep(0)
    assert not waiting.done()
    work.may_leave.set()
    assert not await waiting
    assert work.has_left


async def test_a_caller_who_is_cancelled_takes_the_work_with_him() -> None:
    work = Work()
    waiting = asyncio.create_task(until(asyncio.Event(), work.run()))
    await work.begun.wait()
    work.may_leave.set()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert work.has_left


async def test_a_caller_who_is_cancelled_again_hurries_the_work_and_does_not_leave_it_behind() -> None:
    work = Work()
    waiting = asyncio.create_task(until(asyncio.Event(), work.run()))
    await work.begun.wait()
    waiting.cancel()
    while not work.cancels:
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert work.has_left
    assert work.cancels == 2


async def test_an_error_on_the_way_out_does_not_hide_why_it_ended() -> None:
    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while leaving")

    event = asyncio.Event()
    event.set()
    assert not await until(event, fail())


async def test_cancel_of_what_has_ended_changes_nothing() -> None:
    done = asyncio.create_task(asyncio.sleep(0, "done"))
    await done
    await cancel(done)
    assert done.result() == "done"


async def test_what_is_finished_is_not_cancelled_with_its_caller() -> None:
    work = Work()
    task = asyncio.create_task(work.may_leave.wait())
    waiting = asyncio.create_task(finish(task))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    work.may_leave.set()
    await asyncio.wait({waiting})
    assert task.result()
    assert waiting.cancelled()
