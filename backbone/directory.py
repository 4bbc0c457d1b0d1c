"""The directory: tenants, inboxes, agents, invitations (bucket `directory`, keys `<tenant>.<kind>.<id>`).

An inbox's id and an agent's e-mail are unique in the whole system, by create-only claims under `_` that
name the tenant. Written by nodes and the command line with compare-and-set.
"""

from __future__ import annotations

import re
import time
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from backbone.errors import ConflictError, GoneError, InvalidInputError, NotFoundError
from backbone.ids import check_name, key_hash, new_name, new_secret
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Kept, KeyExistsError, RevisionError
from backbone.nats.link import Link

BUCKET: Final = "directory"
SYSTEM: Final = "_"
INVITATION_LIFE_S: Final = 24 * 3600
VISITED: Final = frozenset({"web", "app"})
"""Channels whose customers come to a node themselves; those of the others come through their provider alone."""

REOPEN_WINDOW_S: Final = 72 * 3600
EMAIL_MOST: Final = 254
NAME_MOST: Final = 80

Role = Literal["admin", "supervisor", "agent"]

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@(?:[^@\s\x00-\x1f][^@\s\x00-\x1f.]*\.[^@\s\x00-\x1f]+|localhost)")


class Tenant(Struct, frozen=True, kw_only=True, tag="tenant"):
    """A company whose customers write."""

    id: str
    name: str


class Inbox(Struct, frozen=True, kw_only=True, tag="inbox"):
    """One account on one channel. `origins`: sites that may show its widget (`*` for any).

    `settings` are the account's, sealed (`backbone.sealing`): JSON of what the channel's `Account` holds.
    """

    id: str
    channel: str
    name: str
    origins: tuple[str, ...] = ("*",)
    accent: str = "#0A6B62"
    greeting: str = ""
    locale: str = ""
    reopen_window_s: int = REOPEN_WINDOW_S
    settings: str = ""


class Agent(Struct, frozen=True, kw_only=True, tag="agent"):
    """Somebody who answers. `password` is an argon2id hash; `capacity` is conversations at once."""

    id: str
    name: str
    email: str
    password: str
    role: Role = "agent"
    team: str = ""
    capacity: int = 6
    locale: str = ""
    active: bool = True


class Claim(Struct, frozen=True, kw_only=True, tag="claim"):
    """Says which tenant an inbox's id or an e-mail belongs to, and the record's own id."""

    tenant: str
    id: str


class Invitation(Struct, frozen=True, kw_only=True, tag="invitation"):
    """Lets whoever holds its secret become an agent of a tenant, once, until `exp` (Unix seconds)."""

    tenant: str
    role: Role
    exp: int


Record = Tenant | Inbox | Agent | Claim | Invitation
"""What the bucket holds, told apart by the tag `type`."""


def directory(link: Link) -> Bucket[Record]:
    """The bucket."""
    return Bucket(link, BUCKET, Record)


def normal_email(email: str) -> str:
    """An e-mail address as it is compared. Raises InvalidInputError `agent.email_invalid`."""
    text = email.strip().casefold()
    if len(text) > EMAIL_MOST or not _EMAIL.fullmatch(text):
        raise InvalidInputError(
            "agent.email_invalid", "Give an e-mail address such as name@example.com.", field="email"
        )
    return text


def login_key(email: str) -> str:
    """The claim of an agent's e-mail."""
    return f"{SYSTEM}.login.{key_hash(normal_email(email))}"


def inbox_key(inbox: str) -> str:
    """The claim of an inbox's id."""
    return f"{SYSTEM}.inbox.{check_name(inbox, 'inbox')}"


def invitation_key(secret: str) -> str:
    """An invitation, found by the hash of its secret."""
    return f"{SYSTEM}.invitation.{key_hash(secret)}"


async def create_tenant(link: Link, tenant: str, name: str) -> bool:
    """Makes a tenant; False if it was there."""
    check_name(tenant, "tenant")
    return await _create(link, subjects.key(tenant, "tenant", tenant), Tenant(id=tenant, name=name))


async def create_inbox(link: Link, tenant: str, inbox: Inbox) -> bool:
    """Makes an inbox; False if this tenant had it. Raises ConflictError if it is another tenant's."""
    await _claim(link, inbox_key(inbox.id), Claim(tenant=tenant, id=inbox.id), "inbox.taken", "inbox")
    return await _create(link, subjects.key(tenant, "inbox", inbox.id), inbox)


async def connect_inbox(link: Link, tenant: str, inbox: Inbox) -> bool:
    """Makes an inbox, or gives the one that is there new settings; whether it is new.

    Raises ConflictError if it is another tenant's, or of another channel.
    """
    if await create_inbox(link, tenant, inbox):
        return True
    kept = await directory(link).get(subjects.key(tenant, "inbox", inbox.id))
    if kept is None or not isinstance(kept.value, Inbox) or kept.value.channel != inbox.channel:
        raise ConflictError("inbox.taken", "There is an inbox of this id on another channel.", field="inbox")
    changed = msgspec.structs.replace(kept.value, name=inbox.name, settings=inbox.settings)
    await directory(link).update(kept.key, changed, kept.revision)
    return False


async def remove_inbox(link: Link, tenant: str, inbox: str, revision: int) -> None:
    """Removes an inbox with its settings. Raises RevisionError if it was changed since `revision`.

    Its id stays the tenant's: nobody else ever gets what is still sent to its address.
    """
    await directory(link).delete(subjects.key(tenant, "inbox", inbox), revision)


async def create_agent(link: Link, tenant: str, agent: Agent) -> Agent:
    """Makes an agent (an empty id is filled in). Raises ConflictError `agent.email_taken`."""
    email, name = normal_email(agent.email), _checked_name(agent.name)
    whole = msgspec.structs.replace(agent, id=agent.id or new_name(), email=email, name=name)
    claim = Claim(tenant=tenant, id=whole.id)
    await _claim(link, login_key(email), claim, "agent.email_taken", "email")
    await _create(link, subjects.key(tenant, "agent", whole.id), whole)
    return whole


async def find_login(link: Link, email: str) -> tuple[str, Agent] | None:
    """The tenant and agent of an e-mail address, None if nobody (active) has it."""
    claim = await directory(link).get(login_key(email))
    if claim is None or not isinstance(claim.value, Claim):
        return None
    agent = await get_agent(link, claim.value.tenant, claim.value.id)
    return (claim.value.tenant, agent) if agent and agent.active else None


async def get_agent(link: Link, tenant: str, agent: str) -> Agent | None:
    """One agent, None if there is none."""
    kept = await directory(link).get(subjects.key(tenant, "agent", agent))
    return kept.value if kept and isinstance(kept.value, Agent) else None


async def find_inbox(link: Link, inbox: str) -> tuple[str, Inbox]:
    """The tenant and record of an inbox. Raises NotFoundError `inbox.not_found`."""
    claim = await directory(link).get(inbox_key(inbox))
    if claim is not None and isinstance(claim.value, Claim):
        kept = await directory(link).get(subjects.key(claim.value.tenant, "inbox", inbox))
        if kept and isinstance(kept.value, Inbox):
            return claim.value.tenant, kept.value
    raise NotFoundError("inbox.not_found", "There is no such inbox.", field="inbox")


async def list_agents(link: Link, tenant: str) -> list[Agent]:
    """All agents of a tenant, by name."""
    agents = [k.value for k in await _all(link, tenant, "agent") if isinstance(k.value, Agent)]
    return sorted(agents, key=lambda a: a.name)


async def list_inboxes(link: Link, tenant: str) -> list[Inbox]:
    """All inboxes of a tenant, by name."""
    inboxes = [k.value for k in await _all(link, tenant, "inbox") if isinstance(k.value, Inbox)]
    return sorted(inboxes, key=lambda i: i.name)


async def get_tenant(link: Link, tenant: str) -> Tenant | None:
    """One tenant, None if there is none."""
    kept = await directory(link).get(subjects.key(tenant, "tenant", tenant))
    return kept.value if kept and isinstance(kept.value, Tenant) else None


async def invite(link: Link, tenant: str, role: Role) -> str:
    """Makes an invitation of 24 hours; returns its secret, which stands nowhere else."""
    secret = new_secret()
    exp = int(time.time()) + INVITATION_LIFE_S
    await directory(link).create(
        invitation_key(secret), Invitation(tenant=check_name(tenant, "tenant"), role=role, exp=exp)
    )
    return secret


async def check_invitation(link: Link, secret: str, agent: Agent) -> Kept[Record]:
    """The invitation's record, if all but the password is as `accept_invitation` takes it.

    Raises GoneError `invitation.gone`, ConflictError `agent.email_taken`, InvalidInputError.
    """
    kept = await directory(link).get(invitation_key(secret))
    if kept is None or not isinstance(kept.value, Invitation) or kept.value.exp < time.time():
        raise _gone()
    _checked_name(agent.name)
    if await directory(link).get(login_key(agent.email)):
        raise ConflictError("agent.email_taken", "Somebody has this e-mail address already.", field="email")
    return kept


async def accept_invitation(link: Link, secret: str, agent: Agent) -> tuple[str, Agent]:
    """Uses up an invitation and makes the agent with its role; returns the tenant and the agent.

    What is refused leaves the invitation as it was. Raises as `check_invitation`.
    """
    bucket = directory(link)
    kept = await check_invitation(link, secret, agent)
    invitation = kept.value
    if not isinstance(invitation, Invitation):
        raise _gone()
    agent = msgspec.structs.replace(agent, id=agent.id or new_name(), role=invitation.role)
    claim = Claim(tenant=invitation.tenant, id=agent.id)
    # The e-mail first, which somebody else may just have taken; then the invitation, by compare-and-set: two who
    # press at once can't both use it.
    await _claim(link, login_key(agent.email), claim, "agent.email_taken", "email")
    try:
        await bucket.delete(kept.key, kept.revision)
    except RevisionError:
        await bucket.delete(login_key(agent.email))
        raise _gone() from None
    return invitation.tenant, await create_agent(link, invitation.tenant, agent)


def _checked_name(name: str) -> str:
    text = name.strip()
    if not text:
        raise InvalidInputError("agent.name_missing", "Give a name that customers may see.", field="name")
    if len(text) > NAME_MOST:
        raise InvalidInputError("agent.name_long", f"Give a name of at most {NAME_MOST} characters.", field="name")
    return text


def _gone() -> GoneError:
    return GoneError("invitation.gone", "The link was used already or has expired; ask for a new one.")


async def _all(link: Link, tenant: str, kind: str) -> list[Kept[Any]]:
    return list(await directory(link).all(subjects.key(tenant, kind) + ".*"))


async def _create(link: Link, key: str, record: Record) -> bool:
    try:
        await directory(link).create(key, record)
    except KeyExistsError:
        return False
    return True


async def _claim(link: Link, key: str, claim: Claim, code: str, field: str) -> None:
    bucket = directory(link)
    try:
        await bucket.create(key, claim)
    except KeyExistsError:
        kept = await bucket.get(key)
        # The same claim again is a retry after a crash between claim and record.
        if kept is None or kept.value != claim:
            raise ConflictError(code, f"This {field} is taken already.", field=field) from None
