"""One user of NATS a kind of process: what each is refused, and what a refusal does to its link."""

from __future__ import annotations

import asyncio
import signal

import msgspec
import pytest

from backbone.acks import is_of, place_of
from backbone.errors import ForbiddenError
from backbone.log import Log
from backbone.nats import permissions, streams, subjects
from backbone.nats.buckets import Bucket, Change, KeyExistsError
from backbone.nats.cursors import Cursor
from backbone.nats.leases import Holder
from backbone.nats.link import Link
from backbone.nats.reader import read_range
from backbone.nats.wire.header import REFLECTED, is_reflected
from backbone.nats.worker import bury
from tests.harness.nats import NatsServer
from tests.harness.trespass import CONV, trespasses
from tests.integration.backbone.test_log import message
from trunkline import embedded, nats_users


def test_the_table_knows_every_stream_and_bucket() -> None:
    """A new one is refused to all until a row names it: the table's list is that of streams.py."""
    made = {spec.name for spec in streams.everything(["00"])} - {"CHAT_00"}
    assert made == set(permissions.STORES)
    assert {spec.name for spec in streams.BUCKETS} == set(permissions.BUCKETS)


async def test_a_process_that_is_taken_over_is_refused_what_it_has_no_business_with(
    nats: NatsServer, link: Link
) -> None:
    """Forged decisions, written directories, deleted streams, sessions that are read: by each kind, each way."""
    assert not await trespasses(nats.url, nats.password)
    assert (await link.api("STREAM.INFO.CHAT_00", {}))["state"]["messages"] == 0


async def test_the_passwords_of_processes_are_each_its_own(nats: NatsServer, link: Link) -> None:
    """None of them is the operator's, and none opens another user."""
    del link
    users = ["node", "routing", "warehouse", "channel-telegram", "channel-email"]
    passwords = {nats_users.password(nats.password, user) for user in users}
    assert len(passwords | {nats.password}) == len(users) + 1
    intruder = Link()
    opening = asyncio.create_task(
        intruder.open(nats.url, name="x", user="trunkline", password=nats_users.password(nats.password, "node"))
    )
    done, _ = await asyncio.wait({opening}, timeout=1)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await intruder.close()
    assert not done, "the node's password let somebody in as the operator"


async def test_a_refusal_is_said_at_once_and_the_link_goes_on(nats: NatsServer, link: Link) -> None:
    """Who waits for an answer gets the refusal in place of a time-out; the next request is answered."""
    del link
    ours = await _as(nats, "telegram")
    try:
        directory: Bucket[dict[str, str]] = Bucket(ours, "directory", dict[str, str])
        began = asyncio.get_running_loop().time()
        with pytest.raises(ForbiddenError, match=r"\$KV\.directory\.main\.agent\.emma"):
            await directory.put("main.agent.emma", {})
        with pytest.raises(ForbiddenError):
            await directory.get("main.agent.emma")
        assert asyncio.get_running_loop().time() - began < 2
        ours.subscribe_raw("live.>", lambda *_: None)
        assert await directory.get("main.inbox.web") is None
        answer = await ours.request_raw(subjects.chat("main", "telegram", CONV), b"{}")
        assert b'"seq"' in answer.data
    finally:
        await ours.close()


@pytest.mark.parametrize("user", ["", "an operator.of*their>own"])
def test_the_inboxes_of_any_user_are_subjects(user: str) -> None:
    """A user's name may hold what no token may."""
    assert not set(permissions.own(user)) & set(".*> ")


async def test_a_channel_that_is_installed_later_is_let_in_and_nobody_is_cut_off(nats: NatsServer, link: Link) -> None:
    """`up` writes the users anew and has the running server read them: port and links stay."""
    del link
    node = await _as(nats, "node")
    folder = embedded.configured_in(nats.folder / "nats")
    assert embedded.configure(folder, nats.password, ("telegram", "later"))
    try:
        assert nats.process is not None
        nats.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(20):
            later = await _as(nats, "later")
        answer = await later.request_raw(subjects.chat("main", "later", CONV), b"{}")
        assert b'"seq"' in answer.data
        await later.close()
        async with asyncio.timeout(20):
            while not node.is_usable:
                await asyncio.sleep(0.02)
        assert await Bucket[dict[str, str]](node, "directory", dict[str, str]).get("main.agent.emma") is None
    finally:
        await node.close()


async def _as(nats: NatsServer, process: str) -> Link:
    user, password = nats_users.credential(nats.password, process)
    link = Link()
    await link.open(nats.url, name=process, user=user, password=password)
    return link


@pytest.mark.parametrize("process", ["node", "routing", "warehouse"])
async def test_of_several_processes_one_begins_the_epochs(nats: NatsServer, link: Link, process: str) -> None:
    """Refused to read the claim that another one made, each took itself for alone, and numbered the same events."""
    assert link.is_usable
    one = await _as(nats, process)
    try:
        claims: Bucket[Holder] = Bucket(one, "leases", Holder)
        await claims.create(f"epochs.{process}", Holder("first"), 10)
        with pytest.raises(KeyExistsError):
            await claims.create(f"epochs.{process}", Holder("second"), 10)
    finally:
        await one.close()


async def test_bytes_that_are_sent_by_way_of_an_answer_are_no_value_and_no_event(nats: NatsServer, link: Link) -> None:
    """NATS answers at whatever subject is asked for: so a channel stores what it likes where it may not publish."""
    intruder = await _as(nats, "telegram")
    own, foreign, agent = subjects.chat("main", "telegram", CONV), subjects.chat("main", "web", CONV), "main.agent.eve"
    record = {"id": "eve", "role": "admin"}
    answer = await intruder.request_raw(own, msgspec.json.encode(record))
    question = msgspec.json.encode({"seq": msgspec.json.decode(answer.data)["seq"]})
    live: list[bytes | None] = []
    link.subscribe_raw(subjects.live(foreign), lambda _subject, _reply, header, _data: live.append(header))
    directory: Bucket[dict[str, str]] = Bucket(link, "directory", dict[str, str])
    seen: list[Change[dict[str, str]]] = []
    watch = directory.watch(seen.append)
    await watch.caught_up.wait()
    for victim in (f"$KV.directory.{agent}", foreign, subjects.live(foreign)):
        intruder.publish_raw("$JS.API.DIRECT.GET.CHAT_00", question, reply=victim)
    async with asyncio.timeout(10):
        while not seen or len(live) < 2:
            await asyncio.sleep(0.02)
    await watch.close()
    await intruder.close()
    assert [change.value for change in seen] == [None], "a record that nobody wrote was taken for an agent"
    assert await directory.get(agent) is None
    assert await directory.create(agent, {"id": "eve"}) > 1, "the key is of no use any more"
    assert await directory.get(agent) is not None
    stored = await Log(link).last(foreign)
    assert stored is not None
    assert (stored.raw, stored.subject) == (REFLECTED, foreign)
    assert await Log(link).at(foreign, stored.seq) == stored
    assert await Log(link).at_leader(foreign, stored.seq) == REFLECTED
    entries = await read_range(link, "00", stored.seq, stored.seq)
    assert [entry.raw for entry in entries] == [REFLECTED]
    # What was stored and copied says so, and its place is its own; what never was isn't of the conversation at all.
    assert sorted((is_of(header, foreign), is_reflected(header, as_direct=True)) for header in live) == [
        (False, False),
        (True, True),
    ]
    assert place_of(next(header for header in live if is_of(header, foreign))) == (stored.seq, 0)


async def test_an_adapter_of_another_package_reads_the_log_keeps_its_own_cursors_and_does_nothing_else(
    nats: NatsServer, link: Link
) -> None:
    """It is somebody else's code: no message of ours, no record, no lease, no cursor and no stream is its to write."""
    await Log(link).publish(subjects.chat("main", "web", CONV), message(CONV))
    folder = embedded.configured_in(nats.folder / "nats")
    assert embedded.configure(folder, nats.password, adapters=("counting",))
    assert nats.process is not None
    nats.process.send_signal(signal.SIGHUP)
    user, password = nats_users.credential(nats.password, "counting", ("counting",))
    assert user == "adapter-counting"
    ours = Link()
    async with asyncio.timeout(20):
        await ours.open(nats.url, name="counting", user=user, password=password)
    try:
        assert len(await read_range(ours, "00", 1, 1)) == 1
        kept: Bucket[Cursor] = Bucket(ours, "cursors", Cursor)
        await kept.put("adapter-counting.00", Cursor(1, 1, {"main": 1}))
        assert (await kept.get("adapter-counting.00")) is not None
        await Bucket[Holder](ours, "leases", Holder).create("adapter.counting", Holder("x"), 10)
        await bury(ours, "counting", (await read_range(ours, "00", 1, 1))[0], 1, ValueError("no"))
        for subject in (
            subjects.chat("main", "web", CONV),
            subjects.live(subjects.chat("main", "web", CONV)),
            "dead.main.routing",
            "$KV.cursors.routing-0.00",
            "$KV.cursors.adapter-other.00",
            "$KV.leases.routing.0",
            "$KV.leases.adapter.other",
            "$KV.directory.main.agent.eve",
            "$JS.API.DIRECT.GET.KV_directory.$KV.directory.main.agent.emma",
            "$JS.API.CONSUMER.CREATE.KV_sessions.x.>",
            "$JS.API.STREAM.MSG.GET.KV_cursors",
            "$JS.API.STREAM.MSG.GET.DEAD",
            "$JS.API.STREAM.UPDATE.CHAT_00",
            "$JS.API.STREAM.PURGE.CHAT_00",
            "$JS.API.STREAM.MSG.DELETE.CHAT_00",
            "$JS.API.CONSUMER.DELETE.CHAT_00.channel-telegram",
            "rpc.warehouse._.sql",
        ):
            with pytest.raises(ForbiddenError):
                await ours.request_raw(subject, b"{}")
    finally:
        await ours.close()
