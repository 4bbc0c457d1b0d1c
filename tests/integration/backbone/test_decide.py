"""Decisions on a real log: an act whose answer was lost is done once, and is not refused when it is asked again."""

from __future__ import annotations

import msgspec
import pytest

from backbone import events as ev
from backbone.acts import Asked, Decision
from backbone.conversation import Head, empty
from backbone.decide import decide, read_head
from backbone.errors import ConflictError
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from tests.integration.backbone.conftest import STREAMS

pytestmark = pytest.mark.anyio

VISITOR = ev.Actor("visitor", "c" + "a" * 26)


def act(do: str, agent: str = "lin") -> Decision:
    what = msgspec.convert({"do": do, "agent": agent}, Asked)
    return Decision(id=new_event_id(), act=what, by=ev.Actor("agent", agent), at=1, agent=agent)


async def opened(log: Log) -> Head:
    conv = conversation_id("main", "web", "somebody", new_event_id(), STREAMS)
    event = ev.ConversationOpened(
        id=new_event_id(), tenant="main", channel="web", conv=conv, at=1, by=VISITOR, inbox="web", contact=VISITOR.id
    )
    await log.publish(subjects.chat("main", "web", conv), event, 0)
    return await now(log, empty("main", "web", conv))


async def now(log: Log, head: Head) -> Head:
    found = await read_head(log, head.tenant, head.conv, None)
    assert found is not None
    return found


async def test_a_stored_act_is_not_refused_by_what_it_did_itself(link: Link) -> None:
    log = Log(link)
    head = (await decide(log, await opened(log), act("take"))).head
    for one in (act("release"), act("take"), act("resolve"), act("reopen")):
        done = await decide(log, head, one)
        again = await decide(log, await now(log, head), one)
        assert again.seq in {done.seq, done.seq - 1}
        head = await now(log, head)
        assert head.seq == done.seq


async def test_a_stored_act_is_not_done_again_after_others_made_it_legal(link: Link) -> None:
    log = Log(link)
    head = (await decide(log, await opened(log), act("take"))).head
    released = act("release")
    first = await decide(log, head, released)
    taken = await decide(log, first.head, act("take"))
    again = await decide(log, taken.head, released)
    assert again.seq in {first.seq, first.seq - 1}
    assert (await now(log, head)).agent == "lin"


async def test_what_somebody_else_did_is_a_conflict_that_names_it(link: Link) -> None:
    log = Log(link)
    head = await opened(log)
    await decide(log, head, act("take", "emma"))
    with pytest.raises(ConflictError) as refused:
        await decide(log, await now(log, head), act("take"))
    assert refused.value.code == "conversation.taken"
    assert b'"agent":"emma"' in (refused.value.decided_by or b"")


async def test_a_message_under_the_id_of_an_act_is_not_taken_for_it(link: Link) -> None:
    """Visitors who guessed the ids of routing's decisions kept a customer waiting: each was "done" already."""
    log = Log(link)
    head = await opened(log)
    taking = act("take")
    forged = ev.MessageAdded(
        id=taking.id, tenant="main", channel="web", conv=head.conv, at=1, by=VISITOR, text="not a decision"
    )
    await log.publish(subjects.chat("main", "web", head.conv), forged)
    for known in (head, await now(log, head)):
        with pytest.raises(ConflictError) as refused:
            await decide(log, known, taking)
        assert refused.value.code == "id.used"
    decided = await decide(log, await now(log, head), act("take"))
    assert decided.head.agent == "lin"
