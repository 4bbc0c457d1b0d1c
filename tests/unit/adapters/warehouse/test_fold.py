"""The fold of a conversation gives the numbers of metrics.md, section 4 (calendar clock, conversation level)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.warehouse.loading import fold
from backbone import events as ev
from tests.unit.adapters.warehouse.timeline import CONV, TENANT, event, folded, message, opened, row

SHANGHAI = timezone(timedelta(hours=8))


def at(day: int, clock: str) -> int:
    """UTC ms of a moment of March 2026 in Shanghai."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return int(datetime(2026, 3, day, hours, minutes, seconds, tzinfo=SHANGHAI).timestamp() * 1000)


def s(value: int) -> int:
    """Seconds as the columns hold them."""
    return value * 1000


def t1() -> list[Any]:
    """Bot, then human."""
    return [
        opened(at(2, "10:00:00")),
        message(at(2, "10:00:00"), "visitor"),
        message(at(2, "10:00:02"), "bot"),
        message(at(2, "10:00:30"), "visitor", text="人工"),
        event(ev.QueueEntered, at(2, "10:00:31"), "system"),
        event(ev.QueueLeft, at(2, "10:01:16"), "system", outcome="accepted"),
        event(ev.ConversationAssigned, at(2, "10:01:16"), "system", agent="A"),
        message(at(2, "10:01:36"), "agent"),
        message(at(2, "10:02:00"), "visitor"),
        message(at(2, "10:02:10"), "visitor"),
        message(at(2, "10:02:40"), "agent"),
        message(at(2, "10:05:00"), "visitor"),
        message(at(2, "10:05:05"), "agent"),
        event(ev.ConversationResolved, at(2, "10:06:00"), "agent"),
        event(ev.WrapupStarted, at(2, "10:06:00"), "agent", agent="A"),
        event(ev.RatingRequested, at(2, "10:06:00"), "system"),
        event(ev.WrapupEnded, at(2, "10:06:50"), "agent", agent="A"),
        event(ev.RatingGiven, at(2, "10:07:30"), score=5),
    ]


def t2() -> list[Any]:
    """Reopened over a weekend."""
    return [
        opened(at(6, "17:30:00")),
        message(at(6, "17:30:00"), "visitor"),
        event(ev.QueueEntered, at(6, "17:30:05"), "system"),
        event(ev.QueueLeft, at(9, "09:10:00"), "agent", outcome="accepted"),
        event(ev.ConversationAssigned, at(9, "09:10:00"), "agent", agent="A"),
        message(at(9, "09:40:00"), "agent"),
        message(at(9, "10:00:00"), "visitor"),
        message(at(9, "10:30:00"), "agent"),
        event(ev.ConversationResolved, at(9, "11:00:00"), "agent"),
        message(at(10, "08:00:00"), "visitor"),
        event(ev.ConversationReopened, at(10, "08:00:00"), "system", agent="A"),
        message(at(10, "09:15:00"), "agent"),
        event(ev.ConversationResolved, at(10, "09:20:00"), "agent"),
        event(ev.RatingGiven, at(10, "18:30:00"), score=3),
    ]


def t3() -> list[Any]:
    """Transferred over midnight."""
    return [
        opened(at(10, "23:40:00")),
        message(at(10, "23:40:00"), "visitor"),
        event(ev.QueueEntered, at(10, "23:40:01"), "system", team="Q1"),
        event(ev.QueueLeft, at(10, "23:40:31"), "agent", outcome="accepted"),
        event(ev.ConversationAssigned, at(10, "23:40:31"), "agent", agent="A"),
        message(at(10, "23:41:01"), "agent"),
        message(at(10, "23:50:00"), "visitor"),
        event(ev.ConversationTransferred, at(10, "23:52:00"), "agent", from_agent="A", to_team="T2"),
        event(ev.QueueEntered, at(10, "23:52:00"), "system", team="T2"),
        event(ev.QueueLeft, at(11, "00:03:00"), "agent", outcome="accepted"),
        event(ev.ConversationAssigned, at(11, "00:03:00"), "agent", agent="B"),
        message(at(11, "00:04:00"), "agent", who="B"),
        message(at(11, "00:10:00"), "visitor"),
        message(at(11, "00:10:20"), "agent", who="B"),
        event(ev.ConversationResolved, at(11, "00:15:00"), "agent"),
        event(ev.WrapupStarted, at(11, "00:15:00"), "agent", agent="B"),
        event(ev.RatingRequested, at(11, "00:15:00"), "system"),
        event(ev.WrapupEnded, at(11, "00:16:30"), "agent", agent="B"),
    ]


EXPECTED = {
    "t1": (
        t1,
        {
            "frt_any_ms": s(2),
            "frt_bot_ms": s(2),
            "frt_human_ms": s(96),
            "frt_handoff_ms": s(65),
            "queue_wait_ms": s(45),
            "human_rounds": 3,
            "human_rounds_ms": s(66 + 40 + 5),
            "bot_rounds": 1,
            "bot_rounds_ms": s(2),
            "first_resolution_ms": s(360),
            "full_resolution_ms": s(360),
            "open_time_ms": s(360),
            "wrapup_ms": s(50),
            "handled_ms": s(334),
            "messages_visitor": 5,
            "messages_bot": 1,
            "messages_agent": 3,
            "one_touch": 0,
            "reopens": 0,
            "transfers": 0,
            "rating": 5,
            "status": "resolved",
        },
    ),
    "t2": (
        t2,
        {
            "frt_any_ms": s(231_000),
            "frt_human_ms": s(231_000),
            "frt_bot_ms": None,
            "queue_wait_ms": s(229_195),
            "human_rounds": 3,
            "human_rounds_ms": s(231_000 + 1_800 + 4_500),
            "first_resolution_ms": s(235_800),
            "full_resolution_ms": s(316_200),
            "open_time_ms": s(240_600),
            "handled_ms": s(11_400),
            "wrapup_ms": None,
            "reopens": 1,
            "one_touch": 0,
            "rating": 3,
        },
    ),
    "t3": (
        t3,
        {
            "frt_human_ms": s(61),
            "queue_wait_ms": s(30),
            "queue_wait_total_ms": s(690),
            "queue_entries": 2,
            "human_rounds": 3,
            "human_rounds_ms": s(61 + 840 + 20),
            "handled_ms": s(1_499),
            "full_resolution_ms": s(2_100),
            "transfers": 1,
            "one_touch": 0,
            "first_team": "Q1",
            "team": "T2",
            "agent": "B",
            "rating": None,
        },
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_timeline_gives_the_numbers_of_the_definitions(name: str) -> None:
    timeline, expected = EXPECTED[name]
    found = row(timeline())
    assert {column: found[column] for column in expected} == expected
    assert found["clock_skew"] == 0


@pytest.mark.parametrize("name", EXPECTED)
def test_a_repeated_prefix_changes_nothing(name: str) -> None:
    events = EXPECTED[name][0]()
    once = folded(events)
    again = once
    for seq, one in enumerate(events, start=1):
        again = fold.fold(again, one, seq, 7)
    assert again == once


def test_an_agent_who_writes_first_has_no_first_response() -> None:
    found = row([opened(0, by="agent"), message(1000, "agent"), message(5000, "visitor"), message(9000, "agent")])
    assert (found["frt_any_ms"], found["frt_human_ms"], found["human_rounds_ms"]) == (None, None, 4000)


def test_notes_and_the_system_answer_nothing() -> None:
    found = row([opened(0), message(0, "visitor"), message(10, "agent", note=True), message(20, "system")])
    assert (found["frt_any_ms"], found["notes"], found["messages_system"], found["messages_agent"]) == (None, 1, 1, 0)


def test_a_clock_that_runs_backwards_makes_no_negative_duration() -> None:
    found = row([opened(5000), message(5000, "visitor"), message(3000, "agent")])
    assert (found["frt_human_ms"], found["clock_skew"]) == (0, 1)


def test_a_breach_dated_by_its_deadline_is_no_skewed_clock() -> None:
    late = event(ev.SlaBreached, 10, "system", clock="first_response")
    assert row([opened(5000), message(6000, "visitor"), late])["clock_skew"] == 0


def test_an_event_that_nobody_could_read_moves_the_place_only() -> None:
    before = folded([opened(0), message(0, "visitor")])
    after = fold.fold(before, None, 9, 7)
    assert (after.seq, after.messages_visitor, after.last_at) == (9, 1, before.last_at)


def test_one_touch_needs_exactly_one_agent_message() -> None:
    done = event(ev.ConversationResolved, 99, "agent")
    assert row([opened(0), message(1, "visitor"), message(2, "agent"), done])["one_touch"] == 1
    assert row([opened(0), message(1, "visitor"), done])["no_touch"] == 1


@pytest.mark.parametrize(
    ("score", "scale", "expected"), [(3, 3, 5), (2, 3, 3), (1, 3, 1), (1, 1, 5), (0, 1, 1), (2, 2, 5), (9, 5, 5)]
)
def test_ratings_of_other_scales_become_one_to_five(score: int, scale: int, expected: int) -> None:
    assert fold.on_five(score, scale) == expected


STEPS = st.lists(
    st.tuples(
        st.integers(0, 60_000),
        st.sampled_from(
            [
                "visitor",
                "agent",
                "bot",
                "system",
                "note",
                "entered",
                "left",
                "assigned",
                "released",
                "transferred",
                "snoozed",
                "resolved",
                "reopened",
                "closed",
                "wrap",
                "wrapped",
                "rated",
                "read",
            ]
        ),
    ),
    max_size=40,
)


def random_timeline(steps: list[tuple[int, str]]) -> list[Any]:
    """Any order of events, legal or not: the log may hold what a later version forbids."""
    now, events = 1_000, [opened(1_000)]
    for wait, kind in steps:
        now += wait
        match kind:
            case "visitor" | "agent" | "bot" | "system":
                events.append(message(now, kind))
            case "note":
                events.append(message(now, "agent", note=True))
            case _:
                make: dict[str, Any] = {
                    "entered": lambda at: event(ev.QueueEntered, at, "system"),
                    "left": lambda at: event(ev.QueueLeft, at, "system", outcome="abandoned"),
                    "assigned": lambda at: event(ev.ConversationAssigned, at, "system", agent="A"),
                    "released": lambda at: event(ev.ConversationReleased, at, "agent", agent="A"),
                    "transferred": lambda at: event(ev.ConversationTransferred, at, "agent", to_agent="B"),
                    "snoozed": lambda at: event(ev.ConversationSnoozed, at, "agent", until=at + 1),
                    "resolved": lambda at: event(ev.ConversationResolved, at, "agent"),
                    "reopened": lambda at: event(ev.ConversationReopened, at, "system", agent="A"),
                    "closed": lambda at: event(ev.ConversationClosed, at, "system"),
                    "wrap": lambda at: event(ev.WrapupStarted, at, "agent", agent="A"),
                    "wrapped": lambda at: event(ev.WrapupEnded, at, "agent", agent="A"),
                    "rated": lambda at: event(ev.RatingGiven, at, score=4),
                    "read": lambda at: event(ev.ReadMarked, at, reader="visitor", read=1),
                }
                events.append(make[kind](now))
    return events


@settings(deadline=None)  # a count of examples is the bound, not the clock of a busy machine
@given(STEPS, st.data())
def test_two_halves_fold_as_one(steps: list[tuple[int, str]], data: st.DataObject) -> None:
    events = random_timeline(steps)
    cut = data.draw(st.integers(0, len(events)))
    state = fold.empty(TENANT, CONV, "web", 1)
    for part in (range(1, cut + 1), range(max(1, cut - 3), len(events) + 1)):
        for seq in part:
            state = fold.fold(state, events[seq - 1], seq, 7)
    assert state == folded(events)


@settings(deadline=None)
@given(STEPS)
def test_every_timeline_adds_up(steps: list[tuple[int, str]]) -> None:
    events = random_timeline(steps)
    found = row(events)
    spans = [value for column, value in found.items() if column.endswith("_ms") and value is not None]
    assert all(span >= 0 for span in spans)
    assert found["clock_skew"] == 0
    sent = [e for e in events if isinstance(e, ev.MessageAdded)]
    counted = sum(found[f"messages_{kind}"] for kind in ("visitor", "agent", "bot", "system")) + found["notes"]
    assert counted == len(sent)
    assert (found["open_time_ms"] or 0) <= (found["full_resolution_ms"] or 0)
    assert found["human_rounds"] + found["bot_rounds"] <= found["messages_visitor"]
    # Whoever has a bot's or an agent's first response has the earlier of both.
    firsts = [v for v in (found["frt_bot_ms"], found["frt_human_ms"]) if v is not None]
    assert found["frt_any_ms"] == (min(firsts) if firsts else None)


@settings(deadline=None)
@given(STEPS)
def test_what_is_no_milestone_changes_counters_only(steps: list[tuple[int, str]]) -> None:
    events = random_timeline(steps)
    counters = {
        "seq",
        "last_at",
        "turn_since",
        "human_rounds",
        "human_rounds_ms",
        "bot_rounds",
        "bot_rounds_ms",
        "notes",
    }
    counters |= {f"messages_{kind}" for kind in ("visitor", "agent", "bot", "system")}
    state = fold.empty(TENANT, CONV, "web", 1)
    for seq, one in enumerate(events, start=1):
        after = fold.fold(state, one, seq, 7)
        if not fold.is_milestone(state, after, one):
            changed = {f for f in fold.Facts.__struct_fields__ if getattr(state, f) != getattr(after, f)}
            # A message wakes a snoozed conversation; its row follows within 5 s like any message's.
            assert changed <= counters | {"epoch", "status"}, (one, changed)
        state = after


def test_a_merged_contact_changes_whose_conversation_it_is() -> None:
    first = opened(at(2, "10:00:00"))
    merged = event(ev.ContactMerged, at(2, "10:01:00"), contact="user", merged=first.contact)
    merged.name = "Li"
    other = event(ev.ContactMerged, at(2, "10:02:00"), contact="nobody", merged="another")
    facts = folded([first, merged, other])
    assert (facts.contact, facts.contact_name) == ("user", "Li")
    linked = event(ev.ContactLinked, at(2, "10:03:00"), contact="user")
    assert folded([first, merged, linked]).contact_name == "Li"
    linked.name = "Li Wei"
    assert folded([first, merged, linked]).contact_name == "Li Wei"
