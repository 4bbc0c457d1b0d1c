"""Errors of the HTTP API: RFC 9457 `application/problem+json` with our stable code."""

from __future__ import annotations

import math
from http import HTTPStatus

import msgspec
import structlog
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from backbone.errors import TrunklineError

_log = structlog.get_logger("node.rest")


class Problem(Struct, omit_defaults=True, kw_only=True):
    """A refusal or failure. `code` is stable; `field` names the input at fault, `retry_after_ms` says when another try
    makes sense.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    retry_after_ms: int | None = None


def response(
    status: int, code: str, detail: str, *, field: str | None = None, retry_after_ms: int | None = None
) -> Response:
    """One problem."""
    body = Problem(
        type=f"/api/docs#{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        field=field or None,
        retry_after_ms=retry_after_ms or None,
    )
    headers = {"Cache-Control": "no-store"}
    if retry_after_ms:
        headers["Retry-After"] = str(math.ceil(retry_after_ms / 1000))
    return Response(msgspec.json.encode(body), status, headers, media_type="application/problem+json")


async def on_trunkline_error(request: Request, error: Exception) -> Response:
    """An error of ours, as it is."""
    if not isinstance(error, TrunklineError):
        return await on_any_error(request, error)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("request.failed", path=request.url.path, code=error.code, error=error.message)
    return response(error.status, error.code, error.message, field=error.field, retry_after_ms=error.retry_after_ms)


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """Starlette's own refusals, such as an unknown path."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    codes = {404: ("route.not_found", "There is nothing here."), 405: ("route.method", "Not by this method.")}
    code, detail = codes.get(status, ("request.refused", HTTPStatus(status).phrase))
    refusal = response(status, code, detail)
    if isinstance(error, HTTPException):
        # `Allow` of a 405.
        refusal.headers.update(error.headers or {})
    return refusal


async def on_disconnect(_request: Request, _error: Exception) -> Response:
    """The client left in the middle of its body: nobody reads this answer, and it is no fault of ours."""
    return response(400, "request.refused", "The request ended before its body did.")


async def on_any_error(request: Request, error: Exception) -> Response:
    """Our fault: logged with its trace, answered without."""
    _log.error("request.crashed", path=request.url.path, exc_info=error)
    return response(500, "internal.error", "The request failed; the fault is logged.")
