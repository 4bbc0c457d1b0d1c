"""`/api/v1/files`, `/files/<signed>`: attachments in and out, neither of them whole in memory while it travels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from urllib.parse import quote

from msgspec import Meta, Struct
from starlette.responses import Response

from backbone.errors import TooManyError, TrunklineError
from backbone.events import Attachment
from backbone.files.attachments import INLINE
from backbone.ids import new_uuid
from node.entry.origins import network
from node.rest.contract.api import Ask, Media, route
from node.uploading import content_of, passed_over, spooled

CSP: Final = "default-src 'none'; sandbox"
DOWNLOADS_MOST: Final = 128
"""At once on a node; each holds two chunks of 128 KiB."""

SEND_WITHIN_S: Final = 30.0
"""Time in which a reader takes a chunk."""


_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class Named(Struct):
    """What the file is called."""

    name: Annotated[str, Meta(description="the file's name; what is longer than 1000 characters is cut")] = "file"


class Signed(Struct):
    """A link that was given out."""

    signed: str


@route(
    "POST",
    "/files",
    may="signed_in",
    query=Named,
    takes="*/*",
    answers={201: Attachment},
    refuses=(
        "body.too_slow",
        "file.empty",
        "file.too_large",
        "file.too_many_pixels",
        "file.type_refused",
        "files.full",
        "limit.uploads",
    ),
)
async def upload(ask: Ask, query: Named) -> Attachment:
    """Stores the raw body; answers the record whose `file` a message names. Whoever may write, writes with files.

    It is deleted if no message names it within an hour.
    """
    context, who, request = ask.context, ask.who, ask.request
    most, declared = context.settings.file_bytes, request.headers.get("content-length", "")
    size = min(int(declared[:12]), most + 1) if declared.isascii() and declared.isdigit() else most
    with contextlib.ExitStack() as counted:
        try:
            context.files.check_room()
            counted.enter_context(context.uploads.admitted(who, network(request), size))
        except TrunklineError:
            await passed_over(request.stream(), most)
            raise
        async with spooled(request.stream(), most) as file:
            name = query.name[:1000]
            identity = new_uuid()
            # Before it is there: a crash between leaves a key without a file, which is swept, not a file without end.
            await context.waiting.add(who.tenant, identity)
            return await context.files.save(who.tenant, who.id, lambda: content_of(file), name, identity)


@route(
    "GET",
    "/files/{signed}",
    base="",
    may="public",
    at=Signed,
    answers={200: Media("*/*")},
    refuses=("file.link_expired", "file.not_found", "file.broken", "limit.downloads"),
)
async def download(ask: Ask, at: Signed) -> Response:
    """The bytes, for whoever holds a live link. Pictures are shown, all else downloaded."""
    context = ask.context
    link = context.signer.file(at.signed)
    is_inline = link.mime in INLINE
    disposition = "inline" if is_inline else "attachment"
    return _Chunks(
        await context.files.chunks(link.tenant, link.file),
        context.downloads,
        {
            "Content-Type": link.mime if is_inline else "application/octet-stream",
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(link.name)}",
            **_HEADERS,
            "Cache-Control": "private, max-age=300",
        },
    )


@route(
    "GET",
    "/files/{signed}/preview",
    base="",
    may="public",
    at=Signed,
    answers={200: Media("image/jpeg")},
    refuses=("file.link_expired", "file.not_found", "file.broken", "file.too_many_pixels", "limit.downloads"),
)
async def preview(ask: Ask, at: Signed) -> Response:
    """A small JPEG of a picture, for whoever holds a live link to it: what a platform shows before it is opened."""
    context = ask.context
    link = context.signer.file(at.signed)
    if context.downloads.locked():
        raise _busy()
    async with context.downloads:
        content = await context.files.preview(link.tenant, link.file)
    return Response(content, media_type="image/jpeg", headers={**_HEADERS, "Cache-Control": "private, max-age=86400"})


class _Chunks(Response):
    """Sends a file as its reader takes it; one who takes none for 30 s is cut off."""

    def __init__(self, chunks: AsyncIterator[bytes], downloads: asyncio.Semaphore, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._chunks = chunks
        self._downloads = downloads

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        if self._downloads.locked():
            raise _busy()
        async with self._downloads:
            # What is missing is told before the answer begins.
            first = await anext(self._chunks, b"")
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._sent(send, first)
            async with contextlib.aclosing(self._chunks) as chunks:  # type: ignore[type-var]  # a generator
                async for chunk in chunks:
                    await self._sent(send, chunk)
            await send({"type": "http.response.body", "body": b""})

    async def _sent(self, send: Any, chunk: bytes) -> None:
        async with asyncio.timeout(SEND_WITHIN_S):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _busy() -> TooManyError:
    return TooManyError("limit.downloads", "Too many downloads at once; try again.", retry_after_ms=2000)
