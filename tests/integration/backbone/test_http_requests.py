"""What is logged while a request is answered is found by what its answer said."""

from __future__ import annotations

import asyncio
import json
import urllib.request

import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backbone.serving import http

pytestmark = pytest.mark.anyio


async def test_lines_of_a_request_have_the_id_that_its_answer_says_and_never_a_clients_own() -> None:
    async def told(_request: Request) -> JSONResponse:
        await asyncio.sleep(0)
        return JSONResponse(structlog.contextvars.get_contextvars())

    structlog.contextvars.bind_contextvars(instance="test-1")
    serving = http.serve(Starlette(routes=[Route("/", told)]), "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{serving.port}/"
        answers = [await asyncio.to_thread(_get, url) for _ in range(2)]
    finally:
        await serving.stop()
    for shown, logged in answers:
        assert logged["instance"] == "test-1"
        assert len(shown) == 12
        assert shown == logged["request"]
    assert answers[0] != answers[1]
    assert "request" not in structlog.contextvars.get_contextvars()
    structlog.contextvars.clear_contextvars()


def _get(url: str) -> tuple[str, dict[str, str]]:
    """The id that the answer says, and what a line written meanwhile would hold."""
    asked = urllib.request.Request(url, headers={"X-Request-Id": "forged"})  # noqa: S310 - our own server
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - the same
        return answer.headers["X-Request-Id"], json.load(answer)


async def test_a_port_that_is_taken_says_so_with_the_fix() -> None:
    serving = http.serve(Starlette(), "127.0.0.1", 0)
    try:
        with pytest.raises(http.PortError, match=r"can't be used: .* Take another\.$") as refused:
            http.serve(Starlette(), "127.0.0.1", serving.port, fix="Take another.")
    finally:
        await serving.stop()
    assert refused.value.code == "process.port_taken"
