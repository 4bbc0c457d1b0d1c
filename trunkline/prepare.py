"""Makes what a new system needs: streams, buckets, tenant `main`, inbox `web`, an admin. Safe to repeat."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from adapters.channels.kit.settings import ChannelSettings
from backbone import directory
from backbone.accounts import about, registry
from backbone.directory import Agent, Inbox, Invitation
from backbone.nats import epochs, streams
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.settings import Common, load
from node.entry.passwords import hash_password
from trunkline.datafolder import keep_private

TENANT: Final = "main"
INBOX: Final = "web"

DEMO_AGENTS: Final = (
    Agent(id="linxiao", name="林晓", email="linxiao@demo.example", password="", role="supervisor", locale="zh-CN"),
    Agent(id="zhouyuan", name="周远", email="zhouyuan@demo.example", password="", locale="zh-CN"),
    Agent(id="emma", name="Emma Clarke", email="emma@demo.example", password="", locale="en"),
)


class Login(Struct):
    """How an agent of the demo signs in."""

    name: str
    email: str
    password: str


class Prepared(Struct):
    """What was made. `invitation` is empty once there is an admin; its secret stands nowhere else."""

    made: list[str]
    admin: str
    invitation: str
    agents: list[Login]
    log: dict[str, int] = {}
    """Where each stream ended when the server was started (its two digits: the last sequence)."""


async def prepare(
    link: Link, common: Common, *, email: str = "", password: str = "", demo: list[Login] | None = None
) -> Prepared:
    """Make what is missing. `email` and `password` name the first admin, `demo` the agents of the demo.

    Raises InvalidInputError for an address or password that can't be, UnavailableError without JetStream.
    """
    made = await streams.ensure(link, common.log_streams(), common.copies(), common.files_bytes)
    ended = await _ended(link, common)
    await about.publish(link, await asyncio.to_thread(_installed))
    await directory.create_tenant(link, TENANT, "Main")
    await directory.create_inbox(link, TENANT, Inbox(id=INBOX, channel="web", name="Web"))
    admin = await _first_admin(link, email, password)
    invitation = "" if admin else await _only_invitation(link, TENANT)
    for agent, login in zip(DEMO_AGENTS, demo or [], strict=False):
        if await directory.get_agent(link, TENANT, agent.id) is None:
            whole = msgspec.structs.replace(agent, password=await hash_password(login.password))
            await directory.create_agent(link, TENANT, whole)
    return Prepared(made=made, admin=admin, invitation=invitation, agents=demo or [], log=ended)


class MadeTenant(Struct):
    """Whether the tenant is new, and the secret of a link for its first admin; empty once it has one."""

    made: bool
    invitation: str


async def add_tenant(link: Link, tenant: str, name: str) -> MadeTenant:
    """Makes a tenant with an inbox of its id for the widget. Safe to repeat. Raises ConflictError `inbox.taken`."""
    wanted = Inbox(id=tenant, channel="web", name=name)
    # The inbox's id first, which is unique in the whole system: another tenant's refuses all of it.
    await directory.create_inbox(link, tenant, wanted)
    made = await directory.create_tenant(link, tenant, name)
    has_admin = any(_is_admin(agent) for agent in await directory.list_agents(link, tenant))
    return MadeTenant(made, "" if has_admin else await _only_invitation(link, tenant))


def _is_admin(agent: Agent) -> bool:
    return agent.role in {"owner", "admin"} and agent.active


async def _ended(link: Link, common: Common) -> dict[str, int]:
    """Where the log ended that the server found; nobody who starts after this writes into one that was put back."""
    lineage = Lineage(link, common.log_streams(), "init", may_begin=True, is_first=common.first)
    await lineage.run()
    await lineage.known()
    states = {s: await epochs.stream_state(link, streams.chat_stream(s)) for s in common.log_streams()}
    return {s: state.epochs.stretches[-1][1] - 1 for s, state in states.items()}


def _installed() -> list[about.About]:
    """What each installed channel says of itself; nodes load none of them."""
    settings = load(ChannelSettings, "channel")
    return about.all_of(registry.discover(settings.plugins), settings.public_url)


def demo_logins(file: Path) -> list[Login]:
    """The logins of the demo's agents: passwords made once and kept in `file`, before anybody has them."""
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=list[Login])
    logins = [Login(name=a.name, email=a.email, password=secrets.token_urlsafe(9)) for a in DEMO_AGENTS]
    keep_private(file, msgspec.json.encode(logins).decode())
    return logins


async def _first_admin(link: Link, email: str, password: str) -> str:
    """The e-mail address of an admin, made now if an address is given and there is none; empty without."""
    admins = [a.email for a in await directory.list_agents(link, TENANT) if _is_admin(a)]
    if admins or not email:
        return admins[0] if admins else ""
    hashed = await hash_password(password)
    agent = Agent(id="", name=email.partition("@")[0], email=email, password=hashed, role="admin")
    return (await directory.create_agent(link, TENANT, agent)).email


async def _only_invitation(link: Link, tenant: str) -> str:
    """A fresh invitation for the first admin; the ones before it open nothing any more."""
    bucket = directory.directory(link)
    for kept in await bucket.all(f"{directory.SYSTEM}.invitation.*"):
        found = kept.value
        if isinstance(found, Invitation) and _is_superseded(found, tenant):
            await directory.remove(link, directory.OPERATOR, "a newer invitation", kept.key, kept.revision)
    return await directory.invite(link, tenant, "admin")


def _is_superseded(invitation: Invitation, tenant: str) -> bool:
    return (invitation.tenant, invitation.role) == (tenant, "admin") or invitation.exp < time.time()
