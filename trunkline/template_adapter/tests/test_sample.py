"""What the adapter makes of events, without a server: one batch, one cursor."""

import asyncio

from trunkline_sample.adapter import Sample
from trunkline_sample.settings import Settings

from backbone.events import Actor, MessageAdded, encode
from backbone.follow import Cursor, Entry

VISITOR = Actor("visitor", "c" + "a" * 26)


def entry(seq: int, tenant: str, *, note: bool = False, raw: bytes = b"") -> Entry:
    conv = "00" + "a" * 26
    event = MessageAdded(
        id=f"event-{seq}", tenant=tenant, channel="web", conv=conv, at=1, by=VISITOR, text="hello", note=note
    )
    return Entry("00", seq, 1, f"chat.00.{tenant}.web.{conv}", raw or encode(event))


def taken(adapter: Sample, *entries: Entry) -> list[int]:
    """Sequences that were refused."""
    return [refusal.entry.seq for refusal in asyncio.run(adapter.take(entries))]


def test_messages_are_counted_by_tenant_and_notes_only_where_that_is_set() -> None:
    events = (entry(1, "one"), entry(2, "two"), entry(3, "one"), entry(4, "one", note=True))
    some, every = Sample(Settings()), Sample(Settings(notes=True))
    assert taken(some, *events) == taken(every, *events) == []
    assert (some.state("00"), every.state("00")) == ({"one": 2, "two": 1}, {"one": 3, "two": 1})


def test_what_is_no_event_is_refused_and_the_others_count() -> None:
    adapter = Sample(Settings())
    assert taken(adapter, entry(1, "one"), entry(2, "one", raw=b"not json"), entry(3, "one")) == [2]
    assert adapter.state("00") == {"one": 2}


def test_it_goes_on_from_what_its_cursor_holds() -> None:
    adapter = Sample(Settings())
    starts = asyncio.run(adapter.restore({"00": Cursor(1, 2, {"one": 2})}))
    assert starts == {"00": 3}
    assert taken(adapter, entry(3, "one")) == []
    assert adapter.state("00") == {"one": 3}
