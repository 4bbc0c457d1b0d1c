"""Events of one conversation for tests, written as a timeline: `(seconds, kind, ...)`."""

from __future__ import annotations

from typing import Any

from adapters.warehouse.loading import facts, fold
from backbone import events as ev
from backbone import ids
from backbone.nats.reader import Entry
from backbone.nats.subjects import chat

CONV = "03" + "a" * 26
TENANT = "main"


def event(
    kind: type[Any], at_ms: int, by: str = "visitor", *, conv: str = CONV, tenant: str = TENANT, **body: Any
) -> Any:
    """One event of the conversation."""
    who = {"agent": "A", "bot": "b1", "visitor": "c1"}.get(by, "x")
    actor = ev.Actor(by, body.pop("who", who), body.pop("name", ""))  # type: ignore[arg-type]
    return kind(id=ids.new_uuid(), tenant=tenant, channel="web", conv=conv, at=at_ms, by=actor, **body)


def opened(at_ms: int, **body: Any) -> Any:
    """The first event."""
    return event(ev.ConversationOpened, at_ms, inbox="web", contact="c1", **body)


def message(at_ms: int, by: str, **body: Any) -> Any:
    """A message."""
    return event(ev.MessageAdded, at_ms, by, text=body.pop("text", "hello"), **body)


def folded(events: list[Any], epoch: int = 7) -> fold.Facts:
    """The facts of all of them, stored at sequences 1, 2, 3, ..."""
    state = fold.empty(TENANT, CONV, "web", 1)
    for seq, one in enumerate(events, start=1):
        state = fold.fold(state, one, seq, epoch)
    return state


def row(events: list[Any]) -> dict[str, Any]:
    """The row of `conversations` that they make."""
    return facts.row(folded(events))


def entry(one: Any, seq: int, stored_ms: int = 1_764_000_000_000, raw: bytes | None = None) -> Entry:
    """The event as it lies in the log."""
    return Entry(one.conv[:2], seq, stored_ms, chat(one.tenant, one.channel, one.conv), raw or ev.encode(one))
