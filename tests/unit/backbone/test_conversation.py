"""The head's fold, and what may follow."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from backbone import acts
from backbone import events as ev
from backbone.acts import Decision, Refusal, plan
from backbone.conversation import Head, closed_for_good, empty, fold, seen_by_visitor, shown_to_visitor
from backbone.ids import derived_event_id, new_event_id

CONV = "00" + "a" * 26
VISITOR = ev.Actor("visitor", "c" + "a" * 26)
LI = ev.Actor("agent", "li", "Li Wei")


def event(kind: type[Any], at: int = 1000, by: ev.Actor = VISITOR, **fields: Any) -> Any:
    return kind(id=fields.pop("id", new_event_id()), tenant="main", channel="web", conv=CONV, at=at, by=by, **fields)


def folded(*events: Any) -> Head:
    head = empty("main", "web", CONV)
    for seq, one in enumerate(events, start=1):
        head = fold(head, one, seq, 7)
    return head


OPENED = event(ev.ConversationOpened, at=1000, inbox="web", contact=VISITOR.id)


def test_an_opened_conversation_waits_in_the_queue() -> None:
    head = folded(OPENED, event(ev.MessageAdded, at=1001, text="你好" * 100))
    assert (head.status, head.agent, head.inbox, head.contact.id) == ("queued", "", "web", VISITOR.id)
    assert head.queue is not None
    assert head.queue.at == 1000
    assert (head.waiting_since, head.n, head.seq, head.epoch) == (1001, 1, 2, 7)
    assert head.last is not None
    assert len(head.last.text) == 120


def test_taking_answering_and_resolving() -> None:
    head = folded(
        OPENED,
        event(ev.MessageAdded, at=1001, text="hi"),
        event(ev.QueueLeft, outcome="accepted"),
        event(ev.ConversationAssigned, by=LI, agent="li"),
    )
    assert (head.status, head.agent, head.queue) == ("open", "li", None)
    assert head.waiting_since == 1001
    head = fold(head, event(ev.MessageAdded, by=LI, at=1002, text="note", note=True), 5)
    assert (head.waiting_since, head.n) == (1001, 1)
    head = fold(head, event(ev.MessageAdded, by=LI, at=1003, text="hello"), 6)
    assert (head.waiting_since, head.n) == (0, 2)
    head = fold(head, event(ev.ConversationResolved, by=LI, at=2000), 7)
    assert (head.status, head.resolved_at, head.agent) == ("resolved", 2000, "li")
    assert not closed_for_good(head, 3000, 10_000)
    assert closed_for_good(head, 12_001, 10_000)
    head = fold(head, event(ev.ConversationReopened, agent="li", at=2500), 8)
    assert (head.status, head.agent, head.resolved_at) == ("open", "li", 0)


def test_a_list_shows_the_last_message_as_it_is_by_now() -> None:
    said = event(ev.MessageAdded, text="tomorow")
    better = event(ev.MessageEdited, target=said.id, text="tomorrow")
    other = event(ev.MessageEdited, target=new_event_id(), text="another's")
    back = event(ev.MessageRecalled, target=said.id)
    late = event(ev.MessageEdited, target=said.id, text="too late")
    lasts = [folded(OPENED, said, better, other).last, folded(OPENED, said, better, back, late).last]
    assert [(last.text, last.recalled) for last in lasts if last] == [("tomorrow", False), ("", True)]


def test_work_given_back_keeps_its_waiting_time() -> None:
    head = folded(
        OPENED,
        event(ev.ConversationAssigned, by=LI, agent="li"),
        event(ev.ConversationReleased, agent="li", why="agent_gone", at=9000),
        event(ev.QueueEntered, since=1000, at=9000),
    )
    assert (head.status, head.agent) == ("queued", "")
    assert head.queue is not None
    assert head.queue.at == 1000


def test_an_event_at_or_below_the_head_changes_nothing() -> None:
    head = folded(OPENED, event(ev.MessageAdded, text="hi"))
    assert fold(head, event(ev.ConversationClosed), 2) is head


def test_every_200th_event_is_a_step_and_50_are_kept() -> None:
    head = fold(empty("main", "web", CONV), OPENED, 1)
    for seq in range(2, 10_600):
        head = fold(head, event(ev.ReadMarked, reader="visitor", read=1), seq)
    assert len(head.steps) == 50
    assert head.steps[-1] == 10_401
    assert head.steps[-2] == 10_201


def test_an_unknown_type_moves_the_sequence_only() -> None:
    head = folded(OPENED)
    unknown = ev.Envelope(id="x", type="robot.waved", tenant="main", channel="web", conv=CONV, at=1, by=LI)
    after = fold(head, unknown, 2)
    assert (after.seq, after.status) == (2, head.status)


@given(st.lists(st.sampled_from(sorted(ev.TYPES)), max_size=30))
def test_any_order_of_events_folds_and_survives_being_stored(tags: list[str]) -> None:
    samples = {
        "conversation.opened": OPENED,
        "conversation.assigned": event(ev.ConversationAssigned, by=LI, agent="li"),
        "conversation.resolved": event(ev.ConversationResolved, by=LI),
        "conversation.closed": event(ev.ConversationClosed, by=LI),
        "queue.entered": event(ev.QueueEntered),
        "queue.left": event(ev.QueueLeft, outcome="accepted"),
        "message.added": event(ev.MessageAdded, text="x"),
        "conversation.tagged": event(ev.ConversationTagged, added=["vip"], removed=["new"]),
        "conversation.snoozed": event(ev.ConversationSnoozed, until=5000),
    }
    direct = stored = empty("main", "web", CONV)
    for seq, tag in enumerate(tags, start=1):
        one = samples.get(tag, OPENED)
        direct = fold(direct, one, seq)
        stored = fold(stored, ev.parse(ev.encode(one)), seq)
    assert direct == stored
    assert direct.seq == len(tags)
    assert (direct.status == "queued") <= (direct.agent == "" or direct.status != "open")


QUEUED = folded(OPENED)
TAKEN = fold(QUEUED, event(ev.ConversationAssigned, by=LI, agent="li"), 2)
RESOLVED = fold(TAKEN, event(ev.ConversationResolved, by=LI), 3)
CLOSED = fold(RESOLVED, event(ev.ConversationClosed, by=LI), 4)


@pytest.mark.parametrize(
    ("head", "act", "agent", "refusal"),
    [
        (QUEUED, "take", "li", None),
        (TAKEN, "take", "li", "conversation.yours_already"),
        (TAKEN, "take", "wang", "conversation.taken"),
        (TAKEN, "assign", "wang", None),
        (TAKEN, "assign", "li", "conversation.assigned_already"),
        (RESOLVED, "take", "wang", "conversation.resolved"),
        (RESOLVED, "resolve", "", "conversation.resolved"),
        (RESOLVED, "reopen", "li", None),
        (QUEUED, "reopen", "li", "conversation.not_resolved"),
        (TAKEN, "release", "wang", "conversation.not_yours"),
        (TAKEN, "release", "li", None),
        (TAKEN, "resolve", "", None),
        (CLOSED, "take", "li", "conversation.closed"),
        (CLOSED, "resolve", "", "conversation.closed"),
    ],
)
def test_what_may_follow(head: Head, act: str, agent: str, refusal: str | None) -> None:
    what = msgspec.convert({"do": act, "agent": agent}, acts.Asked)
    assert acts.refusal(head, what, agent) == refusal
    planned = plan(head, Decision(id=new_event_id(), act=what, by=LI, at=5000, agent=agent))
    assert isinstance(planned, Refusal) == (refusal is not None)


def test_each_act_has_a_rule_and_each_refusal_a_sentence() -> None:
    assert set(acts.RULES) == set(get_args(acts.Act))
    codes = {code for rule in acts.RULES.values() for _, code in rule.refusals} | {acts.CLOSED}
    assert codes == set(acts.SAID)
    assert set(get_args(acts.Asked)) == set(get_args(acts.Act)) - {acts.Close}


def test_a_take_is_one_batch_that_leaves_the_queue_and_a_retry_makes_the_same_ids() -> None:
    act = Decision(id=new_event_id(), act=acts.Take(), by=LI, at=5000, agent="li")
    first, second = plan(QUEUED, act), plan(QUEUED, act)
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert [e.id for e in first] == [e.id for e in second] == [derived_event_id(act.id, "queue.left"), act.id]
    after = folded(OPENED, *first)
    assert (after.status, after.agent, after.queue) == ("open", "li", None)


def test_what_is_given_back_waits_from_when_the_customer_began_to() -> None:
    waiting = structs.replace(TAKEN, waiting_since=1000)
    release = Decision(id=new_event_id(), act=acts.Release(), by=LI, at=5000, agent="li")

    def since(head: Head, decision: Decision) -> int:
        planned = plan(head, decision)
        assert isinstance(planned, list)
        (entered,) = [one for one in planned if isinstance(one, ev.QueueEntered)]
        return entered.since

    assert since(waiting, structs.replace(release, since=700)) == 700
    assert since(waiting, release) == 1000
    assert since(structs.replace(TAKEN, waiting_since=0), release) == 5000
    reopen = Decision(id=new_event_id(), act=acts.Reopen(), by=LI, at=6000)
    assert since(structs.replace(RESOLVED, waiting_since=2000), reopen) == 2000
    assert since(structs.replace(RESOLVED, waiting_since=0), reopen) == 6000


def test_what_is_reopened_by_an_agent_is_theirs_and_by_nobody_waits() -> None:
    def reopened(agent: str) -> list[ev.Event]:
        planned = plan(RESOLVED, Decision(id=new_event_id(), act=acts.Reopen(), by=LI, at=5000, agent=agent))
        assert isinstance(planned, list)
        return planned

    assert [type(one) for one in reopened("li")] == [ev.ConversationReopened]
    assert [type(one) for one in reopened("")] == [ev.ConversationReopened, ev.QueueEntered]


def test_visitors_see_no_notes_and_no_assignments() -> None:
    assert shown_to_visitor(event(ev.MessageAdded, text="x"))
    assert not shown_to_visitor(event(ev.MessageAdded, text="x", note=True))
    assert not shown_to_visitor(event(ev.MessageEdited, target="x", text="y", note=True))
    assert not shown_to_visitor(event(ev.ConversationAssigned, agent="li"))
    unknown = {"id": "x", "tenant": "main", "channel": "web", "conv": CONV, "at": 1, "by": LI}
    assert not shown_to_visitor(ev.Envelope(type="message.whispered", **unknown))
    assert not shown_to_visitor(ev.Envelope(type="robot.waved", **unknown))


def test_a_conversation_becomes_that_of_the_user_who_signed_in() -> None:
    merged = event(ev.ContactMerged, contact="c" + "b" * 26, name="Li", merged=VISITOR.id)
    head = folded(OPENED, merged)
    assert (head.contact.id, head.contact.name) == ("c" + "b" * 26, "Li")
    assert folded(OPENED, event(ev.ContactMerged, contact="x", merged="another")).contact.id == VISITOR.id
    assert not shown_to_visitor(merged)


def test_a_contact_is_called_what_the_platform_tells_later() -> None:
    linked = event(ev.ContactLinked, contact=VISITOR.id, name="小李")
    assert folded(OPENED, linked).contact.name == "小李"
    nameless = event(ev.ContactLinked, contact=VISITOR.id)
    another = event(ev.ContactLinked, contact="c" + "b" * 26, name="Wang")
    assert folded(OPENED, linked, nameless, another).contact.name == "小李"


def test_a_head_stays_small_whatever_is_mentioned_tagged_read_and_named() -> None:
    """22 notes with 50 long mentions each made a head of over 1 MiB, and routing stopped for all tenants."""
    head, seq = empty("main", "web", "00" + "a" * 26), 0
    for number in range(60):
        names = [f"{number}-{n}-" + "x" * 40 for n in range(50)]
        for event in (
            ev.ConversationOpened(**_about(), inbox="web", contact="c", contact_name="n" * 100_000),
            ev.MessageAdded(**_about(), text="x" * 16_000, note=True, mentions=[*names, "y" * 90_000]),
            ev.ConversationTagged(**_about(), added=[*names, "z" * 90_000]),
            ev.ReadMarked(**_about(), reader=f"agent{number}" + "r" * 30, read=seq + 1),
            ev.ReadMarked(**_about(), reader="r" * 90_000, read=seq + 1),
        ):
            seq += 1
            head = fold(head, event, seq)
    assert len(msgspec.json.encode(head)) < 64 * 1024
    assert names[-1] in head.mentions
    assert head.read[f"agent{59}" + "r" * 30]


def _about() -> dict[str, Any]:
    by = ev.Actor("agent", "lin")
    return {"id": new_event_id(), "tenant": "main", "channel": "web", "conv": "00" + "a" * 26, "at": 1, "by": by}


@pytest.mark.parametrize(
    ("kind", "internal", "fields"),
    [
        (ev.ConversationOpened, {"attributes": {"risk": "high"}}, {"inbox": "web", "contact": VISITOR.id}),
        (ev.ConversationResolved, {"reason": "a nuisance", "wrapup": "fraud"}, {}),
        (ev.ConversationReopened, {"reason": "wrong colleague"}, {"agent": "li"}),
        (ev.ConversationClosed, {"reason": "spam"}, {}),
        (
            ev.DeliveryUpdated,
            {"provider": "x", "error": ev.ProviderError(code="channel.paused", text="the key has ended")},
            {"target": "m", "state": "failed"},
        ),
    ],
)
def test_what_is_for_colleagues_stays_out_of_what_a_visitor_gets(
    kind: type[Any], internal: dict[str, Any], fields: dict[str, Any]
) -> None:
    whole, shown = event(kind, id="e", **fields, **internal), event(kind, id="e", **fields)
    stored = ev.encode(whole)
    # A later version adds a field: this one doesn't know whether it is for colleagues.
    newer = stored[:-1] + b',"verdict":"a nuisance"}'
    for raw in (stored, newer):
        seen = seen_by_visitor(ev.parse(raw), raw)
        assert seen is not None
        assert {k: v for k, v in json.loads(seen).items() if k != "salt"} == {
            k: v for k, v in json.loads(ev.encode(shown)).items() if k != "salt"
        }


def test_a_message_is_the_stored_bytes_for_everybody_and_a_note_for_no_visitor() -> None:
    message, note = event(ev.MessageAdded, text="hello"), event(ev.MessageAdded, text="a nuisance", note=True)
    raw = ev.encode(message)
    assert seen_by_visitor(message, raw) is raw
    assert seen_by_visitor(note, ev.encode(note)) is None
