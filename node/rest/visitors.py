"""`/api/v1/visitors`: who a visitor is, and the devices of an app's user.

An anonymous visitor is whoever holds the token. A user of an app is proved by the company: the inbox's channel checks
the claim, and what the anonymous visitor before had open becomes the user's (channels.md, section 9).
"""

from __future__ import annotations

import time
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from backbone import contacts, directory
from backbone.asks.users import DEVICE, IDENTIFY, DeviceChange, SignIn
from backbone.channel import Claim, Device
from backbone.clock import utc_ms
from backbone.contacts import User
from backbone.errors import InvalidInputError, NotAuthenticatedError, NotFoundError
from backbone.ids import new_contact_id
from backbone.nats import rpc
from backbone.signing import VisitorToken
from node import authenticate
from node.context import Context
from node.entry.limits import check_rate
from node.entry.origins import network
from node.rest.contract.api import Ask, route

WITH_USERS: Final = "app"
"""The channel whose visitors may be users of the company's."""

_Text = Annotated[str, Meta(max_length=8192)]


class NewVisitor(Struct):
    """Who comes to an inbox; with the old token they stay the same person. A user of the company's brings `identity`,
    or `user` and `user_hash`.
    """

    inbox: str
    token: _Text = ""
    identity: _Text = ""
    user: Annotated[str, Meta(max_length=256)] = ""
    user_hash: Annotated[str, Meta(max_length=256)] = ""


class NewDevice(Struct):
    """The service that reaches a device, and whether a developer's tool put the app there."""

    service: Literal["apns", "fcm"]
    sandbox: bool = False


class DeviceAt(Struct):
    """A device, by its push token."""

    token: str


class VisitorOut(Struct):
    """Who the visitor is from now on."""

    token: str
    contact: str


@route(
    "POST",
    "/visitors",
    may="public",
    body=NewVisitor,
    answers={200: VisitorOut},
    refuses=(
        "inbox.not_found",
        "inbox.no_users",
        "id.token",
        "limit.rate",
        "rpc.busy",
        "token.expired",
        "token.invalid",
    ),
)
async def create(ask: Ask, body: NewVisitor) -> VisitorOut:
    """A token for a new visitor, a fresh one for the visitor of the old token, or a user's."""
    context = ask.context
    tenant, inbox = await context.inboxes.find(body.inbox)
    if inbox.channel not in directory.VISITED:
        raise NotFoundError("inbox.not_found", "There is no such inbox.", field="inbox")
    before = await _former(context, body.token, tenant, inbox)
    is_user = bool(body.identity or body.user)
    if is_user or not before:
        # A wrong claim costs a check of its signature: whoever guesses is slowed down like a crowd of newcomers.
        check_rate(context.new_visitors, network(ask.request), time.monotonic())
    if before and not is_user:
        token = authenticate.renewed(context.signer, context.settings, before)
        return VisitorOut(token, before.contact)
    if is_user:
        user = await _signed_in(context, tenant, inbox, body, before)
    else:
        user = User(contact=new_contact_id(), user="")
    life_s = authenticate.life_of(context.settings, user.user)
    token = context.signer.visitor_token(tenant, inbox.id, user.contact, user.user, user.name, life_s=life_s)
    return VisitorOut(token, user.contact)


_DEVICE: Final = ("inbox.not_found", "inbox.no_users", "device.token_invalid", "rpc.busy")


@route(
    "PUT",
    "/visitors/devices/{token}",
    may="visitor",
    at=DeviceAt,
    body=NewDevice,
    answers={204: None},
    refuses=_DEVICE,
)
async def register_device(ask: Ask, at: DeviceAt, body: NewDevice) -> None:
    """The visitor's device is rung from now on."""
    await _changed(ask, Device(token=at.token, service=body.service, sandbox=body.sandbox), is_there=True)


@route("DELETE", "/visitors/devices/{token}", may="visitor", at=DeviceAt, answers={204: None}, refuses=_DEVICE)
async def drop_device(ask: Ask, at: DeviceAt) -> None:
    """It is rung no longer, as after a sign-out."""
    await _changed(ask, Device(token=at.token, service="apns"), is_there=False)


async def _former(context: Context, token: str, tenant: str, inbox: directory.Inbox) -> VisitorToken | None:
    """Whom the old token names, if it is one of this inbox."""
    if not token:
        return None
    try:
        claims = await authenticate.claims_of(context, token)
    except NotAuthenticatedError:
        # An old or broken token makes nobody: they begin as someone new.
        return None
    return claims if (claims.tenant, claims.inbox) == (tenant, inbox.id) else None


async def _signed_in(
    context: Context, tenant: str, inbox: directory.Inbox, body: NewVisitor, before: VisitorToken | None
) -> User:
    if inbox.channel != WITH_USERS:
        raise InvalidInputError("inbox.no_users", "Only inboxes of apps have users.", field="inbox")
    claim = Claim(identity=body.identity, user=body.user, user_hash=body.user_hash)
    asked = SignIn(inbox=inbox.id, claim=claim)
    user = await rpc.ask(context.link, inbox.channel, tenant, IDENTIFY, asked)
    if before and not before.user:
        await contacts.merge(context.link, context.log, tenant, inbox.id, before.contact, user, utc_ms())
    return user


async def _changed(ask: Ask, device: Device, *, is_there: bool) -> None:
    context, who = ask.context, ask.who
    _, inbox = await context.inboxes.find(who.inbox)
    if inbox.channel != WITH_USERS:
        raise InvalidInputError("inbox.no_users", "Only inboxes of apps have devices.", field="inbox")
    change = DeviceChange(inbox=who.inbox, contact=who.id, device=device, is_there=is_there)
    await rpc.ask(context.link, WITH_USERS, who.tenant, DEVICE, change)
