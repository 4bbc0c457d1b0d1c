"""`/api/v1/channels`: what each channel allows, for every desk; the form and the steps of an account, for admins."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from backbone import directory
from backbone.accounts.form import Field
from backbone.channel import Measure, Window
from node.rest.contract.api import Ask, Media, route
from node.rest.contract.paging import Page, Paged, page
from node.rest.contract.requests import NO_STORE


class ChannelAt(Struct):
    """One channel."""

    name: str


class TextLimit(Struct, kw_only=True):
    """How long a text may be, and in what that is measured."""

    most: int
    measure: Measure


class ChannelOut(Struct, kw_only=True):
    """What a channel allows. `recalls`, `edits`: what was sent can be withdrawn, changed, for `recall_s` and `edit_s`
    seconds (0: always). `phrases`: reasons in words, in English, by key; `problem`: why it can't be used.
    """

    name: str
    kinds: list[str]
    text: TextLimit
    together: bool
    caption: bool
    media_bytes: dict[str, int]
    media_types: dict[str, list[str]]
    links: bool
    windows: list[Window]
    receipts: list[str]
    templates: bool
    recalls: bool
    edits: bool
    recall_s: float
    edit_s: float
    phrases: dict[str, str]
    problem: str


class ChannelForm(Struct, kw_only=True):
    """The form of an account."""

    name: str
    fields: list[Field]
    callbacks: bool
    can_check: bool
    has_guide: bool
    problem: str


@route("GET", "/channels", may="inbox.list", query=Paged, answers={200: Page[ChannelOut]})
async def list_channels(ask: Ask, query: Paged) -> Page[ChannelOut]:
    """Limits, windows and reasons in words of each channel."""
    items = [
        ChannelOut(
            name=one.name,
            kinds=one.kinds,
            text=TextLimit(most=one.text[0], measure=one.text[1]),
            together=one.together,
            caption=one.caption,
            media_bytes=one.media_bytes,
            media_types=one.media_types,
            links=one.links,
            windows=one.windows,
            receipts=one.receipts,
            templates=one.templates,
            recalls=one.recalls or one.name in directory.VISITED,
            edits=one.edits or one.name in directory.VISITED,
            recall_s=one.recall_s,
            edit_s=one.edit_s,
            phrases=one.phrases,
            problem=one.problem,
        )
        for one in (await ask.context.channels.all()).values()
    ]
    return page(items, lambda one: one.name, query)


@route(
    "GET",
    "/channels/{name}",
    may="inbox.manage",
    at=ChannelAt,
    answers={200: ChannelForm},
    refuses=("channel.not_found",),
)
async def channel(ask: Ask, at: ChannelAt) -> ChannelForm:
    """The form of an account."""
    found = await ask.context.channels.find(at.name)
    return ChannelForm(
        name=found.name,
        fields=found.fields,
        callbacks=found.callbacks,
        can_check=found.can_check,
        has_guide=bool(found.guide),
        problem=found.problem,
    )


@route(
    "GET",
    "/channels/{name}/guide",
    may="inbox.manage",
    at=ChannelAt,
    answers={200: Media("text/plain")},
    refuses=("channel.not_found",),
)
async def guide(ask: Ask, at: ChannelAt) -> Response:
    """What the platform wants of its side, step by step, as text."""
    found = await ask.context.channels.find(at.name)
    headers = {
        **NO_STORE,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(found.guide, 200, headers, media_type="text/plain; charset=utf-8")
