"""The log on a real nats-server: stored once, in order, or refused; replay; live."""

from __future__ import annotations

import asyncio

import pytest

from backbone import events as ev
from backbone.acks import Stored, WrongSequenceError, place_of
from backbone.errors import TooManyError, TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.streams import ensure, everything
from tests.harness.nats import NatsServer
from tests.harness.waiting import until

pytestmark = pytest.mark.anyio

VISITOR = ev.Actor("visitor", "c" + "a" * 26)


def conversation(number: int = 1) -> str:
    return conversation_id("main", "web", "somebody", f"first message {number}", ["00", "01"])


def message(conv: str, text: str = "你好") -> ev.MessageAdded:
    return ev.MessageAdded(id=new_event_id(), tenant="main", channel="web", conv=conv, at=1, by=VISITOR, text=text)


def opened(conv: str) -> ev.ConversationOpened:
    return ev.ConversationOpened(
        id=new_event_id(), tenant="main", channel="web", conv=conv, at=1, by=VISITOR, inbox="web", contact=VISITOR.id
    )


async def test_an_event_is_stored_once_however_often_it_is_sent(link: Link) -> None:
    log, conv = Log(link), conversation()
    subject = subjects.chat("main", "web", conv)
    event = message(conv)
    first = await log.publish(subject, event)
    second = await log.publish(subject, event)
    assert second == Stored(first.seq, duplicate=True)
    found, more = await log.replay(subject, 0)
    assert [(e.seq, e.raw) for e in found] == [(first.seq, ev.encode(event))]
    assert not more


async def test_a_wrong_expectation_is_refused_and_a_retry_of_a_right_one_is_not(link: Link) -> None:
    log, conv = Log(link), conversation()
    subject = subjects.chat("main", "web", conv)
    first = await log.publish(subject, message(conv), 0)
    event = message(conv)
    stored = await log.publish(subject, event, first.seq)
    assert await log.publish(subject, event, first.seq) == Stored(stored.seq, duplicate=True)
    with pytest.raises(WrongSequenceError):
        await log.publish(subject, message(conv), first.seq)


async def test_a_batch_is_stored_whole_or_not_at_all(link: Link) -> None:
    log, conv = Log(link), conversation()
    subject = subjects.chat("main", "web", conv)
    batch = [opened(conv), message(conv), message(conv)]
    last = await log.publish_batch(subject, batch, 0)
    found = await log.replay_all(subject, 0, 100)
    assert [e.raw for e in found] == [ev.encode(e) for e in batch]
    assert found[-1].seq == last.seq
    with pytest.raises(WrongSequenceError):
        await log.publish_batch(subject, [message(conv), message(conv)], 0)
    assert len(await log.replay_all(subject, 0, 100)) == 3
    assert (await log.publish_batch(subject, batch, 0)).duplicate


async def test_replay_goes_on_where_a_page_ended(link: Link) -> None:
    log, conv, other = Log(link), conversation(1), conversation(1)[:2] + conversation(2)[2:]
    subject = subjects.chat("main", "web", conv)
    sent = []
    for number in range(30):
        await log.publish(subjects.chat("main", "web", other), message(other))
        event = message(conv, f"nr. {number}")
        sent.append(event.id)
        await log.publish(subject, event)
    page, more = await log.replay(subject, 0, 12)
    assert more
    assert len(page) == 12
    found = await log.replay_all(subject, 0, 1000)
    assert [ev.parse(e.raw).id for e in found] == sent
    assert (await log.replay(subject, found[-1].seq)) == ([], False)
    at = await log.at(subject, found[3].seq)
    assert at is not None
    assert at.raw == found[3].raw
    assert await log.at(subject, found[3].seq + 1) is None


async def test_the_last_event_is_found_without_knowing_the_channel(link: Link) -> None:
    log, conv = Log(link), conversation()
    assert await log.last(subjects.any_channel("main", conv)) is None
    stored = await log.publish(subjects.chat("main", "wechat", conv), message(conv))
    last = await log.last(subjects.any_channel("main", conv))
    assert last is not None
    assert (last.seq, last.subject) == (stored.seq, subjects.chat("main", "wechat", conv))
    many = await log.last_of_many(subjects.stream_of(conv), [last.subject, subjects.chat("main", "web", conv)])
    assert {s: e.seq for s, e in many.items()} == {last.subject: stored.seq}


async def test_live_events_carry_the_previous_sequence_and_signals_none(link: Link) -> None:
    log, conv = Log(link), conversation()
    subject = subjects.chat("main", "web", conv)
    came: list[tuple[int, int]] = []
    attached = log.attach(subject, lambda _subject, _reply, header, _data: came.append(place_of(header)))
    first = await log.publish(subject, message(conv))
    other = conversation()[:2] + conversation(9)[2:]
    await log.publish(subjects.chat("main", "web", other), message(other))
    second = await log.publish(subject, message(conv))
    log.signal(subject, b"{}")
    await until(lambda: len(came) == 3)
    assert came == [(first.seq, 0), (second.seq, first.seq), (0, 0)]
    log.detach(attached)
    await log.publish(subject, message(conv))
    await link.flush()
    assert len(came) == 3


async def test_without_a_server_sends_fail_at_once_and_work_again_after(link: Link, nats: NatsServer) -> None:
    log, conv = Log(link), conversation()
    subject = subjects.chat("main", "web", conv)
    came: list[int] = []
    log.attach(subject, lambda _subject, _reply, header, _data: came.append(place_of(header)[0]))
    nats.kill()
    async with asyncio.timeout(30):
        while link.is_usable:
            await asyncio.sleep(0.01)
    with pytest.raises((UnavailableError, UnknownOutcomeError)):
        await log.publish(subject, message(conv))
    nats.start()
    async with asyncio.timeout(30):
        while not link.is_usable:
            await asyncio.sleep(0.01)
    stored = await log.publish(subject, message(conv))
    await until(lambda: bool(came))
    assert came == [stored.seq]


async def test_what_is_unacknowledged_is_bounded(link: Link) -> None:
    log, conv = Log(link, max_unacknowledged=2), conversation()
    subject = subjects.chat("main", "web", conv)
    results: list[Stored | TrunklineError] = []
    log.publish_soon(subject, message(conv), results.append)
    log.publish_soon(subject, message(conv), results.append)
    with pytest.raises(TooManyError):
        log.publish_soon(subject, message(conv), results.append)
    async with asyncio.timeout(30):
        while len(results) < 2:
            await asyncio.sleep(0.01)
    assert [type(r) for r in results] == [Stored, Stored]
    assert log.unacknowledged == 0


async def test_a_subject_without_a_stream_says_unavailable(link: Link) -> None:
    conv = "99" + conversation()[2:]
    with pytest.raises(UnavailableError):
        await Log(link).publish(subjects.chat("main", "web", conv), message(conv))


async def test_ensure_is_safe_to_repeat(link: Link) -> None:
    assert await ensure(link, ["00", "01"]) == []
    assert await ensure(link, ["00", "01", "02"]) == ["CHAT_02"]
    names = {spec.name for spec in everything(["00", "01", "02"])}
    answer = await link.api("STREAM.NAMES", {})
    assert set(answer["streams"]) == names
