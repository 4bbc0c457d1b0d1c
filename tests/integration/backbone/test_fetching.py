"""Channels that fetch, by replicas: whoever stops leaves its streams to the others at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from adapters.channels.api import Api
from adapters.channels.api.settings import Account
from adapters.channels.kit.incoming.fetching import Fetching
from adapters.channels.kit.incoming.receive import Receiver
from adapters.channels.kit.kits import Kits
from backbone import directory
from backbone.accounts.accounts import Accounts, seal_settings
from backbone.channel import FaultError, Kit, Page, Retry
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Kept
from backbone.nats.leases import Holder
from backbone.nats.link import Link
from backbone.sealing import Sealer
from backbone.until import cancel
from tests.harness.nats import NatsServer
from tests.harness.waiting import until
from tests.integration.backbone.rooms import SECRET, closed, made_room

TENANT, INBOX = "main", "asked"


class Read(Api):
    """A channel that listens: `failing` where its provider breaks off each time."""

    def __init__(self, failing: str = "") -> None:
        super().__init__()
        self.failing = failing
        self.read: list[str] = []
        """Addresses of the settings that were listened with."""

        self.begun = asyncio.Event()

    async def listen(self, acc: Account, stream: str, cursor: str, kit: Kit) -> AsyncIterator[Page]:
        """Notes that it was asked, and with what."""
        del stream, cursor, kit
        self.read.append(acc.url)
        self.begun.set()
        if self.failing:
            raise FaultError(Retry(), self.failing)
        await asyncio.Event().wait()
        yield Page()


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
    async with _running(link, instance, channel) as (fetching, _):
        yield channel, fetching


@contextlib.asynccontextmanager
async def _running(link: Link, instance: str, channel: Api) -> AsyncIterator[tuple[asyncio.Task[None], Accounts]]:
    """The task that fetches, and the accounts that it knows."""
    room = await made_room(link, channel, instance, TENANT, INBOX)
    accounts = Accounts(link, channel, room.sealer)
    await accounts.caught_up()
    kits = Kits(room)
    fetching = asyncio.create_task(Fetching(room, accounts, kits, Receiver(room, accounts, kits)).run())
    try:
        yield fetching, accounts
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


async def test_settings_are_taken_up_at_once_and_a_name_alone_changes_nothing(link: Link) -> None:
    channel = Read()
    async with _running(link, "one", channel) as (_, accounts):
        await asyncio.wait_for(channel.begun.wait(), 30)
        channel.begun.clear()
        await _set(link, channel, "renamed", "https://example.com/hook")
        await until(lambda: accounts.find(TENANT, INBOX).inbox.name == "renamed", "the name is known")
        await _set(link, channel, "renamed", "https://example.com/other")
        await asyncio.wait_for(channel.begun.wait(), 30)
        assert channel.read == ["https://example.com/hook", "https://example.com/other"]


async def test_a_stream_that_fails_again_and_again_is_told_in_every_replica_until_it_runs(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.channels.kit.incoming.fetching.WELL_S", 0.5)
    # Whichever of the two reads.
    one, two = Read("the connection is lost"), Read("the connection is lost")
    async with _running(link, "one", one) as (_, accounts), _running(link, "two", two) as (_, others):
        seen = (accounts.find(TENANT, INBOX), others.find(TENANT, INBOX))
        await until(lambda: all(each.health.failing for each in seen), "it is told")
        assert {each.health.failing for each in seen} == {"the connection is lost"}
        assert all(each.health.failing_since for each in seen)
        assert not any(each.ill for each in seen)
        one.failing = two.failing = ""
        await until(lambda: not any(each.health.failing for each in seen), "it is well again")


async def _set(link: Link, channel: Api, name: str, url: str) -> None:
    """An admin saves the account."""
    settings = {"url": url, "secret": "whsec_" + "A" * 40}
    sealed = seal_settings(channel, Sealer([SECRET]), TENANT, INBOX, settings)
    await directory.connect_inbox(link, TENANT, directory.Inbox(id=INBOX, channel="api", name=name, settings=sealed))


async def _polls(link: Link) -> list[Kept[Holder]]:
    """Leases of the account's streams that stand."""
    return await Bucket[Holder](link, "leases", Holder).all(f"poll.{INBOX}.*")
