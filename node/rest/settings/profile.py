"""`/api/v1/me`: who one is, one's name, language and password."""

from __future__ import annotations

import time
from typing import Final

import structlog
from msgspec import Struct, structs

from backbone import directory
from backbone.access import actions_of
from backbone.directory import Agent
from backbone.errors import NotAuthenticatedError, TrunklineError
from backbone.nats.buckets import Kept
from node.entry.origins import network
from node.rest.contract import writing
from node.rest.contract.api import Ask, route
from node.rest.sessions import Identity, identity_of
from node.rest.settings.nouns import Why

_log = structlog.get_logger("node.entry.sessions")


class ProfileIn(Struct, kw_only=True):
    """All that one changes of oneself. `locale`: a language such as zh-CN; empty: that of the browser."""

    name: str
    locale: str
    why: Why = ""


class ProfileOut(Identity, kw_only=True):
    """Who is signed in, and where. `actions`: what their role allows; `revision`: of their record."""

    actions: list[str]
    revision: int


class NewPassword(Struct):
    """The password there is, and the one to be."""

    password: str
    new_password: str


@route("GET", "/me", may="profile.manage", answers={200: ProfileOut}, tagged=True, name="me.read")
async def read(ask: Ask) -> ProfileOut:
    """Who is signed in, where, and what they may do."""
    return await _me(ask, await _own(ask))


@route(
    "PUT",
    "/me",
    may="profile.manage",
    body=ProfileIn,
    answers={200: ProfileOut},
    refuses=("agent.name_long", "agent.name_missing", "record.invalid"),
    tagged=True,
    name="me.change",
)
async def change_own(ask: Ask, body: ProfileIn) -> ProfileOut:
    """Another name, which customers see, or another language."""
    kept = await _own(ask)
    ask.check_match(kept.revision)
    changed = directory.check(structs.replace(kept.value, name=body.name, locale=body.locale))
    revision = await writing.change(ask, body.why, kept, changed)
    return await _me(ask, Kept(kept.key, changed, revision))


@route(
    "PUT",
    "/me/password",
    may="profile.manage",
    body=NewPassword,
    answers={204: None},
    refuses=("session.bad_credentials", "session.busy", "agent.password_weak", "resource.changed"),
    name="me.change_password",
)
async def change_password(ask: Ask, body: NewPassword) -> None:
    """Another password; every other session ends. Guesses count as at the sign-in."""
    context, who = ask.context, ask.who
    kept = await _own(ask)
    agent, share = kept.value, who.id
    attempt = context.logins.attempt(agent.email, network(ask.request), time.monotonic())
    attempt.waited()
    try:
        is_right = await context.passwords.matches(agent.password, body.password, share, is_known=True)
    except TrunklineError:
        attempt.undo()
        raise
    if not is_right:
        raise NotAuthenticatedError("session.bad_credentials", "The password is wrong.", field="password")
    attempt.was_right()
    changed = structs.replace(agent, password=await context.passwords.hash(body.new_password, share))
    # The session that asks first, or the nodes that watch the directory would end it with the others.
    await context.sessions.keep_with(who.session, changed)
    await writing.change(ask, "", kept, changed)
    await context.sessions.end_all(who.tenant, who.id, but=who.session)
    _log.info("agent.password_changed", tenant=who.tenant, agent=who.id)


async def _own(ask: Ask) -> Kept[Agent]:
    """One's own record with its password. Raises NotAuthenticatedError `session.expired`."""
    kept = await directory.get_whole(ask.context.link, directory.owned_key(ask.who.tenant, "agent", ask.who.id))
    record = kept.value if kept else None
    if kept is None or not isinstance(record, Agent):
        raise NotAuthenticatedError("session.expired", "Sign in again.")
    return Kept(kept.key, record, kept.revision)


async def _me(ask: Ask, kept: Kept[Agent]) -> ProfileOut:
    ask.tag(kept.revision)
    known = await identity_of(ask.context, ask.who.tenant, kept.value)
    return ProfileOut(
        tenant=known.tenant, agent=known.agent, actions=sorted(actions_of(ask.who)), revision=kept.revision
    )


ROUTES: Final = (read, change_own, change_password)
