"""Reading the directory: one record, or all of a kind of a tenant's. Each asks the bucket; `Mirror` keeps them live."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeVar

from backbone.directory.agent import Agent
from backbone.directory.claim import Claim
from backbone.directory.inbox import Inbox
from backbone.directory.records import KINDS, Owned, Record, directory, inbox_key, login_key
from backbone.directory.role import CustomRole
from backbone.directory.tenant import Tenant
from backbone.directory.writer import with_secret
from backbone.errors import NotFoundError
from backbone.nats import subjects
from backbone.nats.buckets import Kept
from backbone.nats.link import Link

O = TypeVar("O", bound=Owned)  # noqa: E741 - owned


async def find_login(link: Link, email: str) -> tuple[str, Agent] | None:
    """The tenant and agent of an e-mail address, with its password's hash; None if nobody (active) has it."""
    claim = await directory(link).get(login_key(email))
    if claim is None or not isinstance(claim.value, Claim):
        return None
    kept = await directory(link).get(subjects.key(claim.value.tenant, "agent", claim.value.id))
    agent = (await with_secret(link, kept)).value if kept else None
    return (claim.value.tenant, agent) if isinstance(agent, Agent) and agent.active else None


async def get_agent(link: Link, tenant: str, agent: str) -> Agent | None:
    """One agent, None if there is none."""
    return await _get(link, Agent, tenant, agent)


async def get_tenant(link: Link, tenant: str) -> Tenant | None:
    """One tenant, None if there is none."""
    return await _get(link, Tenant, tenant, tenant)


async def get_role(link: Link, tenant: str, role: str) -> CustomRole | None:
    """A custom role, None if there is none."""
    return await _get(link, CustomRole, tenant, role)


async def get_whole(link: Link, key: str) -> Kept[Record] | None:
    """The record of a key with its revision, and with its secret where it has one."""
    kept = await directory(link).get(key)
    return await with_secret(link, kept) if kept else None


async def find_inbox(link: Link, inbox: str) -> tuple[str, Inbox]:
    """The tenant and record of an inbox, without its settings. Raises NotFoundError `inbox.not_found`."""
    claim = await directory(link).get(inbox_key(inbox))
    if claim is not None and isinstance(claim.value, Claim):
        found = await _get(link, Inbox, claim.value.tenant, inbox)
        if found is not None:
            return claim.value.tenant, found
    raise NotFoundError("inbox.not_found", "There is no such inbox.", field="inbox")


async def list_agents(link: Link, tenant: str) -> list[Agent]:
    """All agents of a tenant, by name."""
    return await list_all(link, Agent, tenant)


async def list_inboxes(link: Link, tenant: str) -> list[Inbox]:
    """All inboxes of a tenant, by name, without their settings."""
    return await list_all(link, Inbox, tenant)


async def list_tenants(link: Link) -> list[Tenant]:
    """All tenants, by id."""
    found = [kept.value for kept in await directory(link).all("*.tenant.*")]
    return sorted((one for one in found if isinstance(one, Tenant)), key=attrgetter("id"))


async def list_kept(link: Link, kind: type[O], tenant: str) -> Sequence[Kept[O]]:
    """All records of a kind of a tenant with their revisions, by id."""
    name = next(name for name, known in KINDS.items() if known is kind)
    found = await directory(link).all(subjects.key(tenant, name) + ".*")
    return [Kept(one.key, one.value, one.revision) for one in found if isinstance(one.value, kind)]


async def list_all(link: Link, kind: type[O], tenant: str) -> list[O]:
    """All records of a kind of a tenant, by name."""
    return sorted((one.value for one in await list_kept(link, kind, tenant)), key=attrgetter("name"))


async def _get(link: Link, kind: type[O], tenant: str, identity: str) -> O | None:
    name = next(name for name, known in KINDS.items() if known is kind)
    kept = await directory(link).get(subjects.key(tenant, name, identity))
    return kept.value if kept and isinstance(kept.value, kind) else None
