"""Stored bytes to what the tables need: the envelope, and the event if its type is known. Pure.

Whatever lies in the log gets a row: bytes that can't be read keep theirs with type `unknown`, and the
fault is told, so that the loader goes on and somebody looks.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import msgspec

from backbone import events as ev
from backbone import subjects
from backbone.reader import Entry

UNKNOWN: Final = "unknown"
LATEST_MS: Final = 9_000_000_000_000
"""Year 2255: later times don't fit DateTime64(3)."""


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


def decode(entry: Entry, epoch: int) -> Stored:
    """The entry as a row; never raises for what the bytes hold. `fault` is empty or says what is wrong."""
    raw = entry.raw
    try:
        event: ev.Event | None = ev.parse(raw)
        envelope: ev.Event | ev.Envelope = event  # type: ignore[assignment]
        kind = type(event).__struct_config__.tag
        fault = ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        event = None
        try:
            envelope = ev.parse_envelope(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as worse:
            return _faulty(entry, epoch, UNKNOWN, str(worse))
        kind = envelope.type
        fault = str(wrong) if kind in ev.TYPES else ""
    where = subjects.parse_chat(entry.subject)
    id_ = _uuid(envelope.id)
    if fault or id_ is None or not 0 <= envelope.at < LATEST_MS:
        return _faulty(entry, epoch, kind or UNKNOWN, fault or "id isn't a UUID, or at isn't a time in ms")
    if (envelope.tenant, envelope.channel, envelope.conv) != where[1:]:
        return _faulty(entry, epoch, kind or UNKNOWN, f"tenant, channel or conv don't fit subject {entry.subject}")
    return Stored(
        entry.s,
        epoch,
        entry.seq,
        entry.at_ms,
        where.tenant,
        where.channel,
        where.conv,
        id_,
        str(kind),
        envelope.by.kind,
        envelope.by.id,
        envelope.at,
        raw,
        event,
        "",
    )


def _faulty(entry: Entry, epoch: int, kind: str, fault: str) -> Stored:
    where = subjects.parse_chat(entry.subject)
    return Stored(
        entry.s,
        epoch,
        entry.seq,
        entry.at_ms,
        where.tenant,
        where.channel,
        where.conv,
        hashlib.sha256(entry.raw).digest()[:16],
        kind,
        "",
        "",
        entry.at_ms,
        entry.raw,
        None,
        fault,
    )


def _uuid(text: str) -> bytes | None:
    """The 16 bytes of a UUID in its usual form, None for anything else."""
    if len(text) != 36 or text.count("-") != 4:  # noqa: PLR2004 - the form of RFC 9562
        return None
    try:
        found = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    return found if len(found) == 16 else None  # noqa: PLR2004
