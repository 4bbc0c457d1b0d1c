"""What a channel knows of a conversation, folded from its events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from adapters.channels.kit import state
from backbone import events as ev

BASE: dict[str, Any] = {"tenant": "main", "channel": "wechat", "conv": "00" + "a" * 26, "at": 1000}
AGENT, VISITOR = ev.Actor("agent", "lin"), ev.Actor("visitor", "c1")


def _said(event_id: str, by: ev.Actor = AGENT, **more: Any) -> ev.MessageAdded:
    return ev.MessageAdded(**BASE, id=event_id, by=by, text="hello", **more)


def _became(target: str, what: Any, part: int = 0, parts: int = 1, **more: Any) -> ev.DeliveryUpdated:
    by = ev.Actor("provider", "wechat")
    return ev.DeliveryUpdated(
        **BASE, id=f"{target}{what}{part}", by=by, target=target, state=what, part=part, parts=parts, **more
    )


def _folded(*events: ev.Event) -> state.Conversation:
    known = state.begin("main", "wechat", BASE["conv"])
    for seq, event in enumerate(events, 1):
        state.apply(known, event, seq)
    return known


def test_what_goes_out_is_ours_public_and_not_from_the_provider() -> None:
    assert state.is_ours(_said("m"))
    assert not state.is_ours(_said("m", VISITOR))
    assert not state.is_ours(_said("m", note=True))
    assert not state.is_ours(_said("m", provider=ev.Provider(id="p")))


@pytest.mark.parametrize(
    "order", [("sent", "delivered", "read"), ("read", "sent", "delivered"), ("delivered", "read", "sent")]
)
def test_receipts_in_any_order_end_in_the_same_state(order: tuple[str, ...]) -> None:
    known = _folded(_said("m"), *(_became("m", each) for each in order))
    assert known.outcomes["m"][0].rank == state.RANK["read"]


def test_a_message_is_settled_once_all_its_parts_are() -> None:
    known = _folded(_said("m"), _became("m", "sent", 0, 2))
    assert not state.is_settled(known, "m")
    state.apply(known, _became("m", "sent", 1, 2), 9)
    assert state.is_settled(known, "m")


def test_a_part_that_failed_for_good_settles_the_message() -> None:
    final = ev.ProviderError(code="channel.rejected", final=True)
    assert state.is_settled(_folded(_said("m"), _became("m", "failed", 0, 3, error=final)), "m")


def test_a_failure_that_is_not_final_leaves_it_waiting() -> None:
    waits = ev.ProviderError(code="channel.paused")
    known = _folded(_said("m"), _became("m", "failed", error=waits))
    assert not state.is_settled(known, "m")
    assert not state.part_is_settled(known, "m", 0)


def test_the_window_counts_each_part_once() -> None:
    heard = _said("v", VISITOR, provider=ev.Provider(id="p1", at=1000))
    known = _folded(heard, _said("m"), _became("m", "sent"), _became("m", "delivered"), _became("m", "read"))
    assert known.window.opened["message"].sent == 1


def test_who_blocked_us_takes_nothing_until_they_do_something_else() -> None:
    def happened(event_id: str, what: str) -> ev.MessageAdded:
        provider = ev.Provider(id=event_id, at=1000)
        return ev.MessageAdded(**BASE, id=event_id, by=VISITOR, kind="event", text=what, provider=provider)

    known = _folded(_said("v", VISITOR, provider=ev.Provider(id="p1", at=1000)), happened("b", "blocked"))
    assert known.blocked == state.LEFT
    assert "blocked" not in known.window.opened
    state.apply(known, happened("e", "enter"), 9)
    assert not known.blocked


def test_context_and_ids_of_the_provider_are_kept_for_the_answer() -> None:
    first = _said("v1", VISITOR, provider=ev.Provider(id="p1", context={"msg_id": "1", "kept": "x"}))
    second = _said("v2", VISITOR, provider=ev.Provider(id="p2", context={"msg_id": "2"}))
    known = _folded(first, _said("m"), _became("m", "sent", provider="p3"), second)
    assert known.context == {"msg_id": "2", "kept": "x"}
    assert known.refs == ["p1", "p3", "p2"]
    assert known.provider_ids == {"v1": "p1", "m": "p3", "v2": "p2"}


def test_an_event_that_was_folded_changes_nothing() -> None:
    known = _folded(_said("v", VISITOR, provider=ev.Provider(id="p1")))
    before = known.head
    state.apply(known, _said("w", VISITOR, provider=ev.Provider(id="p9")), 1)
    assert (known.head, known.refs) == (before, ["p1"])


def test_what_is_not_settled_is_known_oldest_first() -> None:
    known = _folded(_said("m1"), _said("m2"), _said("m3"), _became("m2", "sent"))
    assert known.pending == {"m1": 1, "m3": 3}


def test_what_was_given_up_waits_anew_once_it_is_wanted_and_is_settled_by_its_sending() -> None:
    gave_up = ev.ProviderError(code="channel.gave_up", final=True)
    wish = _became("m", "failed", error=ev.ProviderError(code=state.AGAIN))
    known = _folded(_said("m"), _became("m", "failed", error=gave_up))
    assert (known.pending, known.failed) == ({}, {"m": 1})
    state.apply(known, wish, 3)
    assert (known.pending, known.again["m"]) == ({"m": 1}, state.Again(1000, 1))
    state.apply(known, _became("m", "sent"), 4)
    assert (known.pending, state.is_settled(known, "m")) == ({}, True)


def test_a_wish_for_what_was_delivered_changes_nothing() -> None:
    wish = _became("m", "failed", error=ev.ProviderError(code=state.AGAIN))
    known = _folded(_said("m"), _became("m", "delivered"), wish)
    assert (known.pending, state.is_settled(known, "m")) == ({}, True)


def test_what_a_platform_accepted_is_no_longer_pending() -> None:
    assert _folded(_said("m"), _became("m", "accepted")).pending == {}


def _marked(reader: str, **upto: int) -> ev.ReadMarked:
    return ev.ReadMarked(**BASE, id=f"{reader}{upto}", by=VISITOR, reader=reader, **upto)


def test_what_a_visited_customer_has_fetched_needs_no_sending() -> None:
    known = state.begin("main", "app", BASE["conv"], visited=True)
    for seq, event in enumerate(
        (_said("one"), _said("two"), _marked("lin", read=2), _marked("visitor", delivered=1)), 1
    ):
        state.apply(known, event, seq)
    assert (known.reached, list(known.pending)) == (1, ["two"])
    state.note(known, _marked("visitor", read=2))
    state.note(known, _marked("visitor", read=1))
    assert (known.reached, known.pending) == (2, {})


def test_what_a_customer_reads_on_their_platform_leaves_what_is_unsent_unsent() -> None:
    assert list(_folded(_said("one"), _marked("visitor", read=1, delivered=1)).pending) == ["one"]


def _refused(target: str, provider: str, code: str = state.REFUSED) -> ev.DeliveryUpdated:
    return _became(target, "failed", provider=provider, error=ev.ProviderError(code=code, text="busy"))


def test_what_a_platform_refuses_after_it_took_it_waits_anew_in_its_place() -> None:
    sent = [_became("m1", "accepted", provider="p1"), _became("m2", "accepted", provider="p2")]
    known = _folded(_said("m1"), _said("m2"), _said("m3"), *sent)
    assert list(known.pending) == ["m3"]
    state.apply(known, refusal := _refused("m1", "p1"), 9)
    assert list(known.pending) == ["m1", "m3"], "oldest first"
    assert state.is_refused_later(refusal, known)
    assert known.refused == {"m1": 1}
    # Told twice, it is refused once; of an earlier sending it says nothing of the present one.
    state.apply(known, _refused("m1", "p1", "channel.paused"), 10)
    assert known.refused == {"m1": 1}
    state.apply(known, _became("m1", "accepted", provider="p1-again"), 11)
    assert "m1" not in known.pending
    state.apply(known, late := _refused("m1", "p1"), 12)
    assert "m1" not in known.pending
    assert not state.is_refused_later(late, known)


def test_what_was_delivered_is_refused_no_more() -> None:
    known = _folded(_said("m1"), _became("m1", "delivered", provider="p1"), _refused("m1", "p1"))
    assert known.pending == {}


def test_who_is_called_otherwise_is_written_to_by_the_new_name() -> None:
    visitor = ev.Actor("visitor", "c1")
    provider = ev.Provider(id="x", context={"peer": "new"})
    moved = msgspec.structs.replace(_said("e1", visitor, kind="event", provider=provider), text="moved")
    known = _folded(moved)
    assert state.peer_of(known) == "new"
    assert state.peer_of(_folded(_said("m1"))) == ""


def test_who_gets_a_copy_is_an_agents_word_until_the_customers_next_mail() -> None:
    begun = _said("m1", cc=["boss@x.example"], subject="Offer")
    assert _folded(begun).cc == ["boss@x.example"]
    assert _folded(begun, _said("m2")).cc == ["boss@x.example"]
    assert _folded(begun, _said("m2", cc=[])).cc == []
    mail = _said("m3", VISITOR, provider=ev.Provider(id="<a@b>", context={"from": "a@x.example", "cc": "c@x.example"}))
    assert _folded(begun, mail).cc is None
    assert _folded(begun, _said("n", note=True, cc=["spy@x.example"])).cc == ["boss@x.example"]
