"""What every route asks first: who it is, whether the page may ask, and what path, query and body hold."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from backbone.access import Who
from backbone.errors import (
    ForbiddenError,
    InvalidInputError,
    NotAuthenticatedError,
    NotFoundError,
    TimedOutError,
    TooLargeError,
    UnsupportedTypeError,
)
from backbone.ids import check_contact, check_conversation, check_name, check_token, check_uuid
from node import authenticate
from node.context import Context
from node.entry import cookies
from node.entry.origins import is_foreign

T = TypeVar("T")
S = TypeVar("S", bound=Struct)
MOST: Final = 2**53
"""Beyond, JavaScript counts no longer."""

NO_STORE = {"Cache-Control": "no-store"}
BODY_MOST = 256 * 1024
BODY_WITHIN_S = 20.0
_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


def context_of(request: Request) -> Context:
    """The node's parts."""
    context: Context = request.app.state.context
    return context


def own_page(request: Request) -> None:
    """Raises ForbiddenError `origin.foreign` for another site's page."""
    if is_foreign(request, context_of(request).settings.public_url):
        raise ForbiddenError("origin.foreign", "This page may not ask here.")


async def who_asks(request: Request) -> Who:
    """The agent of the cookie, or the visitor of the bearer token. Raises NotAuthenticatedError."""
    context = context_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer":
        return await authenticate.visitor(context, await authenticate.claims_of(context, token.strip()))
    cookie = cookie_of(request)
    if not cookie:
        raise NotAuthenticatedError("session.missing", "Sign in first.")
    return await context.sessions.find(cookie)


def cookie_of(request: Request) -> str:
    """The session's cookie, empty if there is none."""
    return cookies.cookie_of(request, context_of(request).settings)


async def json_body(request: Request) -> bytes:
    """The body that is to be JSON. Raises UnsupportedTypeError `body.not_json`, and as `read_body`."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UnsupportedTypeError("body.not_json", "Send application/json.", field="content-type")
    return await read_body(request, BODY_MOST)


def decoded(raw: bytes, kind: type[T]) -> T:
    """A JSON body as `kind`. Raises InvalidInputError `body.invalid` that names the field."""
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


def at_of(request: Request, kind: type[S]) -> S:
    """The path's parts, each checked as its type says. Raises InvalidInputError, NotFoundError `route.not_found`."""
    parts = request.path_params
    return kind(**{name: check(parts[name], name) for name, check in _checks(kind).items()})


def query_of(request: Request, kind: type[S]) -> S:
    """The query as `kind`; what is empty counts as not given. Raises InvalidInputError `query.invalid`."""
    given = {name: text for name, text in request.query_params.items() if text and name in kind.__struct_fields__}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as wrong:
        problem, _, path = str(wrong).partition(" - at `$.")
        field = path.rstrip("`") or problem.rpartition(" field `")[2].rstrip("`")
        raise InvalidInputError("query.invalid", f"{field}: {_meaning(kind, field) or problem}.", field=field) from None


@functools.cache
def _checks(kind: type[Struct]) -> dict[str, Callable[[str, str], Any]]:
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        extras = [each.extra for each in getattr(hint, "__metadata__", ()) if isinstance(each, Meta) and each.extra]
        found[name] = extras[0]["check"] if extras else _as_it_is
    return found


def _as_it_is(text: str, _name: str) -> str:
    return text


def _meaning(kind: type[Struct], field: str) -> str:
    """How a parameter must be, where its type has words for it."""
    hint = get_type_hints(kind, include_extras=True).get(field)
    return next((m.description for m in getattr(hint, "__metadata__", ()) if isinstance(m, Meta) and m.description), "")


def _place(text: str, _name: str) -> int:
    """A whole number of the path, 0 to 2^53. Raises NotFoundError `route.not_found` for anything else."""
    # Its form first: Python refuses to read more than 4,300 digits.
    if not _WHOLE.fullmatch(text) or int(text) > MOST:
        raise NotFoundError("route.not_found", "There is nothing here.")
    return int(text)


Name = Annotated[str, Meta(pattern="^[A-Za-z0-9-][A-Za-z0-9_-]{0,63}$", extra={"check": check_name})]
"""In a path: the id of an inbox, agent or team."""

Token = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$", extra={"check": check_token})]
Conv = Annotated[str, Meta(pattern="^[0-9]{2}[a-z2-7]{26}$", extra={"check": check_conversation})]
Contact = Annotated[str, Meta(pattern="^c[a-z2-7]{26}$", extra={"check": check_contact})]
MessageId = Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", extra={"check": check_uuid})]
Place = Annotated[int, Meta(ge=0, le=MOST, extra={"check": _place})]
"""A sequence, or a number from 0."""

OptionalId = Annotated[
    str, Meta(extra_json_schema={"pattern": "^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$", "maxLength": 36})
]
"""A UUID that a client chooses, or none: of what bears an `Idempotency-Key` in its place. `Ask.event_id` checks it."""
