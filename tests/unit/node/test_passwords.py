"""The queue before argon2: bounded, shared, and never filled for those who belong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from backbone.errors import TooManyError
from node.entry.passwords import AT_ONCE, RESERVED, SHARE_MOST, WAITING_MOST, Passwords, hash_password

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"


@pytest.fixture
def held() -> Iterator[Passwords]:
    """One whose threads work on something that takes long."""
    passwords, gate = Passwords(), threading.Event()
    for _ in range(AT_ONCE):
        passwords._threads.submit(gate.wait, 60)
    yield passwords
    gate.set()
    passwords._threads.shutdown(cancel_futures=True)


async def queued(passwords: Passwords, count: int, share: str = "", *, is_known: bool = False) -> int:
    """How many of `count` more are let in; they wait."""
    started = [asyncio.create_task(passwords.matches("", PASSWORD, share, is_known=is_known)) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    refused = [task for task in started if task.done()]
    for task in refused:
        error = task.exception()
        assert isinstance(error, TooManyError)
        assert (error.code, bool(error.retry_after_ms)) == ("session.busy", True)
    return count - len(refused)


async def test_strangers_who_fill_the_queue_leave_room_for_those_who_have_signed_in_before(held: Passwords) -> None:
    assert await queued(held, 100) == AT_ONCE + WAITING_MOST
    assert await queued(held, 100, is_known=True) == RESERVED


async def test_one_address_never_fills_the_queue(held: Passwords) -> None:
    assert await queued(held, 100, "192.0.2.7") == SHARE_MOST
    assert await queued(held, 1, "192.0.2.8") == 1


async def test_a_place_is_free_again_once_its_check_is_done() -> None:
    passwords = Passwords()
    stored = await hash_password(PASSWORD)
    assert await passwords.matches(stored, PASSWORD, "192.0.2.7")
    assert not await passwords.matches(stored, "another one", "192.0.2.7")
    assert not await passwords.matches("", PASSWORD, "192.0.2.7")
    assert await queued(passwords, SHARE_MOST, "192.0.2.7") == SHARE_MOST
