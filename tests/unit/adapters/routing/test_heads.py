"""The projection of heads: what is folded from the log, and what routing's own decisions put there before."""

from __future__ import annotations

from adapters.routing.heads import Projection
from backbone import events as ev
from backbone.conversation import Head, empty, fold
from backbone.nats import subjects
from backbone.nats.reader import Entry

CONV = "00" + "a" * 26
SUBJECT = subjects.chat("main", "web", CONV)
BY = ev.Actor(kind="system", id="routing")
OPENED = ev.ConversationOpened(id="o", tenant="main", channel="web", conv=CONV, at=1, by=BY, inbox="main", contact="c")
RELEASED = ev.ConversationReleased(id="r", tenant="main", channel="web", conv=CONV, at=2, by=BY, agent="a")

RESOLVED = ev.ConversationResolved(id="s", tenant="main", channel="web", conv=CONV, at=2, by=BY)
SAID = ev.MessageAdded(
    id="m", tenant="main", channel="web", conv=CONV, at=3, by=ev.Actor(kind="visitor", id="c"), text="and another thing"
)


def _entry(event: ev.Event, seq: int, epoch: int) -> Entry:
    return Entry("00", seq, 1, SUBJECT, ev.encode(event), epoch)


def _projected(epoch: int) -> tuple[Projection, Head]:
    projection = Projection(0, 1)
    projection.take(_entry(OPENED, 1, epoch), epoch)
    return projection, projection.heads[CONV]


def test_a_decision_that_comes_back_by_the_log_has_the_epoch_that_the_log_gives_it() -> None:
    """Adopted when it was written, it had the epoch of the event before, and kept that until another event came."""
    projection, head = _projected(epoch=7)
    projection.adopt(fold(head, RELEASED, 2))
    assert projection.heads[CONV].epoch == 7
    projection.changed.clear()
    projection.take(_entry(RELEASED, 2, 9), 9)
    assert (projection.heads[CONV].seq, projection.heads[CONV].epoch) == (2, 9)
    assert projection.changed == {CONV}


def test_an_event_that_was_folded_already_changes_nothing() -> None:
    projection, head = _projected(epoch=7)
    projection.changed.clear()
    projection.take(_entry(OPENED, 1, 7), 7)
    assert projection.heads[CONV] == head
    assert not projection.changed
    assert fold(empty("main", "web", CONV), OPENED, 1, 7) == head


def _restored(*events: ev.Event) -> Projection:
    """After a kill: the bucket has the head behind all events, and no cursor has passed any of them."""
    head = empty("main", "web", CONV)
    for seq, event in enumerate(events, 1):
        head = fold(head, event, seq, 7)
    projection = Projection(0, 1)
    projection.restore(head)
    return projection


def test_a_message_that_its_head_has_already_still_wants_it_reopened() -> None:
    events = (OPENED, RESOLVED, SAID)
    projection = _restored(*events)
    for seq, event in enumerate(events, 1):
        projection.take(_entry(event, seq, 7), 7)
    assert projection.reopening == {CONV: "m"}


def test_a_message_before_the_resolution_wants_nothing_reopened() -> None:
    events = (OPENED, SAID, RESOLVED)
    projection = _restored(*events)
    for seq, event in enumerate(events, 1):
        projection.take(_entry(event, seq, 7), 7)
    assert projection.reopening == {}


def test_what_a_cursor_carried_is_reopened_only_where_it_is_still_resolved() -> None:
    waiting, served = _restored(OPENED, RESOLVED, SAID), _restored(OPENED, SAID)
    for projection in (waiting, served):
        for state in (None, "of another kind", {CONV: "m", "01" + "b" * 26: "n"}):
            projection.restore_reopening(state)
    assert (waiting.reopening, served.reopening) == ({CONV: "m"}, {})
