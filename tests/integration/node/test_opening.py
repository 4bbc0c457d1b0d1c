"""A message without a conversation: one conversation per contact, whoever was overtaken by whom."""

from __future__ import annotations

import asyncio

import pytest

from backbone import contacts, directory, opening
from backbone import events as ev
from backbone.conversation import Head
from backbone.decide import read_head
from backbone.errors import ConflictError
from backbone.ids import conversation_id, new_contact_id, new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from tests.harness.system import INBOX, TENANT, System
from trunkline.connect import connected

pytestmark = pytest.mark.anyio
STREAMS = ["00", "01"]


def message(contact: str, text: str, at: int = 1000) -> opening.Message:
    return opening.Message(
        id=new_event_id(),
        tenant=TENANT,
        inbox=directory.Inbox(id=INBOX, channel="web", name="Web", reopen_window_s=60),
        contact=contact,
        contact_name="",
        source=ev.Source(),
        by=ev.Actor("visitor", contact),
        at=at,
        kind="text",
        text=text,
        attachments=[],
    )


def derived(one: opening.Message) -> str:
    return conversation_id(TENANT, INBOX, one.contact, one.id, STREAMS)


async def claim(link: Link, one: opening.Message) -> None:
    """What is left of a writer that died, or was overtaken, between the key and the batch."""
    key = contacts.open_key(TENANT, INBOX, one.contact)
    await contacts.contacts(link).create(key, contacts.OpenConversation(conv=derived(one), opened_by=one.id))


async def texts(log: Log, conv: str) -> list[str]:
    found = await log.replay_all(subjects.chat(TENANT, "web", conv), 0, 100)
    events = [ev.parse(e.raw) for e in found]
    assert isinstance(events[0], ev.ConversationOpened)
    return [e.text for e in events if isinstance(e, ev.MessageAdded)]


async def test_who_claimed_and_was_overtaken_writes_into_what_the_other_began(system: System) -> None:
    async with connected(system.common, "test") as link:
        log, contact = Log(link), new_contact_id()
        first, second = message(contact, "claimed"), message(contact, "completed")
        await claim(link, first)
        placed = await opening.place(link, log, STREAMS, second)
        assert placed.conv == derived(first)
        again = await opening.place(link, log, STREAMS, first)
        assert again.conv == placed.conv
        assert await texts(log, placed.conv) == ["completed", "claimed"]
        for one in (first, second):
            assert (await opening.place(link, log, STREAMS, one)).conv == placed.conv
        assert await texts(log, placed.conv) == ["completed", "claimed"]


async def test_many_writers_of_one_contact_at_once_have_one_conversation(system: System) -> None:
    async with connected(system.common, "test") as link:
        log, contact = Log(link), new_contact_id()
        many = [message(contact, str(n)) for n in range(6)]
        placed = await asyncio.gather(*(opening.place(link, log, STREAMS, one) for one in many))
        assert len({p.conv for p in placed}) == 1
        assert sorted(await texts(log, placed[0].conv)) == sorted(one.text for one in many)


async def test_a_conversation_closed_for_good_is_followed_by_another(system: System) -> None:
    async with connected(system.common, "test") as link:
        log, contact = Log(link), new_contact_id()
        first = await opening.place(link, log, STREAMS, message(contact, "first"))
        head = await read_head(log, TENANT, first.conv, None)
        assert isinstance(head, Head)
        resolved = ev.ConversationResolved(
            id=new_event_id(), tenant=TENANT, channel="web", conv=first.conv, at=2000, by=ev.Actor("agent", "li")
        )
        await log.publish(subjects.chat(TENANT, "web", first.conv), resolved, head.seq)
        within = await opening.place(link, log, STREAMS, message(contact, "soon", at=3000))
        assert within.conv == first.conv
        later = await opening.place(link, log, STREAMS, message(contact, "late", at=2000 + 61_000))
        assert later.conv != first.conv
        opened = await read_head(log, TENANT, later.conv, None)
        assert opened is not None
        assert opened.previous == first.conv


async def test_a_message_whose_own_conversation_was_completed_and_closed_meanwhile_is_told(system: System) -> None:
    async with connected(system.common, "test") as link:
        log, contact = Log(link), new_contact_id()
        late = message(contact, "late", at=100_000)
        await claim(link, late)
        placed = await opening.place(link, log, STREAMS, message(contact, "completed"))
        closed = ev.ConversationClosed(
            id=new_event_id(), tenant=TENANT, channel="web", conv=placed.conv, at=2000, by=ev.Actor("agent", "li")
        )
        await log.publish(subjects.chat(TENANT, "web", placed.conv), closed)
        with pytest.raises(ConflictError, match="as a new one"):
            await opening.place(link, log, STREAMS, late)
