"""`/api/v1/files`, `/files/<signed>`: attachments in and out, neither of them whole in memory while it travels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from backbone.errors import TooManyError, TrunklineError
from backbone.files.attachments import INLINE
from backbone.ids import new_uuid
from node.entry.origins import network
from node.rest.requests import answer, context_of, who_asks
from node.uploading import content_of, passed_over, spooled

CSP: Final = "default-src 'none'; sandbox"
DOWNLOADS_MOST: Final = 128
"""At once on a node; each holds two chunks of 128 KiB."""

SEND_WITHIN_S: Final = 30.0
"""Time in which a reader takes a chunk."""


async def upload(request: Request) -> Response:
    """`POST /api/v1/files?name=`: stores the raw body; 201 with the record that `send` takes.

    It is deleted if no message names it within an hour.
    """
    context = context_of(request)
    who = await who_asks(request)
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
            name = request.query_params.get("name", "file")[:1000]
            identity = new_uuid()
            # Before it is there: a crash between leaves a key without a file, which is swept, not a file without end.
            await context.waiting.add(who.tenant, identity)
            saved = await context.files.save(who.tenant, who.id, lambda: content_of(file), name, identity)
    return answer(saved, 201)


async def download(request: Request) -> Response:
    """`GET /files/<signed>`: the bytes, for whoever holds a live link. Pictures are shown, all else downloaded."""
    context = context_of(request)
    link = context.signer.file(request.path_params["signed"])
    is_inline = link.mime in INLINE
    disposition = "inline" if is_inline else "attachment"
    return _Chunks(
        await context.files.chunks(link.tenant, link.file),
        context.downloads,
        {
            "Content-Type": link.mime if is_inline else "application/octet-stream",
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(link.name)}",
            "Content-Security-Policy": CSP,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, max-age=300",
        },
    )


class _Chunks(Response):
    """Sends a file as its reader takes it; one who takes none for 30 s is cut off."""

    def __init__(self, chunks: AsyncIterator[bytes], downloads: asyncio.Semaphore, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._chunks = chunks
        self._downloads = downloads

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        if self._downloads.locked():
            raise TooManyError("limit.downloads", "Too many downloads at once; try again.", retry_after_ms=2000)
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
