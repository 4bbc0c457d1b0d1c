"""What every route asks first: who it is, whether the page may ask, and what the body holds."""

from __future__ import annotations

import asyncio
import re
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backbone.access import REFUSED, OnTenant, Who, may
from backbone.errors import (
    ForbiddenError,
    InvalidInputError,
    NotAuthenticatedError,
    NotFoundError,
    TimedOutError,
    TooLargeError,
    UnsupportedTypeError,
)
from node import authenticate
from node.context import Context
from node.entry import cookies
from node.entry.origins import is_foreign

T = TypeVar("T")
NO_STORE = {"Cache-Control": "no-store"}
BODY_MOST = 256 * 1024
BODY_WITHIN_S = 20.0
_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


def context_of(request: Request) -> Context:
    """The node's parts."""
    context: Context = request.app.state.context
    return context


async def who_asks(request: Request) -> Who:
    """The agent of the cookie, or the visitor of the bearer token.

    Raises NotAuthenticatedError; ForbiddenError `origin.foreign` for another site's page.
    """
    context = context_of(request)
    if is_foreign(request, context.settings.public_url):
        raise ForbiddenError("origin.foreign", "This page may not ask here.")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer":
        return await authenticate.visitor(context, await authenticate.claims_of(context, token.strip()))
    cookie = cookie_of(request)
    if not cookie:
        raise NotAuthenticatedError("session.missing", "Sign in first.")
    return await context.sessions.find(cookie)


async def agent_asks(request: Request, action: OnTenant) -> Who:
    """As `who_asks`, and they may do `action`. Raises ForbiddenError with a code of `access`."""
    who = await who_asks(request)
    if code := may(who, action):
        raise ForbiddenError(code, REFUSED[code])
    return who


def cookie_of(request: Request) -> str:
    """The session's cookie, empty if there is none."""
    return cookies.cookie_of(request, context_of(request).settings)


async def body_of(request: Request, kind: type[T]) -> T:
    """The JSON body as `kind`.

    Raises ForbiddenError `origin.foreign`, UnsupportedTypeError `body.not_json`, TooLargeError,
    InvalidInputError `body.invalid` that names the field.
    """
    if is_foreign(request, context_of(request).settings.public_url):
        raise ForbiddenError("origin.foreign", "This page may not ask here.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UnsupportedTypeError("body.not_json", "Send application/json.", field="content-type")
    raw = await read_body(request, BODY_MOST)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as wrong:
        problem, _, path = str(wrong).partition(" - at `$.")
        raise InvalidInputError("body.invalid", problem, field=path.rstrip("`") or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise InvalidInputError("body.invalid", f"The body isn't JSON: {wrong}.") from None


async def read_body(request: Request, most_bytes: int, within_s: float = BODY_WITHIN_S) -> bytes:
    """The raw body. Raises TooLargeError as soon as it passes `most_bytes`, TimedOutError `body.too_slow`."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most_bytes:
                    raise TooLargeError(
                        "file.too_large", f"At most {most_bytes // 1024} KiB may be sent at once.", field="body"
                    )
                chunks.append(chunk)
    except TimeoutError:
        raise TimedOutError("body.too_slow", "The body came too slowly; try again.", field="body") from None
    return b"".join(chunks)


def limit_of(request: Request, default: int, most: int) -> int:
    """The query's `limit`. Raises InvalidInputError."""
    return number(request, "limit", default, 1, most)


def number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query. Raises InvalidInputError `query.invalid`."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    # Its form first: Python refuses to read more than 4,300 digits.
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise InvalidInputError("query.invalid", f"{name} must be {least} to {most}.", field=name)
    return int(text)


def place(request: Request, name: str) -> int:
    """A whole number of the path, 0 to 2^53. Raises NotFoundError `route.not_found` for anything else."""
    text = str(request.path_params[name])
    if not _WHOLE.fullmatch(text) or int(text) > 2**53:
        raise NotFoundError("route.not_found", "There is nothing here.")
    return int(text)


def answer(value: object, status: int = 200) -> Response:
    """A JSON answer that nobody stores."""
    return Response(msgspec.json.encode(value), status, NO_STORE, media_type="application/json")
