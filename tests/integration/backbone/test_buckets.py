"""Buckets and leases on a real nats-server."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import Struct

from backbone.directory import Agent, Tenant
from backbone.nats.buckets import Bucket, Change, KeyExistsError, RevisionError, UnreadableError
from backbone.nats.leases import Holder, Lease
from backbone.nats.link import Link
from backbone.nats.streams import BUCKETS, bucket_stream
from tests.harness.waiting import until

pytestmark = pytest.mark.anyio


class Thing(Struct, frozen=True):
    name: str


def things(link: Link, bucket: str = "contacts") -> Bucket[Thing]:
    return Bucket(link, bucket, Thing)


async def test_a_value_is_created_once_and_moved_by_its_revision_only(link: Link) -> None:
    bucket = things(link)
    assert await bucket.get("a.b") is None
    revision = await bucket.create("a.b", Thing("one"))
    with pytest.raises(KeyExistsError):
        await bucket.create("a.b", Thing("two"))
    moved = await bucket.update("a.b", Thing("three"), revision)
    with pytest.raises(RevisionError):
        await bucket.update("a.b", Thing("four"), revision)
    kept = await bucket.get("a.b")
    assert kept is not None
    assert (kept.value, kept.revision) == (Thing("three"), moved)


async def test_a_deleted_key_can_be_created_again(link: Link) -> None:
    bucket = things(link)
    revision = await bucket.create("a.b", Thing("one"))
    with pytest.raises(RevisionError):
        await bucket.delete("a.b", revision + 5)
    await bucket.delete("a.b", revision)
    assert await bucket.get("a.b") is None
    await bucket.create("a.b", Thing("two"))
    with pytest.raises(KeyExistsError):
        await bucket.create("a.b", Thing("three"))


async def test_all_finds_what_matches(link: Link) -> None:
    bucket = things(link)
    for key in ("t.x.1", "t.x.2", "t.y.1", "u.x.1"):
        await bucket.create(key, Thing(key))
    await bucket.delete("t.x.2")
    assert await bucket.keys("t.x.*") == ["t.x.1"]
    assert await bucket.keys() == ["t.x.1", "t.y.1", "u.x.1"]


async def test_a_watch_tells_what_is_there_then_changes_deletions_and_expiry(link: Link) -> None:
    bucket = things(link, "presence")
    await bucket.put("t.a", Thing("here"))
    came: list[Change[Thing]] = []
    watch = bucket.watch(came.append)
    await asyncio.wait_for(watch.caught_up.wait(), 30)
    await bucket.put("t.b", Thing("short"), ttl_s=1)
    await bucket.delete("t.a")
    async with asyncio.timeout(30):
        while len(came) < 4:
            await asyncio.sleep(0.02)
    # On a slow machine the short one may be over before the other is deleted.
    assert [c.value for c in came if c.key == "t.a"] == [Thing("here"), None]
    assert [c.value for c in came if c.key == "t.b"] == [Thing("short"), None]
    await bucket.create("t.b", Thing("again"))
    await watch.close()


async def test_a_watch_starts_over_when_the_bucket_was_made_anew(link: Link) -> None:
    bucket = things(link, "heads")
    for _ in range(5):
        await bucket.put("t.a", Thing("old"))
    seen: dict[str, Thing] = {}
    resets: list[int] = []

    def take(change: Change[Thing]) -> None:
        if change.value is not None:
            seen[change.key] = change.value

    watch = bucket.watch(take, reset=lambda: (seen.clear(), resets.append(1))[0])
    await asyncio.wait_for(watch.caught_up.wait(), 30)
    await link.api("STREAM.DELETE.KV_heads", {})
    spec = next(b for b in BUCKETS if b.name == "heads")
    await link.api("STREAM.CREATE.KV_heads", {"name": "KV_heads", **bucket_stream(spec).config})
    await bucket.put("t.b", Thing("new"))
    async with asyncio.timeout(30):
        while seen != {"t.b": Thing("new")}:
            await asyncio.sleep(0.05)
    assert resets == [1]
    await watch.close()


async def test_a_lease_has_one_holder_and_passes_on_at_once_when_released(link: Link) -> None:
    first, second = Lease(link, "routing.0", "a"), Lease(link, "routing.0", "b")
    token = await first.take()
    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await first.release()
    assert first.lost.is_set()
    assert await asyncio.wait_for(waiting, 30) > token
    await second.release()


async def test_a_holder_that_vanished_is_followed_after_the_time_to_live(link: Link) -> None:
    first, second = Lease(link, "routing.0", "a", ttl_s=2), Lease(link, "routing.0", "b", ttl_s=2)
    token = await first.take()
    assert first._renewing is not None
    first._renewing.cancel()
    assert await asyncio.wait_for(second.take(), 30) > token
    await second.release()


async def test_a_lease_is_kept_by_renewing_and_lost_to_whoever_took_it(link: Link) -> None:
    lease = Lease(link, "routing.0", "a", ttl_s=2)
    began = await lease.take()
    bucket = Bucket[Holder](link, "leases", Holder)

    async def is_renewed_past_its_time() -> bool:
        """Every renewal is a revision, and three of them take longer than the key would have lived."""
        kept = await bucket.get("routing.0")
        return kept is not None and kept.revision >= began + 4

    await until(is_renewed_past_its_time)
    assert lease.is_held
    thief: Bucket[Holder] = Bucket(link, "leases", Holder)
    await thief.put("routing.0", Holder("b"))
    assert not await asyncio.wait_for(lease.while_held(asyncio.Event().wait()), 30)
    assert lease.lost.is_set()


async def test_a_record_that_cannot_be_read_is_skipped_by_who_watches_and_told_to_who_asks(link: Link) -> None:
    """The last record of a bucket was of a type that this version doesn't know: whoever watched never caught up."""
    bucket = Bucket[Agent | Tenant](link, "directory", Agent | Tenant)
    await bucket.put("main.tenant", Tenant(id="main", name="Main"))
    for key, raw in (
        ("main.unknown", b'{"type":"of a version to come"}'),
        ("main.broken", b"{"),
        ("main.wrong", b'{"type":"tenant","id":1}'),
        ("main.bytes", b'{"type":"tenant","id":"\xff"}'),
    ):
        await link.request_raw(f"$KV.directory.{key}", raw)
    assert [kept.key for kept in await bucket.all()] == ["main.tenant"]
    for key in ("main.unknown", "main.broken", "main.wrong", "main.bytes"):
        with pytest.raises(UnreadableError, match=key):
            await bucket.get(key)


async def test_one_record_of_the_largest_size_does_not_hold_up_who_reads_the_bucket(link: Link) -> None:
    bucket = Bucket[str](link, "channels", str)
    await link.request_raw("$KV.channels.large", b'"' + b"x" * (link.max_payload - 100) + b'"')
    await bucket.put("small", "after it")
    assert {kept.key for kept in await bucket.all()} == {"large", "small"}


async def test_what_a_watcher_cannot_take_does_not_keep_the_rest_from_it(link: Link) -> None:
    bucket = Bucket[str](link, "channels", str)
    for key in ("a", "b"):
        await bucket.put(key, key)
    taken: list[str] = []

    def take(change: Change[str]) -> None:
        if change.key == "b":
            raise KeyError(change.key)
        taken.append(change.key)

    feed = bucket.watch(take)
    async with asyncio.timeout(10):
        await feed.caught_up.wait()
        await bucket.put("c", "c")
        while taken != ["a", "c"]:
            await asyncio.sleep(0.01)
    await feed.close()
