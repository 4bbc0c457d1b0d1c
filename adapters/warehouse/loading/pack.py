"""Rows to Arrow tables, the fastest way in (warehouse.md, section 5). Pure: the same rows make the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from adapters.warehouse.loading import facts
from adapters.warehouse.loading.decode import Stored
from adapters.warehouse.loading.fold import Facts
from backbone import events as ev
from backbone.events import data

FOREVER: Final = 4_294_967_295
"""The last second of DateTime, in 2106: rows that keep for ever."""
DAY_MS: Final = 86_400_000

_TEXT: Final = pa.string()
_TIME: Final = pa.timestamp("ms", "UTC")
_UUID: Final = pa.binary(16)
_UINT128: Final = pa.binary(16)


class Message(NamedTuple):
    """A message's latest state: `origin` stored it, `text` and `attachments` are from `state`, or it was recalled."""

    origin: Stored
    state: Stored
    inbox: str


def keep_until(stored_ms: int, keep_days: int) -> int:
    """The Unix second after which a row stored at `stored_ms` goes; 0 days keep for ever."""
    return min((stored_ms + keep_days * DAY_MS) // 1000, FOREVER) if keep_days else FOREVER


def version(epoch: int, seq: int) -> bytes:
    """The number epoch * 2^64 + seq, as the 16 little-endian bytes of a UInt128."""
    return seq.to_bytes(8, "little") + epoch.to_bytes(8, "little")


def events_table(rows: Sequence[Stored], prevs: Sequence[int], keep_days: int) -> pa.Table:
    """Table `events`; `prevs` holds the previous sequence of each row's subject."""
    return pa.table(
        {
            "tenant": pa.array([r.tenant for r in rows], _TEXT),
            "conversation": pa.array([r.conv for r in rows], _TEXT),
            "epoch": pa.array([r.epoch for r in rows], pa.uint32()),
            "seq": pa.array([r.seq for r in rows], pa.uint64()),
            "prev": pa.array(prevs, pa.uint64()),
            "id": pa.array([r.id for r in rows], _UUID),
            "type": pa.array([r.type for r in rows], _TEXT),
            "channel": pa.array([r.channel for r in rows], _TEXT),
            "actor_kind": pa.array([r.actor_kind for r in rows], _TEXT),
            "actor": pa.array([r.actor for r in rows], _TEXT),
            "at": pa.array([r.at_ms for r in rows], _TIME),
            "stored_at": pa.array([r.stored_ms for r in rows], _TIME),
            "stream": pa.array([r.s for r in rows], _TEXT),
            "keep_until": pa.array([keep_until(r.stored_ms, keep_days) for r in rows], pa.uint32()),
            "raw": pa.array([r.raw for r in rows], pa.binary()),
        }
    )


def messages_table(rows: Sequence[Message], keep_days: int) -> pa.Table:
    """Table `messages`. An edit or recall has the place, time and author of the message it changes."""
    origins = [r.origin for r in rows]
    added = [_added(r.origin) for r in rows]
    bodies = [_body(r.state, a) for r, a in zip(rows, added, strict=True)]
    return pa.table(
        {
            "tenant": pa.array([o.tenant for o in origins], _TEXT),
            "at": pa.array([o.at_ms for o in origins], _TIME),
            "conversation": pa.array([o.conv for o in origins], _TEXT),
            "epoch": pa.array([o.epoch for o in origins], pa.uint32()),
            "seq": pa.array([o.seq for o in origins], pa.uint64()),
            "id": pa.array([o.id for o in origins], _UUID),
            "stored_at": pa.array([o.stored_ms for o in origins], _TIME),
            "channel": pa.array([o.channel for o in origins], _TEXT),
            "inbox": pa.array([r.inbox for r in rows], _TEXT),
            "actor_kind": pa.array([o.actor_kind for o in origins], _TEXT),
            "actor": pa.array([o.actor for o in origins], _TEXT),
            "actor_name": pa.array([a.by.name for a in added], _TEXT),
            "kind": pa.array([a.kind for a in added], _TEXT),
            "note": pa.array([int(a.note) for a in added], pa.uint8()),
            "text": pa.array([b.text for b in bodies], _TEXT),
            "data": pa.array([b.data for b in bodies], _TEXT),
            "words": pa.array([b.words for b in bodies], _TEXT),
            "attachments": pa.array([[f.name for f in b.attachments] for b in bodies], pa.list_(_TEXT)),
            "attachment_bytes": pa.array([sum(f.bytes for f in b.attachments) for b in bodies], pa.uint64()),
            "reply_to": pa.array([a.reply_to for a in added], _TEXT),
            "edited_at": pa.array([b.edited_ms for b in bodies], _TIME),
            "recalled": pa.array([int(b.recalled) for b in bodies], pa.uint8()),
            "keep_until": pa.array([keep_until(o.stored_ms, keep_days) for o in origins], pa.uint32()),
            "version": pa.array([version(r.state.epoch, r.state.seq) for r in rows], _UINT128),
        }
    )


def conversations_table(conversations: Iterable[Facts], keep_days: int) -> pa.Table:
    """Table `conversations`."""
    rows = [
        facts.row(one) | {"keep_until": keep_until(one.stored_ms, keep_days), "version": version(one.epoch, one.seq)}
        for one in conversations
    ]
    return pa.table({name: pa.array([r[name] for r in rows], kind) for name, kind in _CONVERSATION.items()})


class _Body(NamedTuple):
    text: str
    attachments: list[ev.Attachment]
    edited_ms: int | None
    recalled: bool
    data: str = ""
    words: str = ""


def _added(origin: Stored) -> ev.MessageAdded:
    if not isinstance(origin.event, ev.MessageAdded):
        raise TypeError(f"{origin.type} at {origin.s}/{origin.seq} isn't a message")
    return origin.event


def _body(state: Stored, added: ev.MessageAdded) -> _Body:
    """What a message says in its newest state; a change without files or data keeps those that were there."""
    match state.event:
        case ev.MessageAdded() as said:
            return _Body(said.text, said.attachments, None, recalled=False, **_told(said.data))
        case ev.MessageEdited() as edited:
            files, told = edited.attachments or added.attachments, edited.data or added.data
            return _Body(edited.text, files, state.at_ms, recalled=False, **_told(told))
        case _:
            return _Body("", [], None, recalled=True)


def _told(told: ev.Data) -> dict[str, str]:
    return {"data": msgspec.json.encode(told).decode(), "words": data.words(told)} if told else {}


def _kinds(kind: Any, names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), kind)


_CONVERSATION: Final[dict[str, Any]] = {
    **_kinds(_TEXT, "tenant conversation channel inbox contact contact_name previous status agent team first_team"),
    **_kinds(_TEXT, "opened_by close_reason"),
    **_kinds(_TIME, "stored_at opened_at first_visitor_at first_bot_at first_agent_at first_resolved_at resolved_at"),
    **_kinds(_TIME, "closed_at last_at rating_requested_at rating_at"),
    **_kinds(pa.int64(), "frt_any_ms frt_bot_ms frt_human_ms frt_handoff_ms queue_wait_ms queue_wait_total_ms"),
    **_kinds(pa.int64(), "handled_ms wrapup_ms first_resolution_ms full_resolution_ms open_time_ms"),
    **_kinds(pa.int64(), "human_rounds_ms bot_rounds_ms"),
    **_kinds(pa.uint32(), "queue_entries human_rounds bot_rounds messages_visitor messages_agent messages_bot"),
    **_kinds(pa.uint32(), "messages_system notes reopens reopens_by_agent transfers reassigned epoch keep_until"),
    **_kinds(pa.uint8(), "one_touch no_touch rating clock_skew"),
    "seq": pa.uint64(),
    "version": _UINT128,
}
