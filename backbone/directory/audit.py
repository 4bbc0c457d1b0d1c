"""Who changed what: every version of a record, and every deletion, as the stream AUDIT keeps them, read as differences.

Works on the stored JSON, so that a newer version's fields are told too. No secret is in it: passwords and settings are
told by whether there is one, and that it became another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, structs

from backbone.directory.records import SYSTEM
from backbone.directory.secret import print_of
from backbone.directory.writer import BEFORE, BY, WHY
from backbone.errors import UnavailableError
from backbone.events import Actor
from backbone.nats import streams, subjects
from backbone.nats.feed import Delivery, Feed
from backbone.nats.link import Link
from backbone.nats.wire.header import header_value, is_reflected

READ_WITHIN_S: Final = 60.0
ENTRIES_MOST: Final = 10_000
SET: Final = "(set)"
SET_ANEW: Final = "(another)"
_UNTOLD: Final = frozenset({"type", "former"})
"""Fields that tell nobody anything: the tag, and the print of a password."""

_INVITATION: Final = "invitation"
_AGENT: Final = "agent"
_RESET: Final = "reset"

NOT_KEPT: Final = "(not kept)"
"""In place of what a field was in a version that was stored before AUDIT began."""

_SECRETS: Final = {"password": "password_id", "settings": "sealed", "hash": ""}
"""Fields that hold a secret, or did in earlier versions, and those that name it since."""


class Difference(Struct, frozen=True):
    """One field: as it was (None: there was none) and as it is now."""

    field: str
    before: Any
    after: Any


class Entry(Struct, frozen=True, kw_only=True):
    """One change. `seq`: its place in AUDIT; `at`: UTC ms; `by` is None where an earlier version wrote it, which didn't
    say.
    """

    seq: int
    at: int
    tenant: str
    kind: str
    id: str
    by: Actor | None
    why: str
    what: Literal["made", "changed", "removed"]

    fields: tuple[Difference, ...]


def differences(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[Difference, ...]:
    """What two versions of a record (None: there is none) differ in, field by field. Pure; no secret is in it."""
    was, now = _without_secrets(before or {}), _without_secrets(after or {})
    found = []
    for field in sorted(was.keys() | now.keys()):
        one, other = was.get(field), now.get(field)
        if one == other:
            continue
        if field in _SECRETS:
            one, other = SET if one else None, (SET_ANEW if one else SET) if other else None
        found.append(Difference(field, one, other))
    return tuple(found)


class Wanted(Struct, frozen=True, kw_only=True):
    """Which entries: of `tenant`, of records of `kind` and `id`, by the actor of the id `by` (each, where empty, of
    all), since a time (UTC ms), before a place in AUDIT (0: up to its end).

    An agent's are those of links for their password, too.
    """

    tenant: str = ""
    kind: str = ""
    id: str = ""
    by: str = ""
    since_ms: int = 0
    before: int = 0

    def filters(self) -> tuple[str, ...]:
        """The subjects of AUDIT that hold them: what the server needn't send costs nothing."""
        if not self.tenant:
            return (f"{streams.AUDIT_OF_DIRECTORY}.>",)
        identity, found = self.id or "*", []
        if self.kind != _INVITATION:
            found.append(subjects.key(self.tenant) + f".{self.kind or '*'}.{identity}")
        if self.kind == _AGENT and self.id:
            found.append(subjects.key(self.tenant) + f".{_RESET}.{identity}")
        if self.kind in {"", _INVITATION}:
            found.append(f"{SYSTEM}.{_INVITATION}.{identity}")
        return tuple(f"{streams.AUDIT_OF_DIRECTORY}.{one}" for one in found)

    def holds(self, entry: Entry) -> bool:
        """Whether one is among them, of those that the filters let through."""
        return (
            entry.at >= self.since_ms
            and self.tenant in {"", entry.tenant}
            and (not self.by or (entry.by is not None and entry.by.id == self.by))
            and (not self.before or entry.seq < self.before)
        )


EVERYTHING: Final = Wanted()


class Reading:
    """Folds deliveries of AUDIT, ascending, into entries: the newest `most` of those that are wanted."""

    def __init__(self, wanted: Wanted = EVERYTHING, most: int = ENTRIES_MOST) -> None:
        self._wanted = wanted
        self._last: dict[bytes, dict[str, Any]] = {}
        self.entries: deque[Entry] = deque(maxlen=most)

    def take(self, one: Delivery) -> None:
        """The next of the stream. What isn't a record is skipped."""
        if is_reflected(one.header):
            return
        before = self._last.pop(one.subject, None)
        after = _decoded(one.data)
        if after is not None:
            self._last[one.subject] = after
        _, _, owner, kind, identity = one.subject.decode(errors="replace").split(".", 4)
        record = after or before or {}
        if record.get("type", kind) != kind:
            return  # A claim: it says whose an id is, and comes with its record.
        tenant = str(record.get("tenant", "")) if owner == SYSTEM else owner
        fields = differences(before, after)
        if fields or after is None:
            is_known = before is not None or header_value(one.header, BEFORE.encode()) in {None, b"0"}
            if not is_known:
                fields = tuple(structs.replace(each, before=NOT_KEPT) for each in fields)
            what: Literal["made", "changed", "removed"] = (
                "removed" if after is None else "made" if before is None and is_known else "changed"
            )
            by, why = _by(one.header), _why(one.header)
            entry = Entry(
                seq=one.seq,
                at=one.at_ms,
                tenant=tenant,
                kind=kind,
                id=identity,
                by=by,
                why=why,
                what=what,
                fields=fields,
            )
            if self._wanted.holds(entry):
                self.entries.append(entry)


async def read(
    link: Link, wanted: Wanted = EVERYTHING, most: int = ENTRIES_MOST, *, within_s: float = READ_WITHIN_S
) -> list[Entry]:
    """The newest of those that are wanted, the oldest of them first. Raises UnavailableError where AUDIT can't be read
    in time.
    """

    async def examine(_info: dict[str, Any], next_seq: int) -> int:
        return next_seq

    # One reading a filter: each comes ascending, and they are put together in the end.
    readings = {one: Reading(wanted, most) for one in wanted.filters()}
    feeds = [
        Feed(link, streams.AUDIT, reading.take, start=1, filter_subject=one, examine=examine)
        for one, reading in readings.items()
    ]
    try:
        async with asyncio.timeout(within_s):
            await asyncio.gather(*(feed.caught_up.wait() for feed in feeds))
    except TimeoutError:
        raise UnavailableError(
            "log.unavailable",
            f"The audit couldn't be read within {within_s:g} s: it is long (ask for one kind or record), NATS is away, "
            "or its stream AUDIT isn't there (`trunkline init` makes it).",
            retry_after_ms=1000,
        ) from None
    finally:
        await asyncio.gather(*(feed.close() for feed in feeds))
    found = sorted((entry for reading in readings.values() for entry in reading.entries), key=lambda one: one.seq)
    return found[-most:]


def _without_secrets(record: dict[str, Any]) -> dict[str, Any]:
    """The record with a print in place of each secret, wherever it is stored."""
    shown = {key: value for key, value in record.items() if key not in _UNTOLD}
    for field, names in _SECRETS.items():
        inside, named = shown.pop(field, ""), shown.pop(names, "")
        if inside or named:
            shown[field] = print_of(str(inside)) if inside else named
    return shown


def _decoded(data: bytes) -> dict[str, Any] | None:
    try:
        record = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if isinstance(record, dict) else None


def _by(header: bytes | None) -> Actor | None:
    try:
        return msgspec.json.decode(header_value(header, BY.encode()) or b"", type=Actor)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _why(header: bytes | None) -> str:
    try:
        return msgspec.json.decode(header_value(header, WHY.encode()) or b"", type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
