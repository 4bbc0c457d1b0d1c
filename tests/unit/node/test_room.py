"""A room that is closed while somebody waits for it: they are told, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backbone.acks import LogEvent
from backbone.conversation import empty
from node.rooms.room import RolledBackError, Room

pytestmark = pytest.mark.anyio

CONV = "00" + "a" * 26


class SlowLog:
    """A log that never comes to an answer."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()

    def attach(self, *_arguments: object) -> int:
        """Nothing comes live."""
        return 1

    def detach(self, _subscription: int) -> None:
        """Nothing came."""

    async def replay(self, *_arguments: object) -> Any:
        """Not in this test's life."""
        self.is_asked.set()
        await asyncio.sleep(3600)


async def test_who_waits_for_a_room_that_is_closed_is_told() -> None:
    log = SlowLog()
    room = Room(log, f"chat.00.main.web.{CONV}", empty("main", "web", CONV), lambda _room: None)  # type: ignore[arg-type]
    waiting = [asyncio.create_task(room.load()) for _ in range(2)]
    await asyncio.wait_for(log.is_asked.wait(), 30)
    room.close()
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RolledBackError, RolledBackError]


async def test_who_leaves_while_waiting_ends_nobody_elses_reading() -> None:
    log = SlowLog()
    room = Room(log, f"chat.00.main.web.{CONV}", empty("main", "web", CONV), lambda _room: None)  # type: ignore[arg-type]
    leaving, staying = (asyncio.create_task(room.load()) for _ in range(2))
    await asyncio.wait_for(log.is_asked.wait(), 30)
    leaving.cancel()
    await asyncio.wait({leaving}, timeout=30)
    assert leaving.cancelled()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not staying.done()
    room.close()
    await asyncio.wait({staying}, timeout=30)
    assert isinstance(staying.exception(), RolledBackError)


class Replaced:
    """A log of one event that is lost, with the connection, while its answer is on the way."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[Any]] = []

    def attach(self, *_arguments: object) -> int:
        """Nothing comes live."""
        return 1

    def detach(self, _subscription: int) -> None:
        """Nothing came."""

    async def replay(self, *_arguments: object) -> Any:
        """Each answer when the test gives it."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return await answer


async def test_a_room_that_was_read_before_the_connection_was_lost_is_read_again() -> None:
    """It counted as sure, and took messages into a conversation that the log behind the new connection didn't have."""
    log = Replaced()
    room = Room(log, f"chat.00.main.web.{CONV}", empty("main", "web", CONV), lambda _room: None)  # type: ignore[arg-type]
    loading = asyncio.create_task(room.load())
    await _asked(log, 1)
    event = LogEvent(
        7, b'{"type":"x","id":"e","tenant":"main","channel":"web","conv":"c","at":1,"by":{"kind":"bot","id":"b"}}'
    )
    log.answers[0].set_result(([event], False))
    room.doubt()
    await _asked(log, 2)
    assert not room.is_sure
    log.answers[1].set_result(([], False))
    with pytest.raises(RolledBackError):
        await asyncio.wait_for(loading, 30)
    assert not room.is_sure


async def _asked(log: Replaced, times: int) -> None:
    async with asyncio.timeout(30):
        while len(log.answers) < times:
            await asyncio.sleep(0)
