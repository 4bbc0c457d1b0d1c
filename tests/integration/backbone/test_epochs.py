"""A new epoch in a real stream: begun once for each time that the log went back, whoever notices."""

from __future__ import annotations

import pytest

from backbone import events as ev
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.epochs import begin, stream_state
from backbone.nats.link import Link
from backbone.nats.streams import chat_stream

pytestmark = pytest.mark.anyio

STREAM = chat_stream("00")


async def store(link: Link) -> None:
    conv = conversation_id("main", "web", "somebody", "first", ["00"])
    by = ev.Actor("visitor", "c" + "a" * 26)
    event = ev.MessageAdded(id=new_event_id(), tenant="main", channel="web", conv=conv, at=1, by=by, text="x")
    await Log(link).publish(subjects.chat("main", "web", conv), event)


async def test_who_comes_second_finds_the_epoch_that_the_first_began(link: Link) -> None:
    await store(link)
    before = (await stream_state(link, STREAM)).epochs
    first = await begin(link, STREAM, before.now, 10, 2_000_000_000)
    assert first.epochs.stretches == (*before.stretches, (2_000_000_000, 2))
    await store(link)
    second = await begin(link, STREAM, before.now, 12, 2_000_000_005)
    assert second.epochs == first.epochs


async def test_a_log_that_goes_back_again_gets_another_epoch(link: Link) -> None:
    await store(link)
    before = (await stream_state(link, STREAM)).epochs
    first = await begin(link, STREAM, before.now, 10, 2_000_000_000)
    await store(link)
    again = await begin(link, STREAM, first.epochs.now, 20, 2_000_000_009)
    assert again.epochs.stretches == (*first.epochs.stretches, (2_000_000_009, 3))


async def test_nothing_begins_where_nothing_was_lost(link: Link) -> None:
    await store(link)
    before = await stream_state(link, STREAM)
    assert await begin(link, STREAM, before.epochs.now, 1, 2_000_000_000) == before
