"""`/api/v1/inboxes`: where customers write."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from backbone import directory
from backbone.channel import Window
from node.rest.accounts import HealthOut, InboxAt, health_of, windows_of_accounts
from node.rest.contract.api import Ask, route
from node.rest.contract.paging import Page, Paged, page


class Inboxes(Paged, kw_only=True):
    """Which page, and whether how each account is is wanted, too."""

    health: Annotated[bool, Meta(description="true or false; true is for admins")] = False


class InboxRow(Struct, kw_only=True):
    """An inbox. `health` only where it was asked for; null for inboxes whose customers come to a node themselves.
    `windows`: when its customers may be written to, where an account's settings decide it; else as its channel's.
    """

    id: str
    channel: str
    name: str
    origins: tuple[str, ...]
    accent: str
    greeting: str
    windows: list[Window] | UnsetType = UNSET
    health: HealthOut | UnsetType | None = UNSET


class WidgetOut(Struct, kw_only=True):
    """What a visitor sees before writing."""

    id: str
    name: str
    accent: str
    greeting: str
    locale: str


@route("GET", "/inboxes", may="inbox.list", query=Inboxes, answers={200: Page[InboxRow]})
async def list_inboxes(ask: Ask, query: Inboxes) -> Page[InboxRow]:
    """The tenant's inboxes; with `health`, for admins, how each account is."""
    if query.health:
        ask.require("inbox.manage")
    found = page(await directory.list_inboxes(ask.context.link, ask.who.tenant), lambda one: one.id, query)
    windows = await windows_of_accounts(ask.context, ask.who.tenant, found.items)
    health = await health_of(ask.context, ask.who, found.items) if query.health else {}
    items = [
        InboxRow(
            id=inbox.id,
            channel=inbox.channel,
            name=inbox.name,
            origins=inbox.origins,
            accent=inbox.accent,
            greeting=inbox.greeting,
            windows=windows.get(inbox.id, UNSET),
            health=health.get(inbox.id) if query.health else UNSET,
        )
        for inbox in found.items
    ]
    return Page(items=items, next=found.next)


@route(
    "GET", "/inboxes/{inbox}/widget", may="public", at=InboxAt, answers={200: WidgetOut}, refuses=("inbox.not_found",)
)
async def widget(ask: Ask, at: InboxAt) -> WidgetOut:
    """What a visitor sees before writing."""
    _, inbox = await ask.context.inboxes.find(at.inbox)
    return WidgetOut(id=inbox.id, name=inbox.name, accent=inbox.accent, greeting=inbox.greeting, locale=inbox.locale)
