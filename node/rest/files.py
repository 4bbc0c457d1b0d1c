"""`/api/v1/files`, `/files/<signed>`: attachments in and out."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from backbone.attachments import INLINE
from node.rest.requests import answer, context_of, read_body, who_asks

CSP = "default-src 'none'; sandbox"


async def upload(request: Request) -> Response:
    """`POST /api/v1/files?name=`: stores the raw body; 201 with the record that `send` takes."""
    context = context_of(request)
    who = await who_asks(request)
    content = await read_body(request, context.settings.file_bytes)
    name = request.query_params.get("name", "file")
    saved = await context.files.save(who.tenant, who.id, content, name)
    return answer(saved, 201)


async def download(request: Request) -> Response:
    """`GET /files/<signed>`: the bytes, for whoever holds a live link. Pictures are shown, all else downloaded."""
    context = context_of(request)
    link = context.signer.file(request.path_params["signed"])
    content = await context.files.content(link.tenant, link.file)
    is_inline = link.mime in INLINE
    disposition = "inline" if is_inline else "attachment"
    return Response(
        content,
        headers={
            "Content-Type": link.mime if is_inline else "application/octet-stream",
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(link.name)}",
            "Content-Security-Policy": CSP,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, max-age=300",
        },
    )
