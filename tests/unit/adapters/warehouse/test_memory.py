"""What the loader remembers between loads, and when a conversation's row is due."""

from __future__ import annotations

from typing import Any

from adapters.warehouse.loading.decode import Stored, decode
from adapters.warehouse.loading.memory import REWRITE_MS, Memory, Past
from backbone import events as ev
from backbone.nats.reader import Entry
from tests.unit.adapters.warehouse.timeline import CONV, TENANT, entry, event, folded, message, opened

KEY = (TENANT, CONV)


def always(_s: str, _epoch: int, _seq: int) -> bool:
    return True


def stored(one: Any, seq: int, stored_ms: int = 1) -> Stored:
    return decode(entry(one, seq, stored_ms), 7)


def past(one: Any, seq: int, epoch: int = 7) -> Past:
    return Past(TENANT, CONV, "web", "03", epoch, seq, 1, ev.encode(one))


def test_each_row_names_the_one_before_it_on_its_subject() -> None:
    memory = Memory(10)
    other = "03" + "b" * 26
    rows = [
        stored(opened(0), 4),
        stored(event(ev.ConversationOpened, 0, conv=other, inbox="web", contact="c2"), 5),
        stored(message(1, "visitor"), 6),
        stored(message(2, "visitor", conv=other), 8),
    ]
    assert memory.apply(rows, 1)[0] == [0, 0, 4, 5]
    assert memory.apply([stored(message(3, "agent"), 9)], 1)[0] == [6]


def test_a_conversation_that_opens_needs_no_past() -> None:
    memory = Memory(10)
    assert memory.missing([stored(opened(0), 1), stored(message(1, "visitor"), 2)], 1) == []
    assert memory.missing([stored(message(1, "visitor"), 2)], 1) == [KEY]


def test_what_was_forgotten_is_learned_again_equal() -> None:
    events = [opened(0), message(1, "visitor"), message(5, "agent"), message(9, "visitor")]
    memory = Memory(10)
    memory.learn([KEY], [past(e, n) for n, e in enumerate(events[:3], start=1)], always)
    prevs, _ = memory.apply([stored(events[3], 4)], 1)
    _, [facts] = memory.apply([stored(event(ev.ConversationResolved, 10, "agent"), 5)], 1)
    assert prevs == [3]
    assert (facts.messages_visitor, facts.human_rounds, facts.seq) == (2, 1, 5)
    assert facts.first_visitor_at == folded(events).first_visitor_at


def test_a_lost_tail_is_no_past() -> None:
    memory = Memory(10)
    rows = [past(opened(0), 1), past(message(1, "visitor"), 2), past(message(2, "visitor"), 3)]
    memory.learn([KEY], rows, lambda _s, _epoch, seq: seq < 3)
    assert memory.apply([stored(message(5, "visitor"), 3)], 1)[0] == [2]


def test_the_least_recently_moved_is_forgotten_first() -> None:
    memory = Memory(2)
    convs = ["03" + letter * 26 for letter in "bcd"]
    for seq, conv in enumerate([*convs[:2], convs[0], convs[2]], start=1):
        one = event(ev.ConversationOpened, 0, conv=conv, inbox="web", contact="c1")
        memory.apply([stored(one, seq)], 1)
    assert len(memory) == 2
    again = [stored(message(1, "visitor", conv=conv), 9) for conv in convs]
    assert memory.missing(again, 1) == [(TENANT, convs[1])]


def test_a_milestone_is_written_at_once_and_a_mere_message_within_five_seconds() -> None:
    memory = Memory(10)
    first = [stored(opened(0), 1, 100), stored(message(0, "visitor"), 2, 100)]
    assert [f.seq for f in memory.apply(first, 100)[1]] == [2]
    assert memory.apply([stored(message(1, "visitor"), 3, 200)], 200)[1] == []
    assert memory.unwritten_since == 200
    assert memory.apply([stored(message(2, "visitor"), 4, 900)], 900)[1] == []
    assert not memory.is_due(199 + REWRITE_MS)
    assert memory.is_due(200 + REWRITE_MS)
    [late] = memory.apply([], 200 + REWRITE_MS)[1]
    assert (late.seq, late.messages_visitor, memory.unwritten_since) == (4, 3, 0)


def test_an_agents_first_message_is_a_milestone_and_the_second_is_not() -> None:
    memory = Memory(10)
    memory.apply([stored(opened(0), 1), stored(message(0, "visitor"), 2)], 1)
    assert len(memory.apply([stored(message(1, "agent"), 3)], 1)[1]) == 1
    assert len(memory.apply([stored(message(2, "agent"), 4)], 1)[1]) == 0


def test_what_is_owed_is_learned_and_written_even_if_it_was_forgotten() -> None:
    memory = Memory(10)
    memory.owe([KEY], 100)
    memory.forget()
    now = 100 + REWRITE_MS
    assert memory.missing([], now) == [KEY]
    memory.learn([KEY], [past(opened(0), 1), past(message(3, "visitor"), 2)], always)
    [facts] = memory.apply([], now)[1]
    assert (facts.seq, facts.messages_visitor) == (2, 1)


def test_the_desk_has_a_chain_and_no_conversation() -> None:
    memory = Memory(10)
    state = ev.AgentStateChanged(
        id="00000000-0000-4000-8000-000000000001",
        tenant=TENANT,
        channel="desk",
        conv="ann",
        at=1,
        by=ev.Actor("agent", "ann"),
        agent="ann",
        state="online",
    )
    rows = [decode(Entry("00", seq, 1, f"chat.00.{TENANT}.desk.ann", ev.encode(state)), 7) for seq in (3, 8)]
    assert [row.fault for row in rows] == ["", ""]
    memory.learn(memory.missing(rows, 1), [], always)
    assert memory.apply(rows, 1) == ([0, 3], [])
