"""Histories with one planted fault each: every one must be refused by its name; clean ones are accepted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults import history as h
from tests.faults.checker import check, projections_are_disposable
from tests.faults.transitions import State
from tests.faults.world import Event, World, gather
from tests.unit.faults.perfect import Perfect

CONV = "00talk"
OTHER = "00other"


def day() -> Perfect:
    """A visitor and an agent of `main` talk; another tenant's visitor looks elsewhere."""
    system = Perfect()
    system.say("v0", CONV)
    system.look("v0", CONV)
    system.look("a0", CONV)
    system.act("a0", CONV, "take")
    for _ in range(3):
        system.say("v0", CONV)
        system.say("a0", CONV)
    system.say("v1", OTHER)
    system.look("v1", OTHER)
    system.act("a0", CONV, "resolve")
    return system


def names(world: World) -> set[str]:
    return {f"{one.invariant} {one.name}" for one in check(world)}


def spoilt(spoil: Callable[[Perfect], None]) -> set[str]:
    system = day()
    spoil(system)
    return names(system.world())


def index(system: Perfect, wanted: Callable[[h.AnyRecord], bool]) -> int:
    return next(n for n, record in enumerate(system.records) if wanted(record))


def shown(system: Perfect, viewer: str) -> list[int]:
    return [n for n, r in enumerate(system.records) if isinstance(r, h.Applied) and r.viewer == viewer]


def a_message(system: Perfect) -> Event:
    return next(e for e in system.log[CONV] if e.body["type"] == "message.added" and e.seq > 5)


def test_a_clean_history_is_accepted() -> None:
    assert names(day().world()) == set()


def test_unanswered_posts_may_be_stored_or_not() -> None:
    system = day()
    system.say("v0", CONV, "unknown")
    system.records.append(h.Invoked(system.now(), "never", "v0", "send", CONV, "lost on the way"))
    assert names(system.world()) == set()


def lost(system: Perfect) -> None:
    gone = a_message(system)
    system.log[CONV].remove(gone)
    system.records = [r for r in system.records if not (isinstance(r, h.Applied) and r.event == gone.id)]


def doubled(system: Perfect) -> None:
    again = a_message(system)
    for viewer in ("v0", "a0"):
        system.leave(viewer, CONV)
    system.store(CONV, "message.added", again.id, "main", **{k: again.body[k] for k in ("by", "text")})


def doubled_elsewhere(system: Perfect) -> None:
    again = a_message(system)
    system.store("00third", "conversation.opened", "third", "main")
    system.store("00third", "message.added", again.id, "main", **{k: again.body[k] for k in ("by", "text")})


def changed(system: Perfect) -> None:
    a_message(system).body["text"] += " "


def by_another(system: Perfect) -> None:
    a_message(system).body["by"] = {"kind": "agent", "id": "person-a1"}


def invented(system: Perfect) -> None:
    system.store(CONV, "message.added", "nobody", "main", by={"kind": "visitor", "id": "person-v0"}, text="boo")


def refused_but_stored(system: Perfect) -> None:
    op = a_message(system).id
    at = index(system, lambda r: isinstance(r, h.Completed) and r.op == op)
    system.records[at] = h.Completed(system.records[at].at, op, "fail", CONV, 0, "conflict")  # type: ignore[union-attr]


def shown_twice(system: Perfect) -> None:
    at = shown(system, "v0")[2]
    system.records.insert(at + 1, system.records[at])


def swapped(system: Perfect) -> None:
    first, second = shown(system, "a0")[3:5]
    system.records[first], system.records[second] = system.records[second], system.records[first]


def gap(system: Perfect) -> None:
    del system.records[shown(system, "v0")[2]]


def behind(system: Perfect) -> None:
    del system.records[shown(system, "a0")[-1]]


def late_start(system: Perfect) -> None:
    del system.records[shown(system, "a0")[0]]


def shown_wrongly(system: Perfect) -> None:
    system.records.append(h.Applied("a0", CONV, 1, 999, "never-stored"))


def order_in_time(system: Perfect) -> None:
    first, second = (e for e in system.log[CONV] if e.id in {"m3", "m4"})
    log = system.log[CONV]
    one, two = log.index(first), log.index(second)
    log[one], log[two] = Event(first.seq, second.id, second.body), Event(second.seq, first.id, first.body)
    seqs = {second.id: first.seq, first.id: second.seq}
    for n, record in enumerate(system.records):
        if isinstance(record, h.Completed) and record.op in seqs:
            system.records[n] = h.Completed(record.at, record.op, "ok", CONV, seqs[record.op])
    for viewer in ("v0", "a0"):
        places = [n for n in shown(system, viewer) if system.records[n].event in seqs]  # type: ignore[union-attr]
        for n, event in zip(places, (second.id, first.id), strict=True):
            system.records[n] = h.Applied(viewer, CONV, 1, seqs[event], event)


def two_owners(system: Perfect) -> None:
    system.say("v0", "00third")
    system.act("a0", "00third", "take")
    system.store(
        "00third", "conversation.assigned", "again", "main", agent="person-a1", reason={"rule": "take"}, previous=""
    )


def taken_from_under(system: Perfect) -> None:
    system.say("v0", "00third")
    system.act("a0", "00third", "take")
    system.store(
        "00third",
        "conversation.assigned",
        "again",
        "main",
        agent="person-a1",
        reason={"rule": "fewest_open"},
        previous="person-a0",
    )


def illegal_transition(system: Perfect) -> None:
    system.act("a0", CONV, "resolve")


def opened_twice(system: Perfect) -> None:
    system.store(CONV, "conversation.opened", "again", "main")


def released_by_another(system: Perfect) -> None:
    system.say("v0", "00third")
    system.act("a0", "00third", "take")
    system.store("00third", "conversation.released", "not-theirs", "main", agent="person-a1")


def leaked(system: Perfect) -> None:
    system.records.append(h.Carried("v0", "acme"))


def leaked_into_the_log(system: Perfect) -> None:
    system.store(CONV, "conversation.tagged", "tag", "acme")


def ghost(system: Perfect) -> None:
    system.say("v0", "00third")
    system.act("a0", "00third", "take")
    system.records.append(h.Crew("main", "person-a0", present=False, capacity=6))
    system.records.append(h.Crew("acme", "person-a1", present=False, capacity=6))


def waits_with_room(system: Perfect) -> None:
    system.records.append(h.Crew("main", "person-a0", present=True, capacity=6))
    system.say("v0", "00third")


def grew(system: Perfect) -> None:
    system.records.append(h.Measured("node0", "fds", 81, 80))


def acknowledged_in_outage(system: Perfect) -> None:
    since = system.now()
    system.say("v0", CONV)
    system.records.append(h.Outage(since, system.now()))


def ready_in_outage(system: Perfect) -> None:
    since = system.now()
    system.records.append(h.Outage(since, since + 9))
    system.records.append(h.Probed(since + 5, "node0", ready=True))


def silent_in_outage(system: Perfect) -> None:
    since = system.now()
    system.records.append(h.Invoked(system.now(), "waits", "v0", "send", CONV, "hello?"))
    system.records.append(h.Outage(since, since + 20))


def other_code_in_outage(system: Perfect) -> None:
    since = system.now()
    at = system.now()
    system.records.append(h.Invoked(at, "waits", "v0", "send", CONV, "hello?"))
    system.records.append(h.Refused(at + 0.1, "waits", "internal.error"))
    system.records.append(h.Outage(since, since + 4))


PLANTED = [
    (lost, "I1 lost"),
    (doubled, "I1 doubled"),
    (doubled_elsewhere, "I1 doubled"),
    (changed, "I1 changed"),
    (by_another, "I1 changed"),
    (invented, "I1 invented"),
    (refused_but_stored, "I1 refused_but_stored"),
    (shown_twice, "I2 shown_twice"),
    (swapped, "I3 swapped"),
    (gap, "I3 gap"),
    (behind, "I3 behind"),
    (late_start, "I3 late_start"),
    (shown_wrongly, "I3 shown_wrongly"),
    (order_in_time, "I3 order_in_time"),
    (two_owners, "I4 two_owners"),
    (taken_from_under, "I4 two_owners"),
    (illegal_transition, "I4 illegal_transition"),
    (opened_twice, "I4 illegal_transition"),
    (released_by_another, "I4 illegal_transition"),
    (leaked, "I5 leaked"),
    (leaked_into_the_log, "I5 leaked"),
    (ghost, "I6 ghost"),
    (waits_with_room, "I6 waits_with_room"),
    (grew, "I11 grew"),
    (acknowledged_in_outage, "I12 acknowledged_in_outage"),
    (ready_in_outage, "I12 ready_in_outage"),
    (silent_in_outage, "I12 silent_in_outage"),
    (other_code_in_outage, "I12 other_code_in_outage"),
]


@pytest.mark.parametrize(("spoil", "name"), PLANTED, ids=[spoil.__name__ for spoil, _ in PLANTED])
def test_a_planted_fault_is_refused_by_its_name(spoil: Callable[[Perfect], None], name: str) -> None:
    assert spoilt(spoil) == {name}


def test_a_projection_that_came_back_different_is_refused() -> None:
    kept = {"a": 1, "b": 2}
    assert list(projections_are_disposable(kept, dict(kept))) == []
    for rebuilt in ({"a": 1}, {"a": 1, "b": 3}, {**kept, "c": 4}):
        assert [v.name for v in projections_are_disposable(kept, rebuilt)] == ["projection_differs"]


def test_a_take_of_what_one_has_stores_nothing_and_is_right() -> None:
    system = day()
    system.say("v0", "00third")
    system.act("a0", "00third", "take")
    system.records.append(h.Invoked(system.now(), "again", "a0", "take", "00third"))
    system.records.append(h.Completed(system.now(), "again", "ok", "00third", system.log["00third"][-1].seq))
    assert names(system.world()) == set()
    system.records[-1] = h.Completed(system.now(), "again", "ok", CONV, 3)
    system.records[-2] = h.Invoked(system.now(), "again", "a1", "take", "00third")
    assert names(system.world()) == {"I1 lost"}


def test_a_history_that_contradicts_itself_is_the_tests_fault() -> None:
    for bad in (h.Invoked(1, "m1", "v0", "send"), h.Completed(1, "m1", "ok"), h.Completed(1, "unheard of", "ok")):
        system = day()
        system.records.append(bad)
        with pytest.raises(ValueError, match=r"comes after|never invoked"):
            gather(system.records, [])


# --- several devices, messages that are sent again, calm ones ---------------------------------------


def home() -> tuple[Perfect, str, str]:
    """A visitor with two devices, the second of which hears what the first opens; and the id of the first message."""
    system = Perfect()
    other = system.second_device("v0")
    op = system.say("v0", CONV)
    system.look("v0", CONV)
    system.look(other, CONV, "opened")
    system.say(other, CONV)
    system.say_again(other, op)
    system.say("v0", CONV)
    return system, other, op


def test_a_person_with_two_devices_who_sends_again_is_accepted() -> None:
    assert names(home()[0].world()) == set()


def test_a_device_that_heard_nothing_of_a_conversation_is_missed() -> None:
    system, other, _ = home()
    system.leave(other, CONV)
    system.records = [r for r in system.records if not (isinstance(r, h.Began | h.Applied) and r.viewer == other)]
    assert names(system.world()) == {"I3 unheard"}


def test_a_device_that_missed_an_event_of_the_other_is_refused() -> None:
    system, other, _ = home()
    del system.records[shown(system, other)[-2]]
    assert names(system.world()) == {"I3 gap"}


def test_a_resend_that_is_stored_once_more_is_refused() -> None:
    system, _, op = home()
    again = next(e for e in system.log[CONV] if e.id == op)
    for viewer, conv in [("v0", CONV), ("v00", CONV)]:
        system.leave(viewer, conv)
    system.store("00new", "conversation.opened", "opened-again", "main")
    system.store("00new", "message.added", op, "main", **{k: again.body[k] for k in ("by", "text")})
    assert names(system.world()) == {"I1 doubled"}


def test_a_resend_that_is_told_another_place_is_refused() -> None:
    system, other, op = home()
    at = index(system, lambda r: isinstance(r, h.Resent))
    system.records[at] = h.Resent(90.0, 91.0, op, other, 60.0, "ok", CONV, system.log[CONV][-1].seq)
    assert names(system.world()) == {"I1 resent_elsewhere"}


def test_a_resend_of_what_is_stored_is_never_refused_for_its_content() -> None:
    system, other, op = home()
    system.say_again(other, op, code="limit.rate")
    assert names(system.world()) == set()
    system.say_again(other, op, code="id.taken")
    assert names(system.world()) == {"I1 resend_refused"}


def test_what_a_rollback_took_may_be_sent_again_and_stands_where_it_came_then() -> None:
    system, other, _ = home()
    cut = system.log[CONV][-1].seq
    lost = system.say("v0", CONV)
    system.say(other, CONV)
    system.roll_back(cut)
    system.say("v0", CONV)
    system.say_again(other, lost)
    system.say(other, CONV)
    assert names(system.world()) == set()


def test_what_a_rollback_kept_is_held_to_its_order_in_time() -> None:
    system, other, _ = home()
    system.roll_back(system.log[CONV][-1].seq)
    first, second = [e for e in system.log[CONV] if e.body["type"] == "message.added"][:2]
    system.say_again(other, first.id)
    assert names(system.world()) == set()
    # The second was answered before the first began.
    for record in system.records:
        if isinstance(record, h.Invoked | h.Completed) and record.op == second.id:
            record.at = 0.5
    assert names(system.world()) == {"I3 order_in_time"}


@pytest.mark.parametrize(
    ("name", "waited_s", "verdict"),
    [
        ("freeze node", 4.9, set()),
        ("freeze node", 5.1, {"I12 calm_waited"}),
        ("kill node", 5.1, {"I12 calm_waited"}),
        ("kill nats", 9.0, set()),
    ],
)
def test_a_calm_client_waits_little_when_nodes_die_or_freeze(name: str, waited_s: float, verdict: set[str]) -> None:
    system = day()
    system.records += [h.Viewer("calm1", "main", "visitor", "person-calm1"), h.Fault(1000.0, 1010.0, name, "")]
    text = f"{h.CANARY}main x"
    system.records.append(h.Invoked(1001.0, "c1", "calm1", "send", CONV, text))
    for viewer in ("v0", "a0"):
        system.leave(viewer, CONV)
    system.store(CONV, "message.added", "c1", "main", by={"kind": "visitor", "id": "person-calm1"}, text=text)
    system.records.append(h.Completed(1001.0 + waited_s, "c1", "ok", CONV, system.log[CONV][-1].seq))
    assert names(system.world()) == verdict


# --- a log that was put back ----------------------------------------------------------------------


def rolled_back() -> Perfect:
    """Two messages are lost with the rollback; both who looked begin again, and the talk goes on."""
    system = day()
    system.act("a0", CONV, "reopen")
    cut = system.log[CONV][-1].seq
    system.say("v0", CONV)
    system.say("v1", "00young")
    system.roll_back(cut)
    system.say("v0", CONV)
    return system


def test_what_a_rollback_took_is_not_missed() -> None:
    assert names(rolled_back().world()) == set()


def test_what_was_lost_before_the_cut_is_missed() -> None:
    system = rolled_back()
    gone = a_message(system)
    system.log[CONV].remove(gone)
    assert "I1 lost" in names(system.world())


def test_who_was_not_told_of_a_rollback_and_goes_on_is_refused() -> None:
    system = rolled_back()
    at = index(system, lambda r: isinstance(r, h.Began) and r.viewer == "v0" and r.why == "resync")
    again = shown(system, "v0")[-1]
    system.records = [
        r
        for n, r in enumerate(system.records)
        if n < at or n >= again or not (isinstance(r, h.Began | h.Applied) and r.viewer == "v0")
    ]
    assert names(system.world()) == {"I3 shown_wrongly"}


def test_who_still_shows_the_lost_future_is_refused() -> None:
    system = rolled_back()
    at = index(system, lambda r: isinstance(r, h.Began) and r.viewer == "a0" and r.why == "resync")
    system.records = [
        r
        for n, r in enumerate(system.records)
        if n < at or not (isinstance(r, h.Began | h.Applied) and r.viewer == "a0")
    ]
    assert names(system.world()) == {"I3 behind"}


def test_what_was_acknowledged_after_the_rollback_must_be_there() -> None:
    system = rolled_back()
    gone = system.log[CONV].pop()
    system.records = [r for r in system.records if not (isinstance(r, h.Applied) and r.event == gone.id)]
    assert names(system.world()) == {"I1 lost"}


def test_what_a_lost_future_held_may_be_refused_afterwards() -> None:
    system = rolled_back()
    lost = next(iter(system.branches[0].events["00young"][1:])).id
    at = index(system, lambda r: isinstance(r, h.Completed) and r.op == lost)
    system.records[at] = h.Completed(system.now(), lost, "fail", "00young", 0, "resource.not_found")
    assert names(system.world()) == set()


# --- made-up days ---------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "look", "leave", "decide", "roll"]), st.integers(0, 3), st.integers(0, 2)),
    max_size=60,
)


def lived(steps: list[tuple[str, int, int]]) -> Perfect:
    """A perfect system after some steps of people of one tenant."""
    system = Perfect(visitors=6, agents=6)
    for step, who, which in steps:
        viewer, conv = f"{'va'[who % 2]}{2 * (who // 2)}", f"00talk{which}"
        if step == "say":
            system.say(viewer, conv)
        elif step == "look" and conv in system.log:
            system.look(viewer, conv)
        elif step == "leave":
            system.leave(viewer, conv)
        elif step == "roll" and system.log:
            system.roll_back(max(e.seq for events in system.log.values() for e in events) * (which + 1) // 4)
        elif step == "decide" and conv in system.log:
            _decide(system, conv)
    return system


def _decide(system: Perfect, conv: str) -> None:
    state = State()
    for event in system.log[conv]:
        state.take(event.body)
    match state.status:
        case "queued":
            system.act("a0", conv, "take")
        case "open":
            system.act(
                state.owner.removeprefix("person-"), conv, "release" if system.log[conv][-1].seq % 2 else "resolve"
            )
        case "resolved":
            system.act("a2", conv, "reopen")


@given(STEPS)
def test_any_day_of_a_perfect_system_is_accepted(steps: list[tuple[str, int, int]]) -> None:
    assert names(lived(steps).world()) == set()


@given(STEPS, st.integers(0, 10_000))
def test_any_event_taken_from_the_middle_of_a_run_is_missed(steps: list[tuple[str, int, int]], choice: int) -> None:
    system = lived(steps)
    middles = _middles(system)
    if middles:
        del system.records[middles[choice % len(middles)]]
        assert names(system.world()) == {"I3 gap"}


def _middles(system: Perfect) -> list[int]:
    """Where records stand that are neither the first nor the last event of a run."""
    runs: list[list[int]] = []
    current: dict[tuple[str, str], list[int]] = {}
    for n, record in enumerate(system.records):
        if isinstance(record, h.Began):
            current[record.viewer, record.conv] = []
            runs.append(current[record.viewer, record.conv])
        elif isinstance(record, h.Applied):
            current[record.viewer, record.conv].append(n)
    return [n for run in runs for n in run[1:-1]]
