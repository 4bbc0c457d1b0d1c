"""The core of routing: who gets what, who is gone, and that heads are rebuilt equal."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.routing.absence import Absence
from adapters.routing.assign import AgentNow, decide
from adapters.routing.heads import Projection
from backbone import events as ev
from backbone.conversation import Head, QueuePlace
from backbone.ids import conversation_id, new_event_id
from backbone.nats.reader import Entry
from backbone.nats.subjects import chat, desk


def waiting(conv: str, at: int, priority: int = 0) -> Head:
    return Head(conv=conv, tenant="main", channel="web", opened_at=at, queue=QueuePlace(at, priority))


def agent(name: str, opened: int = 0, capacity: int = 3, **fields: Any) -> AgentNow:
    return AgentNow(**{"id": name, "state": "online", "present": True, "capacity": capacity, "open": opened, **fields})


def test_the_longest_waiting_goes_to_the_least_loaded() -> None:
    decided = decide([waiting("b", 20), waiting("a", 10)], [agent("li", 2), agent("wang", 0)])
    assert [(d.conv, d.agent) for d in decided] == [("a", "wang"), ("b", "wang")]
    assert decided[0].candidates == {"li": 0.667, "wang": 0.0}


def test_priority_comes_before_waiting() -> None:
    decided = decide([waiting("old", 10), waiting("vip", 20, 50)], [agent("li", 0, 1)])
    assert [d.conv for d in decided] == ["vip"]


def test_equal_load_takes_turns() -> None:
    agents = [agent("li", 0, 9, last_assigned_at=5), agent("wang", 0, 9, last_assigned_at=3)]
    decided = decide([waiting(str(n), n) for n in range(4)], agents)
    assert [d.agent for d in decided] == ["wang", "li", "wang", "li"]


@pytest.mark.parametrize(
    "unfit", [{"state": "away"}, {"state": "offline"}, {"state": "busy"}, {"present": False}, {"open": 3}]
)
def test_who_is_not_online_or_there_or_full_gets_nothing(unfit: dict[str, Any]) -> None:
    assert decide([waiting("a", 1)], [agent("li", **unfit) if "open" not in unfit else agent("li", 3)]) == []


heads_of_queue = st.lists(
    st.builds(waiting, st.uuids().map(str), st.integers(0, 100), st.integers(0, 3)),
    max_size=30,
    unique_by=lambda h: h.conv,
)
crews = st.lists(
    st.builds(agent, st.sampled_from("abcdefgh"), st.integers(0, 5), st.integers(1, 5), present=st.booleans()),
    max_size=6,
    unique_by=lambda a: a.id,
)


@given(heads_of_queue, crews)
def test_nobody_gets_more_than_room_and_nobody_waits_beside_room(queue: list[Head], crew: list[AgentNow]) -> None:
    decided = decide(queue, crew)
    assert len({d.conv for d in decided}) == len(decided)
    room = {a.id: a.capacity - a.open for a in crew if a.has_room()}
    for one in decided:
        room[one.agent] -= 1
    assert all(left >= 0 for left in room.values())
    if len(decided) < len(queue):
        assert not any(room.values())
    assert decided == decide(list(reversed(queue)), list(reversed(crew)))


def test_gone_after_the_grace_from_the_last_session() -> None:
    absence = Absence(60, 0.0)
    absence.here("main", "li", "s1", 100.0)
    absence.here("main", "li", "s2", 100.0)
    absence.left("main", "li", "s1", 110.0, expired=False)
    assert not absence.gone("main", "li", 1000.0)
    absence.left("main", "li", "s2", 120.0, expired=False)
    assert not absence.gone("main", "li", 179.9)
    assert absence.gone("main", "li", 180.0)
    absence.here("main", "li", "s3", 190.0)
    assert not absence.gone("main", "li", 191.0)


def test_a_key_that_ran_out_counts_from_when_it_was_written() -> None:
    absence = Absence(60, 0.0)
    absence.here("main", "li", "s1", 100.0)
    absence.left("main", "li", "s1", 145.0, expired=True)
    assert absence.gone("main", "li", 160.0)


def test_nobody_is_judged_within_the_grace_of_routings_own_connection() -> None:
    absence = Absence(60, 1000.0)
    assert not absence.gone("main", "li", 1059.0)
    assert absence.gone("main", "li", 1060.0)
    absence.connected(1060.0)
    assert not absence.gone("main", "li", 1061.0)


def entries(conversations: int) -> list[Entry]:
    found: list[Entry] = []
    for number in range(conversations):
        conv = conversation_id("main", "web", "somebody", str(number), ["00"])
        common = {"tenant": "main", "channel": "web", "conv": conv, "by": ev.Actor("visitor", "c1")}
        made: list[Any] = [
            ev.ConversationOpened(id=new_event_id(), at=number, inbox="web", contact="c1", **common),
            ev.MessageAdded(id=new_event_id(), at=number, text="hi", **common),
        ]
        if number % 2:
            made.append(ev.ConversationAssigned(id=new_event_id(), at=number, agent="li", **common))
        if number % 3 == 0:
            made.append(ev.ConversationResolved(id=new_event_id(), at=number, **common))
        found += [
            Entry("00", len(found) + n + 1, 0, chat("main", "web", conv), ev.encode(e)) for n, e in enumerate(made)
        ]
    return found


def test_a_projection_restored_from_its_heads_equals_one_built_from_the_log() -> None:
    log = entries(40)
    whole, half = Projection(0, 1), Projection(0, 1)
    for entry in log:
        whole.take(entry, 7)
    for entry in log[:60]:
        half.take(entry, 7)
    resumed = Projection(0, 1)
    for head in half.heads.values():
        resumed.restore(msgspec.json.decode(msgspec.json.encode(head), type=Head))
    for entry in log[50:]:
        resumed.take(entry, 7)
    assert resumed.heads == whole.heads
    assert +resumed.open == +whole.open
    assert resumed.queued == whole.queued


def test_a_message_of_a_visitor_on_a_resolved_conversation_asks_for_reopening() -> None:
    projection = Projection(0, 1)
    log = entries(1)
    for entry in log:
        projection.take(entry, 7)
    conv = ev.parse_envelope(log[0].raw).conv
    assert projection.heads[conv].status == "resolved"
    message = ev.parse(log[1].raw)
    again = msgspec.structs.replace(message, id=new_event_id())
    projection.take(Entry("00", 99, 0, log[0].subject, ev.encode(again)), 7)
    assert list(projection.reopening) == [conv]


def test_the_desks_own_events_tell_states_and_make_no_heads() -> None:
    projection = Projection(0, 1)
    state = ev.AgentStateChanged(
        id="1", tenant="main", channel="desk", conv="li", at=1, by=ev.Actor("agent", "li"), agent="li", state="away"
    )
    projection.take(Entry("00", 1, 0, desk("main", "li"), ev.encode(state)), 7)
    assert projection.states["main", "li"].state == "away"
    assert not projection.heads


def test_an_event_of_a_conversation_whose_beginning_was_not_read_is_a_stranger() -> None:
    projection = Projection(0, 1)
    entry = entries(1)[1]
    projection.take(entry, 7)
    assert list(projection.strangers.values()) == ["main"]
    assert not projection.heads


def test_groups_share_out_the_tenants() -> None:
    groups = [Projection(n, 4) for n in range(4)]
    for tenant in (f"t{n}" for n in range(50)):
        assert sum(p.is_mine(tenant) for p in groups) == 1


def test_a_key_that_should_have_run_out_makes_nobody_present() -> None:
    absence = Absence(60, 0.0)
    absence.here("main", "li", "s1", 100.0)
    absence.here("main", "li", "s2", 140.0)
    assert absence.overdue(150.0, 60) == []
    assert absence.overdue(170.0, 60) == [("main", "li", "s1")]
    assert absence.is_present("main", "li")
    assert absence.overdue(201.0, 60) == [("main", "li", "s2")]
    assert not absence.is_present("main", "li")
    assert absence.gone("main", "li", 201.0)
    assert absence.overdue(300.0, 60) == []
