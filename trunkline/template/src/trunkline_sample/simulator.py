"""Plays the platform, for the cases of `trunkline channel check` and for a person (`trunkline dev simulate sample`).

Its base class, and this module with it, need a checkout of Trunkline; the channel itself doesn't.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Push, Reset, Simulator
from trunkline_sample.protocol import signature

STATUSES = {"limited": 429, "busy": 503, "refused": 401, "rejected": 400}


class SampleSimulator(Simulator):
    """One account with any number of customers."""

    name: ClassVar[str] = "sample"
    excused: ClassVar[frozenset[str]] = frozenset({"token", "window", "media_gone"})
    """Faults that the platform hasn't."""

    def __init__(self) -> None:
        super().__init__()
        self.secret, self.token = "a-secret-of-callbacks", "a-token-of-the-api"
        self._taken: dict[str, str] = {}
        self._files: dict[str, bytes] = {}

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {"secret": self.secret, "token": self.token, "api": self.base}

    # --- the customer ----------------------------------------------------------------------

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """What the customer says, as callbacks that aren't delivered yet."""
        number = f"m{self.new_id()}"
        body: dict[str, Any] = {"id": number, "user": peer, "name": peer, "at": int(self.clock.now() * 1000)}
        body |= {"type": "message.hologram" if kind == "unsupported" else kind, "text": text}
        if content:
            self._files[number] = content
            body["file"] = {"id": number, "name": f"{number}.png", "mime": "image/png"}
        self._said(peer, kind, text)
        return [self._push({**body, **more})]

    def loses_files(self) -> None:
        """The platform no longer has what customers sent so far."""
        self._files.clear()

    def forged(self, push: Push) -> list[Request]:
        """The callback with one bit of its signature changed, without it, and by another account's secret."""
        body, right = push.request.body, push.request.headers["X-Signature"]
        wrong = f"{int(right[0], 16) ^ 1:x}{right[1:]}"
        signed = [{"X-Signature": wrong}, {}, {"X-Signature": signature("another secret", body)}]
        return [Request(method="POST", headers=headers, body=body) for headers in signed]

    def malformed(self) -> list[Request]:
        """Callbacks that are signed well and can't be understood."""
        bodies = (b'{"id": "1', b'{"id": 7}', b"[" * 50_000, b"\0", b'{"id": "1", "type": "text", "user": "\xff"}')
        return [self._signed(body) for body in bodies]

    def unknown(self, peer: str) -> list[Push]:
        """A callback of a kind that nobody knew when this was written."""
        return [self._push({"id": f"e{self.new_id()}", "type": "levitated", "user": peer})]

    def _push(self, body: dict[str, Any]) -> Push:
        return Push(request=self._signed(json.dumps(body, ensure_ascii=False).encode()), id=body["id"])

    def _signed(self, body: bytes) -> Request:
        return Request(method="POST", headers={"X-Signature": signature(self.secret, body)}, body=body)

    # --- the API ---------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """What the channel calls."""
        return [Route("/messages", self._messages, methods=["POST"]), Route("/files/{file}", self._file)]

    async def _messages(self, request: HttpRequest) -> Response:
        fault = self.next_fault()
        if answer := self.common_fault(fault):
            return answer
        if fault and fault.name in STATUSES:
            headers = {"Retry-After": f"{fault.after_s:g}"} if fault.after_s else None
            return JSONResponse({"error": fault.name}, STATUSES[fault.name], headers)
        if fault and fault.name == "slow":
            await self.take_time(fault)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "token"}, 401)
        said = await request.json()
        if said["key"] not in self._taken:
            self._taken[said["key"]] = number = f"s{self.new_id()}"
            self._accept(Accepted(id=number, peer=said["to"], kind="text", text=said["text"], key=said["key"]))
        return Reset() if fault and fault.name == "lost" else JSONResponse({"id": self._taken[said["key"]]})

    async def _file(self, request: HttpRequest) -> Response:
        if self.is_kept_back():
            return JSONResponse({"error": "not now"}, 503)
        content = self._files.get(request.path_params["file"])
        return Response(content, media_type="image/png") if content else JSONResponse({}, 404)
