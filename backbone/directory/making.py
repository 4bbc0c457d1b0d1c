"""Making what a tenant begins with: itself, inboxes, agents, invitations. Each goes through the writer."""

from __future__ import annotations

import time

import msgspec

from backbone.directory import agent as agents
from backbone.directory.agent import Agent, Role, normal_email
from backbone.directory.claim import Claim
from backbone.directory.inbox import Inbox
from backbone.directory.invitation import INVITATION_LIFE_S, Invitation
from backbone.directory.records import (
    Record,
    directory,
    inbox_key,
    invitation_key,
    key_of,
    login_key,
    owned_key,
)
from backbone.directory.tenant import Tenant
from backbone.directory.writer import OPERATOR, change, remove
from backbone.errors import ConflictError, GoneError
from backbone.events import Actor
from backbone.ids import check_name, new_name, new_secret
from backbone.nats.buckets import Kept, KeyExistsError, RevisionError
from backbone.nats.link import Link


async def create_tenant(link: Link, tenant: str, name: str, by: Actor = OPERATOR) -> bool:
    """Makes a tenant; False if it was there."""
    record = Tenant(id=tenant, name=name)
    return await _create(link, by, key_of(tenant, record), record)


async def create_inbox(link: Link, tenant: str, inbox: Inbox, by: Actor = OPERATOR, why: str = "") -> bool:
    """Makes an inbox; False if this tenant had it. Raises ConflictError if it is another tenant's."""
    await _claim(link, by, inbox_key(inbox.id), Claim(tenant=tenant, id=inbox.id), "inbox.taken", "inbox")
    return await _create(link, by, key_of(tenant, inbox), inbox, why)


async def connect_inbox(link: Link, tenant: str, inbox: Inbox, by: Actor = OPERATOR) -> bool:
    """Makes an inbox, or gives the one that is there new settings; whether it is new.

    Raises ConflictError if it is another tenant's, or of another channel.
    """
    if await create_inbox(link, tenant, inbox, by):
        return True
    kept = await directory(link).get(key_of(tenant, inbox))
    if kept is None or not isinstance(kept.value, Inbox) or kept.value.channel != inbox.channel:
        raise ConflictError("inbox.taken", "There is an inbox of this id on another channel.", field="inbox")
    changed = msgspec.structs.replace(kept.value, name=inbox.name, settings=inbox.settings, sealed="")
    await change(link, by, "", kept.key, changed, kept.revision)
    return False


async def remove_inbox(link: Link, tenant: str, inbox: str, revision: int, by: Actor = OPERATOR) -> None:
    """Removes an inbox with its settings. Raises ChangedError if it was changed since `revision`.

    Its id stays the tenant's: nobody else ever gets what is still sent to its address.
    """
    await remove(link, by, "", owned_key(tenant, "inbox", inbox), revision)


async def create_agent(link: Link, tenant: str, agent: Agent, by: Actor = OPERATOR) -> Agent:
    """Makes an agent (an empty id is filled in). Raises ConflictError `agent.email_taken`, InvalidInputError."""
    whole = agents.check(msgspec.structs.replace(agent, id=agent.id or new_name(), email=normal_email(agent.email)))
    claim = Claim(tenant=tenant, id=whole.id)
    await _claim(link, by, login_key(whole.email), claim, "agent.email_taken", "email")
    await _create(link, by, key_of(tenant, whole), whole)
    return whole


async def invite(  # noqa: PLR0917 - as the writer has them
    link: Link, tenant: str, role: Role, by: Actor = OPERATOR, team: str = "", why: str = ""
) -> str:
    """Makes an invitation of 24 hours; returns its secret, which stands nowhere else."""
    secret = new_secret()
    exp = int(time.time()) + INVITATION_LIFE_S
    invitation = Invitation(tenant=check_name(tenant, "tenant"), role=role, exp=exp, team=team)
    await change(link, by, why, invitation_key(secret), invitation, 0)
    return secret


async def check_invitation(link: Link, secret: str, agent: Agent) -> Kept[Record]:
    """The invitation's record, if all but the password is as `accept_invitation` takes it.

    Raises GoneError `invitation.gone`, ConflictError `agent.email_taken`, InvalidInputError.
    """
    kept = await directory(link).get(invitation_key(secret))
    if kept is None or not isinstance(kept.value, Invitation) or kept.value.exp < time.time():
        raise _gone()
    agents.checked_name(agent.name)
    if await directory(link).get(login_key(agent.email)):
        raise ConflictError("agent.email_taken", "Somebody has this e-mail address already.", field="email")
    return kept


async def accept_invitation(link: Link, secret: str, agent: Agent) -> tuple[str, Agent]:
    """Uses up an invitation and makes the agent with its role; returns the tenant and the agent.

    What is refused leaves the invitation as it was. Raises as `check_invitation`.
    """
    kept = await check_invitation(link, secret, agent)
    invitation = kept.value
    if not isinstance(invitation, Invitation):
        raise _gone()
    agent = msgspec.structs.replace(agent, id=agent.id or new_name(), role=invitation.role, team=invitation.team)
    agent = agents.check(agent)
    by, why = Actor("agent", agent.id, agent.name), "invitation accepted"
    claim = Claim(tenant=invitation.tenant, id=agent.id)
    # The e-mail first, which somebody else may just have taken; then the invitation, by compare-and-set: two who
    # press at once can't both use it.
    claimed = await _claim(link, by, login_key(agent.email), claim, "agent.email_taken", "email")
    try:
        await remove(link, by, why, kept.key, kept.revision)
    except RevisionError:
        await remove(link, by, why, login_key(agent.email), claimed)
        raise _gone() from None
    return invitation.tenant, await create_agent(link, invitation.tenant, agent, by)


def _gone() -> GoneError:
    return GoneError("invitation.gone", "The link was used already or has expired; ask for a new one.")


async def _create(link: Link, by: Actor, key: str, record: Record, why: str = "") -> bool:
    try:
        await change(link, by, why, key, record, 0)
    except KeyExistsError:
        return False
    return True


async def _claim(link: Link, by: Actor, key: str, claim: Claim, code: str, field: str) -> int:  # noqa: PLR0917
    """The claim's revision."""
    try:
        return await change(link, by, "", key, claim, 0)
    except KeyExistsError:
        kept = await directory(link).get(key)
        # The same claim again is a retry after a crash between claim and record.
        if kept is None or kept.value != claim:
            raise ConflictError(code, f"This {field} is taken already.", field=field) from None
        return kept.revision
