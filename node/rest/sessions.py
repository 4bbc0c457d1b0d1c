"""`/api/v1/session`, `/api/v1/invitations/accept`, `/api/v1/me`: signing in, out, and who one is."""

from __future__ import annotations

import asyncio
import time

from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import Response

from backbone import directory
from backbone.errors import InvalidInputError, NotAuthenticatedError, TrunklineError
from node.context import Context
from node.entry import cookies
from node.entry.origins import address, network
from node.entry.passwords import check_password
from node.rest.requests import (
    NO_STORE,
    agent_asks,
    answer,
    body_of,
    context_of,
    cookie_of,
    who_asks,
)


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


class Me(Struct):
    """Who is signed in, and where."""

    tenant: TenantOut
    agent: AgentOut


async def sign_in(request: Request) -> Response:
    """`POST /api/v1/session`: 200 and the cookie, or 401 `session.bad_credentials`."""
    context = context_of(request)
    body = await body_of(request, SignIn)
    tenant, agent = await _proved(context, body, network(request))
    cookie = await context.sessions.begin(tenant, agent, address(request))
    return await _signed_in(request, context, cookie, tenant, agent)


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


async def join(request: Request) -> Response:
    """`POST /api/v1/invitations/accept`: uses up a one-time link, makes the agent, signs in."""
    context = context_of(request)
    body = await body_of(request, Join)
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
    return await _signed_in(request, context, cookie, tenant, agent)


async def sign_out(request: Request) -> Response:
    """`DELETE /api/v1/session`: 204, also if nobody was signed in."""
    context = context_of(request)
    try:
        await who_asks(request)
    except NotAuthenticatedError:
        return Response(status_code=204, headers=NO_STORE)
    await context.sessions.sign_out(cookie_of(request))
    response = Response(status_code=204, headers=NO_STORE)
    for name in (cookies.PLAIN, cookies.SECURE):
        response.delete_cookie(name, secure=name == cookies.SECURE, httponly=True)
    return response


async def me(request: Request) -> Response:
    """`GET /api/v1/me`."""
    context = context_of(request)
    who = await agent_asks(request, "profile.manage")
    agent = await directory.get_agent(context.link, who.tenant, who.id)
    if agent is None:
        raise NotAuthenticatedError("session.expired", "Sign in again.")
    return answer(await _me(context, who.tenant, agent))


async def _signed_in(request: Request, context: Context, cookie: str, tenant: str, agent: directory.Agent) -> Response:
    response = answer(await _me(context, tenant, agent))
    settings = context.settings
    is_secure = cookies.are_secure(request, settings)
    response.set_cookie(
        cookies.SECURE if is_secure else cookies.PLAIN,
        cookie,
        max_age=settings.session_life_s,
        secure=is_secure,
        httponly=True,
        samesite="lax",
        path="/",
    )
    return response


async def _me(context: Context, tenant: str, agent: directory.Agent) -> Me:
    record = await directory.get_tenant(context.link, tenant)
    return Me(
        TenantOut(tenant, record.name if record else tenant),
        AgentOut(agent.id, agent.name, agent.email, agent.role, agent.locale),
    )
