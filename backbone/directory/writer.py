"""The one writer of the directory: checks a record, stores it by compare-and-set, says who changed it and why in the
headers of its message (which the stream AUDIT keeps), and keeps secrets apart.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final, NamedTuple

import msgspec

from backbone.access import ROLES
from backbone.directory import records, secret
from backbone.directory.agent import Agent
from backbone.directory.calendar import Calendar, zones
from backbone.directory.fields import invalid
from backbone.directory.inbox import Inbox
from backbone.directory.invitation import Invitation
from backbone.directory.records import Record, directory, owned_key
from backbone.directory.secret import Secret
from backbone.directory.team import Team
from backbone.errors import ConflictError, InvalidInputError
from backbone.events import Actor
from backbone.nats.buckets import Bucket, Kept, KeyExistsError, RevisionError, UnreadableError
from backbone.nats.link import Link

BY: Final = "Trunkline-By"
WHY: Final = "Trunkline-Why"
BEFORE: Final = "Trunkline-Before"
"""Header: the revision that it takes the place of; 0: there was none."""

WHY_MOST: Final = 200
OPERATOR: Final = Actor("system", "trunkline", "trunkline")
"""Whoever sits at the command line."""

CHANGED: Final = "Somebody changed it since you read it. Read it again and make your change to what it is now."


class ChangedError(RevisionError):
    """A lost update: the record moved since it was read."""

    code = "record.changed"


class _Reference(NamedTuple):
    field: str
    kind: str
    id: str


async def change(  # noqa: PLR0917 - who, why, what, where, since when
    link: Link, by: Actor, why: str, key: str, record: Record, revision: int
) -> int:
    """Stores a record under its key if that is still at `revision` (0: isn't there); returns the new one.

    Raises InvalidInputError naming the field, ChangedError `record.changed`; KeyExistsError with `revision` 0.
    """
    bucket = directory(link)
    if isinstance(record, Calendar):
        await asyncio.to_thread(zones)
    checked = records.check(record)
    before = await _before(bucket, key, revision)
    await _check_references(bucket, key, checked, before)
    headers = headers_of(by, why, revision)
    if not isinstance(checked, Agent | Inbox):
        return await _store(bucket, key, checked, revision, headers)
    tenant = key.split(".", 1)[0]
    parts = secret.apart(tenant, checked)
    if parts.value:
        # Under the print of its own bytes: whoever writes there writes the same.
        await bucket.put(parts.key, Secret(value=parts.value))
    try:
        stored = await _store(bucket, key, parts.record, revision, headers, forget=_has_secret_inside(before))
    except ConflictError:
        if parts.value and not (isinstance(before, Agent | Inbox) and secret.key_for(tenant, before) == parts.key):
            await bucket.delete(parts.key, purge=True)
        raise
    if isinstance(before, Agent | Inbox) and (former := secret.key_for(tenant, before)) and former != parts.key:
        await bucket.delete(former, purge=True)
    return stored


async def remove(link: Link, by: Actor, why: str, key: str, revision: int) -> None:
    """Deletes a record if its key is still at `revision`, and its secret. Raises ChangedError `record.changed`."""
    bucket = directory(link)
    before = await _before(bucket, key, revision)
    try:
        await bucket.delete(key, revision, headers=headers_of(by, why, revision), purge=_has_secret_inside(before))
    except RevisionError:
        raise ChangedError(message=CHANGED) from None
    if isinstance(before, Agent | Inbox) and (former := secret.key_for(key.split(".", 1)[0], before)):
        await bucket.delete(former, purge=True)


def headers_of(by: Actor, why: str, revision: int) -> tuple[tuple[str, str], ...]:
    """Who and why, as headers: JSON in ASCII, so that what a user typed neither ends a header nor begins one."""
    if len(why) > WHY_MOST:
        raise InvalidInputError("record.invalid", f"Give a reason of {WHY_MOST} characters at most.", field="why")
    who = {"kind": by.kind, "id": by.id, "name": by.name[:80]}
    return ((BY, json.dumps(who)), (WHY, json.dumps(why)), (BEFORE, str(revision)))


async def with_secret(link: Link, kept: Kept[Record]) -> Kept[Record]:
    """A record with its secret filled in, from wherever that is stored; without, if it has none."""
    record = kept.value
    if isinstance(record, Agent) and not record.password and record.password_id:
        found = await _secret(link, kept.key, record)
        return kept._replace(value=msgspec.structs.replace(record, password=found))
    if isinstance(record, Inbox) and not record.settings and record.sealed:
        found = await _secret(link, kept.key, record)
        return kept._replace(value=msgspec.structs.replace(record, settings=found))
    return kept


async def _secret(link: Link, key: str, record: Agent | Inbox) -> str:
    kept = await directory(link).get(secret.key_for(key.split(".", 1)[0], record))
    return kept.value.value if kept and isinstance(kept.value, Secret) else ""


async def _store(
    bucket: Bucket[Record],
    key: str,
    record: Record,
    revision: int,
    headers: tuple[tuple[str, str], ...],
    *,
    forget: bool = False,
) -> int:
    if not revision:
        return await bucket.create(key, record, headers=headers)
    try:
        return await bucket.update(key, record, revision, headers=headers, forget=forget)
    except RevisionError:
        raise ChangedError(message=CHANGED) from None


async def _before(bucket: Bucket[Record], key: str, revision: int) -> Record | None:
    if not revision:
        return None
    try:
        kept = await bucket.get(key)
    except UnreadableError:
        # Another version's: whoever overwrites it named its revision.
        return None
    if kept is None or kept.revision != revision:
        raise ChangedError(message=CHANGED)
    return kept.value


def _has_secret_inside(before: Record | None) -> bool:
    """An earlier version stored it there: then the bucket's history of the key goes with the write."""
    return bool(isinstance(before, Agent) and before.password) or bool(isinstance(before, Inbox) and before.settings)


async def _check_references(bucket: Bucket[Record], key: str, record: Record, before: Record | None) -> None:
    """What a record newly names must be there; what it named before may be gone meanwhile."""
    tenant = record.tenant if isinstance(record, Invitation) else key.split(".", 1)[0]
    for one in sorted(_references(record) - (_references(before) if before else set())):
        if await bucket.get(owned_key(tenant, one.kind, one.id)) is None:
            raise invalid(one.field, f"There is no {one.kind} {one.id}; make it first or name another.")


def _references(record: Record) -> set[_Reference]:
    match record:
        case Agent():
            found = {_Reference("teams", "team", one) for one in record.teams}
            found |= {_Reference("inboxes", "inbox", one) for one in record.inboxes}
            return found | _role_and_team(record.role, record.team)
        case Invitation():
            return _role_and_team(record.role, record.team)
        case Inbox():
            return _role_and_team("", record.team)
        case Team():
            return {_Reference("calendar", "calendar", record.calendar)} if record.calendar else set()
        case _:
            return set()


def _role_and_team(role: str, team: str) -> set[_Reference]:
    found = {_Reference("team", "team", team)} if team else set()
    return found | ({_Reference("role", "role", role)} if role and role not in ROLES else set())


__all__ = [
    "BEFORE",
    "BY",
    "OPERATOR",
    "WHY",
    "ChangedError",
    "KeyExistsError",
    "change",
    "headers_of",
    "remove",
    "with_secret",
]
