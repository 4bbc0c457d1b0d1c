"""Stored bytes to what the tables need: the envelope, and the event if its type is known. Pure.

Whatever lies in the log gets a row: bytes that can't be read keep theirs with type `unknown`, and the
fault is told, so that the loader goes on and somebody looks.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import msgspec

from backbone import events as ev
from backbone.nats import subjects
from backbone.nats.reader import Entry

UNKNOWN: Final = "unknown"
LATEST_MS: Final = 9_000_000_000_000
"""Year 2255: later times don't fit DateTime64(3)."""
_TAGS: Final = {kind: tag for tag, kind in ev.TYPES.items()}
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Stored(NamedTuple):
    """One event of the log. `id` is 16 bytes, times are UTC ms; `event` is None for an unknown type or a fault.

    Tenant, channel and conversation come from the subject, which the server has checked against the
    writer's permissions; an envelope that says otherwise is a fault.
    """

    s: str
    epoch: int
    seq: int
    stored_ms: int
    tenant: str
    channel: str
    conv: str
    id: bytes
    type: str
    actor_kind: str
    actor: str
    at_ms: int
    raw: bytes
    event: ev.Event | None
    fault: str


class Reading(NamedTuple):
    """What bytes say on their subject. `fault` is empty, or says why `event` must not be believed."""

    type: str
    id: bytes
    envelope: ev.Event | ev.Envelope | None
    event: ev.Event | None
    fault: str


def read(raw: bytes, tenant: str, channel: str, conv: str) -> Reading:
    """Reads stored bytes that lay on the subject of `conv`; never raises for what they hold."""
    try:
        event = ev.parse(raw)
    except _UNREADABLE as wrong:
        try:
            envelope = ev.parse_envelope(raw)
        except _UNREADABLE as worse:
            return Reading(UNKNOWN, b"", None, None, str(worse))
        # A type that this version doesn't know is no fault; a known one that doesn't fit its Struct is.
        id_ = _uuid(envelope.id)
        fault = str(wrong) if envelope.type in ev.TYPES else _misfit(envelope, id_, tenant, channel, conv)
        return Reading(envelope.type or UNKNOWN, id_, envelope, None, fault)
    id_ = _uuid(event.id)
    fault = _misfit(event, id_, tenant, channel, conv)
    return Reading(_TAGS[type(event)], id_, event, None if fault else event, fault)


def decode(entry: Entry, epoch: int) -> Stored:
    """The entry as a row. With a fault it is dated by the stream and named by the hash of its bytes."""
    where = subjects.parse_chat(entry.subject)
    kind, id_, envelope, event, fault = read(entry.raw, where.tenant, where.channel, where.conv)
    place = (entry.s, epoch, entry.seq, entry.at_ms, where.tenant, where.channel, where.conv)
    if fault or envelope is None:
        digest = hashlib.sha256(entry.raw).digest()[:16]
        return Stored(*place, digest, kind, "", "", entry.at_ms, entry.raw, None, fault)
    return Stored(*place, id_, kind, envelope.by.kind, envelope.by.id, envelope.at, entry.raw, event, "")


def _misfit(envelope: ev.Event | ev.Envelope, id_: bytes, tenant: str, channel: str, conv: str) -> str:
    if (envelope.tenant, envelope.channel, envelope.conv) != (tenant, channel, conv):
        return "tenant, channel or conv of the event aren't those of its subject"
    if not id_:
        return "id isn't a UUID"
    if not 0 <= envelope.at < LATEST_MS:
        return "at isn't a time in ms"
    return ""


def _uuid(text: str) -> bytes:
    """The 16 bytes of a UUID in its usual form, none for anything else."""
    if len(text) != 36 or text.count("-") != 4:
        return b""
    try:
        found = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return b""
    return found if len(found) == 16 else b""
