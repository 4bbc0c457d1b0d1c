"""Channels that fetch, by replicas: whoever stops leaves its streams to the others at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from adapters.channels.api import Api
from adapters.channels.kit.incoming.fetching import Fetching
from adapters.channels.kit.incoming.receive import Receiver
from adapters.channels.kit.kits import Kits
from backbone import directory
from backbone.accounts.accounts import Accounts
from backbone.channel import Kit, Page
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Kept
from backbone.nats.leases import Holder
from backbone.nats.link import Link
from backbone.until import cancel
from tests.harness.nats import NatsServer
from tests.integration.backbone.rooms import closed, made_room

TENANT, INBOX = "main", "asked"


class Fetched(Api):
    """A channel that has nothing new, ever."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def fetch(self, acc: object, stream: str, cursor: str, hint: str, kit: Kit) -> Page:
        """Notes that it was asked."""
        del acc, stream, cursor, hint, kit
        self.asked.set()
        return Page()


@contextlib.asynccontextmanager
async def _replica(link: Link, instance: str) -> AsyncIterator[tuple[Fetched, asyncio.Task[None]]]:
    """Its channel, and the task that fetches by it."""
    channel = Fetched()
    room = await made_room(link, channel, instance, TENANT, INBOX)
    accounts = Accounts(link, channel, room.sealer)
    await accounts.caught_up()
    kits = Kits(room)
    fetching = asyncio.create_task(Fetching(room, accounts, kits, Receiver(room, accounts, kits)).run())
    try:
        yield channel, fetching
    finally:
        await cancel(fetching)
        await accounts.close()
        await closed(room)


async def test_a_replica_that_stops_is_followed_at_once(nats: NatsServer, link: Link) -> None:
    other = Link()
    await other.open(nats.url, name="other", user=nats.user, password=nats.password)
    async with _replica(link, "one") as (first, fetching):
        await asyncio.wait_for(first.asked.wait(), 30)
        async with _replica(other, "two") as (second, _):
            await cancel(fetching)
            # Nothing that it held is waited out.
            assert {kept.value.holder for kept in await _polls(link)} <= {"two"}
            await asyncio.wait_for(second.asked.wait(), 30)
    assert not await _polls(link)
    await other.close()


async def test_a_replica_that_stops_as_a_stream_becomes_its_own_holds_nothing(link: Link) -> None:
    """The request for the lease is stored and its answer not here yet."""
    async with _replica(link, "one") as (channel, fetching):

        def stop(*_: object) -> None:
            fetching.cancel()

        watching = link.subscribe_raw(f"$KV.leases.poll.{INBOX}.*", stop)
        await asyncio.wait({fetching})
        link.unsubscribe_raw(watching)
        assert not channel.asked.is_set()
        assert not await _polls(link)


async def test_an_account_that_goes_as_its_replica_stops_is_given_back(link: Link) -> None:
    async with _replica(link, "one") as (channel, fetching):
        await asyncio.wait_for(channel.asked.wait(), 30)
        key = subjects.key(TENANT, "inbox", INBOX)
        deleted = asyncio.Event()
        watch = directory.directory(link).watch(lambda change: deleted.set() if change.value is None else None, key)
        await directory.directory(link).delete(key)
        await asyncio.wait_for(deleted.wait(), 30)
        await cancel(fetching)
        await watch.close()
        assert not await _polls(link)


async def _polls(link: Link) -> list[Kept[Holder]]:
    """Leases of the account's streams that stand."""
    return await Bucket[Holder](link, "leases", Holder).all(f"poll.{INBOX}.*")
