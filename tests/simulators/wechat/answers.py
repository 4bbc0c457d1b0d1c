"""How both platforms answer: JSON with HTTP 200 whatever happened, and files."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from tests.simulators.wechat.parts import Code, File

Answer = Callable[[HttpRequest], Awaitable[dict[str, Any] | Response]]


def answered(handle: Answer) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Answers with JSON and HTTP 200, whatever happened."""

    async def answer(request: HttpRequest) -> Response:
        try:
            found = await handle(request)
        except Code as code:
            found = {"errcode": code.errcode, "errmsg": code.errmsg}
        if isinstance(found, Response):
            return found
        return Response(json.dumps(found, ensure_ascii=False), media_type="application/json; encoding=utf-8")

    return answer


def decoded(raw: bytes) -> dict[str, Any]:
    """The JSON of a call."""
    try:
        found = json.loads(raw)
    except ValueError:
        raise Code(47001, "data format error") from None
    if not isinstance(found, dict):
        raise Code(47001, "data format error")
    return found


def download(file: File) -> Response:
    """A file under its name."""
    # Names go out as raw UTF-8, which Starlette takes for Latin-1.
    headers = {"Content-disposition": f'attachment; filename="{file.name}"'.encode().decode("latin-1")}
    return Response(file.content, media_type=file.mime, headers=headers)
