"""Leases: one holder at a time, handed on at once, and taken over from whoever is gone."""

from __future__ import annotations

import asyncio

from backbone.buckets import Bucket
from backbone.leases import Holder, Lease
from backbone.link import Link

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
