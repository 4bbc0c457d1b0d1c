"""`/api/v1/conversations/{conv}/mail/{seq}`: a mail as it was written, for a frame of the desk without any right.

What is stored was made safe when it came in; here it gets a policy of its own besides: nothing runs, nothing is loaded
but the mail's own pictures, which come along. Remote pictures, which tell their sender that the mail was read, are
shown only where an agent asks for them.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from starlette.responses import Response

from backbone import events as ev
from backbone.errors import NotFoundError
from node.commands.authorise import authorise
from node.context import Context
from node.rest.contract.api import Ask, Media, route
from node.rest.contract.requests import NO_STORE, Conv, Place

PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
PICTURES_MOST: Final = 12 * 1024 * 1024
"""Bytes of pictures that come along in one page; later ones stay out."""

_CID: Final = re.compile(r' src="cid:([^"]*)"')
_HEAD: Final = (
    '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<base target="_blank"><style>body{margin:16px;background:#fff;color:#16201d;font:14px/1.5 system-ui,sans-serif;'
    "overflow-wrap:anywhere}img{max-width:100%;height:auto}</style>"
)
"""Mails are written for white paper, whatever theme the desk has."""


class MailAt(Struct):
    """The mail of the event at a sequence."""

    conv: Conv
    seq: Place


class Shown(Struct):
    """How it is shown."""

    remote: Annotated[bool, Meta(description="true or false: whether remote pictures are loaded")] = False


@route(
    "GET",
    "/conversations/{conv}/mail/{seq}",
    may=("conversation.list", "conversation.read"),
    at=MailAt,
    query=Shown,
    answers={200: Media("text/html")},
    refuses=("file.not_found", "file.broken"),
)
async def original(ask: Ask, at: MailAt, query: Shown) -> Response:
    """The safe HTML of a mail, with a policy by which it does nothing; with `remote`, remote pictures too."""
    context, who = ask.context, ask.who
    async with context.hub.visit(who.tenant, at.conv) as room:
        authorise(who, "conversation.read", room)
        found = await context.log.at(room.subject, at.seq)
    event = _mail(found.raw) if found else None
    if event is None or not event.html:
        raise NotFoundError("file.not_found", "There is no such mail.")
    safe = (await context.files.content(who.tenant, event.html)).decode(errors="replace")
    body = page(safe, await _pictures(context, who.tenant, safe, event), is_remote=query.remote)
    return Response(body, 200, {**NO_STORE, **policy(is_remote=query.remote)}, media_type="text/html; charset=utf-8")


def page(safe: str, pictures: Mapping[str, str], *, is_remote: bool) -> str:
    """The whole page. `pictures`: addresses of the mail's own pictures by their `cid`."""

    def placed(found: re.Match[str]) -> str:
        address = pictures.get(html.unescape(found[1]), "")
        return f' src="{html.escape(address)}"' if address else ""

    shown = _CID.sub(placed, safe)
    return _HEAD + (shown.replace(' data-src="', ' src="') if is_remote else shown)


def policy(*, is_remote: bool) -> dict[str, str]:
    """The headers of such a page: it may be framed by the desk and do nothing."""
    images = "data: https: http:" if is_remote else "data:"
    return {
        "Content-Security-Policy": f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


async def _pictures(context: Context, tenant: str, safe: str, event: ev.MessageAdded) -> dict[str, str]:
    """The pictures that the page names, as data: the frame has no origin, and could fetch none of ours."""
    wanted = {html.unescape(cid) for cid in _CID.findall(safe)}
    found: dict[str, str] = {}
    left = PICTURES_MOST
    for file in event.attachments:
        if file.cid not in wanted or not file.file or file.mime not in PICTURES or file.bytes > left:
            continue
        content = await context.files.content(tenant, file.file)
        left -= len(content)
        found[file.cid] = f"data:{file.mime};base64,{base64.b64encode(content).decode()}"
    return found


def _mail(raw: bytes) -> ev.MessageAdded | None:
    try:
        event = ev.parse(raw)
    except msgspec.DecodeError:
        return None
    return event if isinstance(event, ev.MessageAdded) else None
