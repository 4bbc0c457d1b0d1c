"""Messages that are sent again: stored once however late they come, and `ok` only for what is stored."""

from __future__ import annotations

import time
import uuid

import pytest

from backbone import events as ev
from backbone.ids import new_event_id, new_uuid
from backbone.nats import subjects
from backbone.nats.wire.header import header_block
from tests.harness.log import stored_events
from tests.harness.system import LIN, System
from trunkline.client import RefusedError
from trunkline.connect import connected

pytestmark = pytest.mark.anyio


def id_made(seconds_ago: float) -> str:
    """A UUID of version 7 by a clock that is so many seconds behind (or ahead)."""
    ms = int((time.time() - seconds_ago) * 1000)
    random = uuid.uuid4().int & ((1 << 74) - 1)
    value = ms << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))


async def _store(system: System, conv: str, contact: str, message: str, text: str) -> int:
    """A message as it is in the log once NATS has forgotten its id: stored under another one."""
    event = ev.MessageAdded(
        id=message, tenant="main", channel="web", conv=conv, at=1000, by=ev.Actor("visitor", contact), text=text
    )
    async with connected(system.common, "test") as link:
        reply = await link.request_raw(
            subjects.chat("main", "web", conv), ev.encode(event), header_block(("Nats-Msg-Id", new_uuid()))
        )
    return int(reply.data.partition(b'"seq":')[2].split(b",")[0].rstrip(b"}"))


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        pytest.param(lambda: id_made(90), 3, id="90 seconds"),
        pytest.param(lambda: id_made(86_400), 210, id="a day", marks=pytest.mark.rest),
        pytest.param(lambda: id_made(-3600), 3, id="a clock that is ahead"),
        pytest.param(new_uuid, 3, id="an id that tells no time"),
    ],
)
async def test_a_message_sent_again_after_nats_forgot_it_is_stored_once(
    system: System, message: object, lines: int
) -> None:
    """The same id sent again more than a minute later was stored and shown twice."""
    assert callable(message)
    identity = message()
    async with system.visitor().running() as visitor, system.agent(LIN).running() as agent:
        first = await visitor.send("begin")
        conv = str(first["conv"])
        seq = await _store(system, conv, str(visitor.welcome["me"]["id"]), identity, "once")
        for n in range(lines):
            await agent.send(f"line {n}", conv)
        for nodes in (system.nodes[:1], system.nodes[1:]):
            async with system.visitor(token=visitor.token, nodes=nodes).running() as again:
                told = await again.post({"t": "send", "conv": conv, "kind": "text", "text": "once", "id": identity})
                assert (told["seq"], told["at"]) == (seq, 1000)
    assert sum(e.event["id"] == identity for e in await stored_events(system, conv)) == 1


async def test_a_first_message_sent_again_tells_when_it_was_stored(system: System) -> None:
    async with system.visitor().running() as visitor:
        frame = {"t": "send", "conv": None, "kind": "text", "text": "begin", "id": new_event_id()}
        first = await visitor.post(frame)
        again = await visitor.post(frame)
        assert {k: again[k] for k in ("seq", "conv", "at")} == {k: first[k] for k in ("seq", "conv", "at")}


async def test_a_message_that_named_no_conversation_is_found_in_the_one_before(system: System) -> None:
    """Sent again as it was, it was stored in the contact's next conversation once more."""
    identity = id_made(3600)
    async with system.visitor().running() as visitor:
        conv = str((await visitor.send("begin"))["conv"])
        seq = await _store(system, conv, str(visitor.welcome["me"]["id"]), identity, "once")
        closed = ev.ConversationClosed(
            id=new_uuid(), tenant="main", channel="web", conv=conv, at=2000, by=ev.Actor("system", "routing")
        )
        async with connected(system.common, "test") as link:
            await link.request_raw(subjects.chat("main", "web", conv), ev.encode(closed), None)
        second = str((await visitor.send("anew"))["conv"])
        assert second != conv
        told = await visitor.post({"t": "send", "conv": None, "kind": "text", "text": "once", "id": identity})
        assert (told["conv"], told["seq"], told["at"]) == (conv, seq, 1000)
        with pytest.raises(RefusedError) as other_text:
            await visitor.post({"t": "send", "conv": None, "kind": "text", "text": "another", "id": identity})
        assert other_text.value.code == "id.taken"
        later = await visitor.post({"t": "send", "conv": None, "kind": "text", "text": "late", "id": id_made(3600)})
        assert later["conv"] == second
    assert [e.event["id"] for e in await stored_events(system, second)].count(identity) == 0


@pytest.mark.parametrize("made", [new_event_id, new_uuid])
@pytest.mark.parametrize("is_first", [True, False])
async def test_an_id_that_another_message_has_is_refused_and_not_said_to_be_stored(
    system: System, made: object, *, is_first: bool
) -> None:
    """The same id with another text got `ok`, and the new text was nowhere."""
    assert callable(made)
    identity = made()
    async with system.visitor().running() as visitor, system.agent(LIN).running() as agent:
        conv = None if is_first else str((await visitor.send("begin"))["conv"])
        stored = await visitor.post({"t": "send", "conv": conv, "kind": "text", "text": "one", "id": identity})
        with pytest.raises(RefusedError) as other_text:
            await visitor.post({"t": "send", "conv": conv, "kind": "text", "text": "another", "id": identity})
        with pytest.raises(RefusedError) as other_author:
            await agent.post({"t": "send", "conv": stored["conv"], "kind": "text", "text": "one", "id": identity})
    assert (other_text.value.code, other_author.value.code) == ("id.taken", "id.taken")
    texts = [e.event.get("text") for e in await stored_events(system, str(stored["conv"]))]
    assert texts.count("one") == 1
    assert "another" not in texts
