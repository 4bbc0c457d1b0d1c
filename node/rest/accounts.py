"""`/api/v1/inboxes/{inbox}` and its account on a channel: settings, address for callbacks, health; for admins.

Settings are sealed before they are stored; a secret never comes back, only whether it is set. The channel's code
isn't loaded here: forms are checked by what the channel said of itself, and its own processes examine accounts.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import structlog
from msgspec import UNSET, Struct, UnsetType

from backbone import directory
from backbone.access import Who
from backbone.accounts import form, stores
from backbone.accounts.about import About
from backbone.accounts.accounts import sealed_name
from backbone.accounts.pulse import pulses
from backbone.accounts.wanted import WEB
from backbone.asks.accounts import ACCOUNTS, CHECK, RETRY, AccountState, Nothing, Which
from backbone.channel import Window, windows_of
from backbone.directory import Inbox
from backbone.errors import ConflictError, InvalidInputError, NotFoundError, TrunklineError
from backbone.ids import check_name
from backbone.nats import rpc
from backbone.nats.buckets import Kept
from node.context import Context
from node.entry.origins import checked_origins
from node.rest.contract import writing
from node.rest.contract.api import Ask, route
from node.rest.contract.paging import Page
from node.rest.contract.requests import Name

HEALTH_WITHIN_S: Final = 3.0
CHECK_WITHIN_S: Final = 60.0
NAME_MOST: Final = 80

_log = structlog.get_logger("node.accounts")


class InboxAt(Struct):
    """One inbox."""

    inbox: Name


class NewInbox(Struct, kw_only=True):
    """An account to connect."""

    id: str
    channel: str
    name: str
    settings: dict[str, Any] = {}


class ChangedInbox(Struct, kw_only=True):
    """Another name; other settings, and other sites that may show its widget, where they are given."""

    name: str
    settings: dict[str, Any] | None = None
    origins: list[str] | None = None


class HealthOut(Struct, kw_only=True):
    """How an account is: whether its channel runs, why nothing goes out, when something last came in and went out (UTC
    ms, 0: never), and `problem`: why the channel itself can't be used. `failing`: why nothing can be fetched, again and
    again, and since when; absent while it can.
    """

    running: bool
    problem: str
    ill: str
    since: int
    until: int
    heard_at: int
    sent_at: int
    failing: str | UnsetType = UNSET
    failing_since: int | UnsetType = UNSET


class InboxOut(Struct, kw_only=True):
    """An account. `settings` are those that may be shown, `secrets` the names of secrets that are set; `callback`: the
    address that its platform calls. `health` is null for inboxes whose customers come to a node themselves.
    """

    id: str
    channel: str
    name: str
    origins: tuple[str, ...]
    settings: dict[str, Any]
    secrets: list[str]
    callback: str
    health: HealthOut | None


class Finding(Struct, kw_only=True):
    """One line of an account's examination; `problem` is empty if it is well."""

    name: str
    problem: str


class Empty(Struct):
    """An object without anything that counts."""


_FIELDS: Final = ("field.choice", "field.form", "field.range", "field.required", "field.unknown", "channel.unusable")


@route(
    "POST",
    "/inboxes",
    may="inbox.manage",
    body=NewInbox,
    answers={201: InboxOut},
    refuses=("inbox.taken", "inbox.name", "id.token", "channel.not_found", "bucket.too_large", *_FIELDS),
)
async def create(ask: Ask, body: NewInbox) -> InboxOut:
    """Connects an account."""
    context, who = ask.context, ask.who
    about = await _usable(context, body.channel)
    check_name(body.id, "id")
    sealed = _sealed(context, about, who.tenant, body.id, body.settings)
    inbox = Inbox(id=body.id, channel=about.name, name=_named(body.name), settings=sealed)
    if not await directory.create_inbox(context.link, who.tenant, inbox, who.actor()):
        raise ConflictError("inbox.taken", "There is an inbox of this id already.", field="id")
    _log.info("inbox.connected", tenant=who.tenant, inbox=inbox.id, channel=inbox.channel, by=who.id)
    return await _shown(ask, inbox)


@route(
    "GET",
    "/inboxes/{inbox}",
    may="inbox.manage",
    at=InboxAt,
    answers={200: InboxOut},
    refuses=("inbox.not_found",),
    tagged=True,
)
async def read(ask: Ask, at: InboxAt) -> InboxOut:
    """Settings without secrets, the address for callbacks, health."""
    kept = await _find(ask, at.inbox)
    inbox = kept.value
    ask.tag(kept.revision)
    return await _shown(ask, inbox)


@route(
    "PUT",
    "/inboxes/{inbox}",
    may="inbox.manage",
    at=InboxAt,
    body=ChangedInbox,
    answers={200: InboxOut},
    refuses=(
        "inbox.not_found",
        "inbox.name",
        "inbox.origins",
        "field.again",
        "channel.not_found",
        "bucket.too_large",
        *_FIELDS,
    ),
    tagged=True,
)
async def change(ask: Ask, at: InboxAt, body: ChangedInbox) -> InboxOut:
    """Another name, other settings, other origins; what isn't given stays, so does a secret, unless an address changes
    that it is sent to: 422 `field.again`.
    """
    context, who = ask.context, ask.who
    kept = await _find(ask, at.inbox)
    inbox = kept.value
    ask.check_match(kept.revision)
    settings = inbox.settings
    if body.settings is not None:
        about = await _usable(context, inbox.channel)
        before = _opened(context, who.tenant, inbox)
        if wrong := form.moved(about.fields, before, body.settings):
            raise InvalidInputError(wrong.code, wrong.text, field=wrong.field)
        settings = _sealed(context, about, who.tenant, inbox.id, form.merged(about.fields, before, body.settings))
    origins = inbox.origins if body.origins is None else checked_origins(body.origins)
    changed = msgspec.structs.replace(inbox, name=_named(body.name), settings=settings, origins=origins)
    ask.tag(await writing.change(ask, "", kept, changed))
    _log.info("inbox.changed", tenant=who.tenant, inbox=inbox.id, by=who.id, settings=body.settings is not None)
    return await _shown(ask, changed)


@route(
    "DELETE",
    "/inboxes/{inbox}",
    may="inbox.manage",
    at=InboxAt,
    answers={204: None},
    refuses=("inbox.not_found", "inbox.own"),
    tagged=True,
)
async def remove(ask: Ask, at: InboxAt) -> None:
    """Forgets the account and its secrets. Its conversations stay, and what is said in them waits until an account is
    connected under this id again.
    """
    context, who = ask.context, ask.who
    kept = await _find(ask, at.inbox)
    inbox = kept.value
    ask.check_match(kept.revision)
    if inbox.channel == WEB:
        raise ConflictError("inbox.own", "This inbox is the server's own and stays.", field="inbox")
    await writing.remove(ask, "", kept)
    await stores.forget_account(context.link, who.tenant, inbox.id)
    _log.info("inbox.removed", tenant=who.tenant, inbox=inbox.id, channel=inbox.channel, by=who.id)


@route(
    "POST",
    "/inboxes/{inbox}/check",
    may="inbox.manage",
    at=InboxAt,
    body=Empty,
    answers={200: Page[Finding]},
    refuses=("inbox.not_found", "rpc.busy"),
)
async def check(ask: Ask, at: InboxAt, body: Empty) -> Page[Finding]:  # noqa: ARG001 - it must be an object
    """The channel examines the account at its platform."""
    inbox = (await _find(ask, at.inbox)).value
    link, tenant = ask.context.link, ask.who.tenant
    found = await rpc.ask(link, inbox.channel, tenant, CHECK, Which(inbox.id), timeout_s=CHECK_WITHIN_S)
    return Page(items=[Finding(name=one.name, problem=one.problem) for one in found], next=None)


@route(
    "POST",
    "/inboxes/{inbox}/retry",
    may="inbox.manage",
    at=InboxAt,
    body=Empty,
    answers={200: InboxOut},
    refuses=("inbox.not_found", "rpc.busy"),
)
async def retry(ask: Ask, at: InboxAt, body: Empty) -> InboxOut:  # noqa: ARG001 - it must be an object
    """A paused account is tried again."""
    inbox = (await _find(ask, at.inbox)).value
    await rpc.ask(ask.context.link, inbox.channel, ask.who.tenant, RETRY, Which(inbox.id))
    _log.info("inbox.retried", tenant=ask.who.tenant, inbox=inbox.id, by=ask.who.id)
    return await _shown(ask, inbox)


async def health_of(context: Context, who: Who, inboxes: list[Inbox]) -> dict[str, HealthOut]:
    """By inbox, how it is; inboxes whose customers come to a node themselves have none."""
    abouts = await context.channels.all()
    channels = sorted({inbox.channel for inbox in inboxes} & abouts.keys())
    answers = await asyncio.gather(*(_states(context, who.tenant, channel) for channel in channels))
    states = dict(zip(channels, answers, strict=True))
    beats = await pulses(context.link, who.tenant)
    found = {}
    for inbox in inboxes:
        if inbox.channel not in states:
            continue
        running = states[inbox.channel]
        state = next((s for s in running or [] if s.inbox == inbox.id), None)
        found[inbox.id] = HealthOut(
            running=running is not None,
            problem=abouts[inbox.channel].problem,
            ill=state.ill if state else "",
            since=state.since if state else 0,
            failing=state.failing if state and state.failing else UNSET,
            failing_since=state.failing_since if state and state.failing else UNSET,
            until=state.until if state else 0,
            heard_at=beats.get((inbox.id, "in"), 0),
            sent_at=beats.get((inbox.id, "out"), 0),
        )
    return found


async def windows_of_accounts(context: Context, tenant: str, inboxes: list[Inbox]) -> dict[str, list[Window]]:
    """By inbox, when its customers may be written to; of those alone whose settings decide it."""
    abouts = await context.channels.all()
    found = {}
    for inbox in inboxes:
        about = abouts.get(inbox.channel)
        if about is None or not any(one.setting for one in about.windows):
            continue
        whole = await directory.get_whole(context.link, directory.owned_key(tenant, "inbox", inbox.id))
        if whole and isinstance(whole.value, Inbox):
            found[inbox.id] = windows_of(about.windows, _opened(context, tenant, whole.value).get)
    return found


async def _usable(context: Context, channel: str) -> About:
    """A channel whose accounts can be changed. Raises NotFoundError, InvalidInputError `channel.unusable`."""
    about = await context.channels.find(channel)
    if about.problem:
        raise InvalidInputError("channel.unusable", about.problem, field="channel")
    return about


async def _states(context: Context, tenant: str, channel: str) -> list[AccountState] | None:
    """How a channel's processes find its accounts; None if none answers."""
    try:
        return await rpc.ask(context.link, channel, tenant, ACCOUNTS, Nothing(), timeout_s=HEALTH_WITHIN_S)
    except TrunklineError:
        return None


async def _shown(ask: Ask, inbox: Inbox) -> InboxOut:
    context, who = ask.context, ask.who
    about = (await context.channels.all()).get(inbox.channel)
    values = _opened(context, who.tenant, inbox)
    fields = about.fields if about else []
    return InboxOut(
        id=inbox.id,
        channel=inbox.channel,
        name=inbox.name,
        origins=inbox.origins,
        settings=form.shown(fields, values),
        secrets=form.kept_secrets(fields, values),
        callback=callback_of(ask, inbox) if about and about.callbacks else "",
        health=(await health_of(context, who, [inbox])).get(inbox.id),
    )


def callback_of(ask: Ask, inbox: Inbox) -> str:
    """The address that a platform calls."""
    base = ask.context.settings.public_url or str(ask.request.base_url)
    return f"{base.rstrip('/')}/hooks/{inbox.channel}/{inbox.id}"


async def _find(ask: Ask, inbox: str) -> Kept[Inbox]:
    """An inbox of the tenant with its settings. Raises NotFoundError `inbox.not_found`."""
    kept = await directory.get_whole(ask.context.link, directory.owned_key(ask.who.tenant, "inbox", inbox))
    found = kept.value if kept else None
    if kept is None or not isinstance(found, Inbox):
        raise NotFoundError("inbox.not_found", "There is no such inbox.", field="inbox")
    return Kept(kept.key, found, kept.revision)


def _opened(context: Context, tenant: str, inbox: Inbox) -> dict[str, Any]:
    """The settings as they were entered; none where they can't be read with this secret."""
    if not inbox.settings:
        return {}
    try:
        raw = context.sealer.open(sealed_name(tenant, inbox.id), inbox.settings)
    except TrunklineError as error:
        _log.warning("inbox.unreadable", tenant=tenant, inbox=inbox.id, code=error.code)
        return {}
    opened: dict[str, Any] = msgspec.json.decode(raw)
    return opened


def _sealed(context: Context, about: About, tenant: str, inbox: str, values: dict[str, Any]) -> str:
    """Settings as they are stored. Raises InvalidInputError with the code of what is wrong with which field."""
    if wrong := form.problem(about.fields, values):
        raise InvalidInputError(wrong.code, wrong.text, field=wrong.field)
    return context.sealer.seal(sealed_name(tenant, inbox), msgspec.json.encode(values))


def _named(name: str) -> str:
    text = name.strip()
    if not 0 < len(text) <= NAME_MOST:
        raise InvalidInputError("inbox.name", f"Give a name of 1 to {NAME_MOST} characters.", field="name")
    return text
