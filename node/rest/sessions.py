"""`/api/v1/session`, `/api/v1/invitations/accept`: signing in and out."""

from __future__ import annotations

import asyncio
import time

from msgspec import Struct, structs

from backbone import directory
from backbone.errors import InvalidInputError, NotAuthenticatedError, TrunklineError
from node.context import Context
from node.entry import cookies
from node.entry.origins import address, network
from node.entry.passwords import check_password
from node.rest.contract.api import Ask, route
from node.rest.contract.requests import cookie_of


class SignIn(Struct):
    """Who wants in."""

    email: str
    password: str


class Join(Struct):
    """What an invited agent says of themselves."""

    token: str
    name: str
    email: str
    password: str


class TenantOut(Struct):
    """A tenant as its agents see it."""

    id: str
    name: str


class AgentOut(Struct):
    """An agent as they see themselves."""

    id: str
    name: str
    email: str
    role: str
    locale: str


class Identity(Struct):
    """Who is signed in, and where."""

    tenant: TenantOut
    agent: AgentOut


@route(
    "POST",
    "/session",
    may="public",
    body=SignIn,
    answers={200: Identity},
    refuses=("session.bad_credentials", "session.busy", "limit.rate"),
)
async def sign_in(ask: Ask, body: SignIn) -> Identity:
    """The cookie, and who one is."""
    tenant, agent = await _proved(ask.context, body, network(ask.request))
    cookie = await ask.context.sessions.begin(tenant, agent, address(ask.request))
    return await signed_in(ask, cookie, tenant, agent)


async def _proved(context: Context, body: SignIn, network: str) -> tuple[str, directory.Agent]:
    """The tenant and agent whose e-mail and password these are.

    Raises NotAuthenticatedError `session.bad_credentials`, after the same time for unknown addresses; TooManyError
    `limit.rate`, `session.busy`.
    """
    account = body.email.strip().casefold()[: directory.EMAIL_MOST]
    # Before anything is awaited: of a hundred guesses at once each finds what those before it have taken.
    attempt = context.logins.attempt(account, network, time.monotonic())
    try:
        await asyncio.sleep(attempt.slowed_s)
        found = await _login_of(context, body.email)
        share = network if context.quotas.is_counted(network) else ""
        stored = found[1].password if found else ""
        is_right = await context.passwords.matches(stored, body.password, share, is_known=attempt.is_known)
    except TrunklineError:
        attempt.undo()
        raise
    finally:
        attempt.waited()
    if found is None or not is_right:
        raise NotAuthenticatedError(
            "session.bad_credentials", "The e-mail address or the password is wrong.", field="password"
        )
    attempt.was_right()
    return found


async def _login_of(context: Context, email: str) -> tuple[str, directory.Agent] | None:
    try:
        return await directory.find_login(context.link, email)
    except InvalidInputError:
        return None


@route(
    "POST",
    "/invitations/accept",
    may="public",
    body=Join,
    answers={200: Identity},
    refuses=(
        "invitation.gone",
        "agent.email_invalid",
        "agent.email_taken",
        "agent.name_long",
        "agent.name_missing",
        "agent.password_weak",
        "session.busy",
        "limit.rate",
    ),
)
async def join(ask: Ask, body: Join) -> Identity:
    """Uses up a one-time link, makes the agent, signs in."""
    context, request = ask.context, ask.request
    context.logins.address(network(request), time.monotonic())
    wanted = directory.Agent(id="", name=body.name, email=body.email, password=check_password(body.password))
    # All of the form first: what is refused costs no hash, and doesn't use up the link.
    await directory.check_invitation(context.link, body.token, wanted)
    share = network(request) if context.quotas.is_counted(network(request)) else ""
    hashed = await context.passwords.hash(body.password, share)
    tenant, agent = await directory.accept_invitation(
        context.link, body.token, structs.replace(wanted, password=hashed)
    )
    cookie = await context.sessions.begin(tenant, agent, address(request))
    return await signed_in(ask, cookie, tenant, agent)


@route("DELETE", "/session", may="public", answers={204: None})
async def sign_out(ask: Ask) -> None:
    """Ends the session; 204 also if nobody was signed in."""
    cookie = cookie_of(ask.request)
    try:
        await ask.context.sessions.find(cookie)
    except NotAuthenticatedError:
        return
    await ask.context.sessions.sign_out(cookie)
    for name in (cookies.PLAIN, cookies.SECURE):
        ask.reply.delete_cookie(name, secure=name == cookies.SECURE, httponly=True)


async def signed_in(ask: Ask, cookie: str, tenant: str, agent: directory.Agent) -> Identity:
    """Sets the cookie; who is signed in with it."""
    settings = ask.context.settings
    is_secure = cookies.are_secure(ask.request, settings)
    ask.reply.set_cookie(
        cookies.SECURE if is_secure else cookies.PLAIN,
        cookie,
        max_age=settings.session_life_s,
        secure=is_secure,
        httponly=True,
        samesite="lax",
        path="/",
    )
    return await identity_of(ask.context, tenant, agent)


async def identity_of(context: Context, tenant: str, agent: directory.Agent) -> Identity:
    """Who an agent is, and where."""
    record = await directory.get_tenant(context.link, tenant)
    return Identity(
        TenantOut(tenant, record.name if record else tenant),
        AgentOut(agent.id, agent.name, agent.email, agent.role, agent.locale),
    )
