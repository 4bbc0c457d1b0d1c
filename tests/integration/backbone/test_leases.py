"""Leases: one holder at a time, handed on at once, and taken over from whoever is gone."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from backbone.nats.buckets import Bucket
from backbone.nats.leases import Holder, Lease
from backbone.nats.link import Link
from tests.harness.waiting import until

TTL_S = 2
HANDED_ON_TTL_S = 60


async def test_a_lease_is_handed_on_as_soon_as_it_is_released(link: Link) -> None:
    first = Lease(link, "test.handed", "a", HANDED_ON_TTL_S)
    second = Lease(link, "test.handed", "b", HANDED_ON_TTL_S)
    await first.take()
    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(0)
    assert not second.is_held
    await first.release()
    async with asyncio.timeout(HANDED_ON_TTL_S / 2):
        assert await waiting > first.token
    await second.release()


async def test_who_waits_is_told_that_somebody_else_has_it_and_who_gets_it_at_once_is_not(link: Link) -> None:
    seen: list[str] = []
    first, second = Lease(link, "test.told", "a", HANDED_ON_TTL_S), Lease(link, "test.told", "b", HANDED_ON_TTL_S)
    await first.take(lambda: seen.append("a"))
    assert seen == []
    waiting = asyncio.create_task(second.take(lambda: seen.append("b")))
    await until(lambda: "b" in seen)
    await first.release()
    await waiting
    await second.release()
    assert set(seen) == {"b"}


async def test_a_lease_that_its_holder_renews_is_never_taken_over(link: Link) -> None:
    first, second = Lease(link, "test.renewed", "a", TTL_S), Lease(link, "test.renewed", "b", TTL_S)
    await first.take()
    waiting = asyncio.create_task(second.take())
    done, _ = await asyncio.wait({waiting}, timeout=TTL_S * 2.5)
    assert not done
    assert first.is_held
    waiting.cancel()
    await first.release()


async def test_a_lease_that_the_server_forgot_to_end_is_taken_over(link: Link) -> None:
    """A server that was killed may forget that a key runs out: here it never knew."""
    bucket: Bucket[Holder] = Bucket(link, "leases", Holder)
    left = await bucket.create("test.outlived", Holder("gone"))
    lease = Lease(link, "test.outlived", "b", TTL_S)
    async with asyncio.timeout(TTL_S + 30):
        assert await lease.take() > left
    await lease.release()


async def test_who_is_cancelled_while_the_lease_becomes_his_holds_nothing(link: Link) -> None:
    """The request is stored and its answer not here yet when he is told to stop."""
    lease = Lease(link, "test.cancelled", "a", HANDED_ON_TTL_S)
    taking = asyncio.create_task(lease.take())

    def cancel(*_: object) -> None:
        taking.cancel()

    watching = link.subscribe_raw("$KV.leases.test.cancelled", cancel)
    await asyncio.wait({taking})
    link.unsubscribe_raw(watching)
    assert taking.cancelled()
    assert not lease.is_held
    await _is_free(link, "test.cancelled")


@pytest.mark.parametrize("turns", range(12))
async def test_a_lease_is_given_back_wherever_its_taking_is_cancelled(link: Link, turns: int) -> None:
    key = f"test.turn{turns}"
    lease = Lease(link, key, "a", HANDED_ON_TTL_S)
    taking = asyncio.create_task(lease.take())
    for _ in range(turns):
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait({taking})
    await lease.release()
    await _is_free(link, key)


async def test_who_waits_and_is_cancelled_as_the_lease_becomes_free_holds_nothing(link: Link) -> None:
    first = Lease(link, "test.passing", "a", HANDED_ON_TTL_S)
    await first.take()
    second = Lease(link, "test.passing", "b", HANDED_ON_TTL_S)
    waiting = asyncio.create_task(second.take())

    def cancel(_subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        if data and msgspec.json.decode(data, type=Holder).holder == "b":
            waiting.cancel()

    watching = link.subscribe_raw("$KV.leases.test.passing", cancel)
    await asyncio.sleep(0.1)
    await first.release()
    await asyncio.wait({waiting})
    link.unsubscribe_raw(watching)
    await _is_free(link, "test.passing")


async def test_a_lease_is_given_back_while_it_is_being_renewed(link: Link) -> None:
    """The revision moves under who gives it back."""
    lease = Lease(link, "test.renewing", "a", TTL_S)
    await lease.take()
    is_renewed = asyncio.Event()
    watching = link.subscribe_raw("$KV.leases.test.renewing", lambda *_: is_renewed.set())
    async with asyncio.timeout(30):
        await is_renewed.wait()
    await lease.release()
    link.unsubscribe_raw(watching)
    await _is_free(link, "test.renewing")


async def test_giving_back_is_carried_through_when_it_is_cancelled(link: Link) -> None:
    lease = Lease(link, "test.hurried", "a", HANDED_ON_TTL_S)
    await lease.take()
    releasing = asyncio.create_task(lease.release())
    await asyncio.sleep(0)
    releasing.cancel()
    await asyncio.wait({releasing})
    assert releasing.cancelled()
    await _is_free(link, "test.hurried")


async def _is_free(link: Link, key: str) -> None:
    """Nobody holds it: the next would have it at once."""
    assert await Bucket[Holder](link, "leases", Holder).get(key) is None
