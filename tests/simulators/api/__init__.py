"""A company's own system: signs what it posts and checks what it is posted, by Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset, Simulator

STATUSES = {"limited": 429, "busy": 503, "refused": 410, "rejected": 422}


def secret_of(seed: str) -> str:
    """A secret in its published form."""
    return "whsec_" + base64.b64encode(hashlib.sha256(seed.encode()).digest()).decode()


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """By the definition: strip, decode, HMAC over id.timestamp.body."""
    key = base64.b64decode(secret[len("whsec_") :])
    content = message_id.encode() + b"." + timestamp.encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


class ApiSimulator(Simulator):
    """One system with any number of users. It takes each `webhook-id` once."""

    takes_addresses: ClassVar[bool] = True

    name: ClassVar[str] = "api"
    excused: ClassVar[frozenset[str]] = frozenset({"token", "window", "media_gone"})
    tries: ClassVar[int] = 6
    answer_s: ClassVar[float] = 15.0
    tells: ClassVar[tuple[str, ...]] = ("delivered", "read")

    def __init__(self) -> None:
        super().__init__()
        self.secret = secret_of("this system")
        self.gives_ids = True
        self.callers: set[int] = set()
        """Ports that calls came from: one a connection."""

        self.reports: tuple[str, ...] = ()
        """Receipts that follow by themselves once a message was taken."""

        self.posted: list[tuple[bytes, dict[str, str]]] = []
        """Bodies and headers as they came."""

        self.redirects_to = ""
        self.refused_signatures = 0
        self.changes: list[dict[str, Any]] = []
        """Messages of ours that were withdrawn or changed."""

        self._last: dict[str, str] = {}
        """Keys of what users said last."""

        self._taken: dict[str, str] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        self._ended: set[str] = set()

    # --- the user --------------------------------------------------------------------------

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message, with a file at an address of this system where there is `content`."""
        key = f"m-{self.new_id()}"
        body: dict[str, Any] = {
            "t": "message",
            "key": key,
            "peer": {"id": peer, "name": peer},
            "kind": kind,
            "text": text,
            "at": int(self.clock.now() * 1000),
        }
        if content:
            body["media"] = [{"kind": kind, "ref": self.file(content, f"file-{key}"), "name": f"file-{key}"}]
        self._said(peer, kind, text)
        self._last[peer] = key
        return [self.push({**body, **more}, f"msg_{key}")]

    def loses_files(self) -> None:
        """Nothing is at the addresses of what users sent."""
        self._files.clear()

    def ends_files(self) -> None:
        """Their addresses are signed for some time, which is over."""
        self._ended |= self._files.keys()

    def receipt(self, one: Accepted, status: str, reason: str = "") -> list[Push]:
        """What became of a message of ours."""
        body = {"t": "receipt", "ref": one.id or one.key, "status": status, "reason": reason}
        return [self.push(body, f"rcp_{self.new_id()}")]

    def signal(self, peer: str, name: str, **data: str) -> list[Push]:
        """What is no message."""
        body = {"t": "signal", "name": name, "peer": {"id": peer}, "data": data}
        return [self.push(body, f"sig_{self.new_id()}")]

    def receipts(self, one: Accepted, *states: str) -> list[Push]:
        """What became of a message of ours."""
        return [push for state in states for push in self.receipt(one, state)]

    def stale(self, push: Push) -> list[Request]:
        """Signed well, just out of the five minutes."""
        return [self.signed(push.request.body, push.id, ahead_s=ahead_s) for ahead_s in (-301, 310)]

    def comes_back(self, one: Accepted) -> list[Push]:
        """A system that posts all that its users see."""
        said = {"ref": one.id, "peer": {"id": one.peer}, "text": one.text, "echo": True}
        return [self.push({"t": "message", "key": one.key, **said}, f"msg_{self.new_id()}")]

    def typed_elsewhere(self, peer: str, text: str) -> list[Push]:
        """Somebody of the company answers in the system itself."""
        body = {"t": "message", "key": f"m-{self.new_id()}", "peer": {"id": peer}, "text": text, "echo": True}
        return [self.push(body, f"msg_{self.new_id()}")]

    def rewrites(self, peer: str, text: str) -> list[Push]:
        """The user changes the last message of theirs."""
        return self.signal(peer, "edit", ref=self._last[peer], text=text)

    def takes_back(self, peer: str) -> list[Push]:
        """The user withdraws the last message of theirs."""
        return self.signal(peer, "recall", ref=self._last[peer])

    def leaves(self, peer: str) -> list[Push]:
        """The user wants no more messages."""
        return self.signal(peer, "blocked")

    def returns(self, peer: str) -> list[Push]:
        """The user wants them again."""
        return self.signal(peer, "enter")

    def push(self, body: dict[str, Any], message_id: str) -> Push:
        """One callback, signed now."""
        return Push(request=self.signed(json.dumps(body, ensure_ascii=False).encode(), message_id), id=message_id)

    def signed(self, body: bytes, message_id: str, *, secret: str = "", ahead_s: int = 0) -> Request:
        """A signed request; `ahead_s` moves its time."""
        timestamp = str(int(self.clock.now()) + ahead_s)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(secret or self.secret, message_id, timestamp, body),
        }
        return Request(method="POST", headers=headers, body=body)

    def forged(self, push: Push) -> list[Request]:
        """One bit changed, no signature, another's secret, another id, too old, from the future."""
        request = push.request
        right = request.headers["webhook-signature"]
        raw = bytearray(base64.b64decode(right[3:]))
        raw[0] ^= 1
        changed = {**request.headers, "webhook-signature": "v1," + base64.b64encode(bytes(raw)).decode()}
        without = {k: v for k, v in request.headers.items() if k != "webhook-signature"}
        renamed = {**request.headers, "webhook-id": "msg_other"}
        return [
            Request(method="POST", headers=changed, body=request.body),
            Request(method="POST", headers=without, body=request.body),
            self.signed(request.body, push.id, secret=secret_of("another system")),
            Request(method="POST", headers=renamed, body=request.body),
            *self.stale(push),
        ]

    def malformed(self) -> list[Request]:
        """Cut, of wrong types, deep, NUL, no object, a forbidden address, a signal that isn't a user's."""
        peer = b'"peer": {"id": "u"}'
        bodies = [
            b'{"t": "message", "key": "m-',
            b'{"t": "message", "peer": "u"}',
            b'{"t": "message", "text": 7, ' + peer + b"}",
            b'{"t": "message", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"," + peer + b"}",
            b"\0" * 64,
            b"[]",
            b'{"t": "message", "text": "\\ud800", ' + peer + b"}",
            b'{"t": "message", "media": [{"kind": "image", "ref": "https://169.254.169.254/"}], ' + peer + b"}",
            b'{"t": "signal", "name": "unlinked", ' + peer + b"}",
            b"<xml/>",
        ]
        return [self.signed(body, f"msg_bad{number}") for number, body in enumerate(bodies)]

    def unknown(self, peer: str) -> list[Push]:
        """A kind of event that nobody knew when this was written."""
        return [self.push({"t": "hologram", "peer": {"id": peer}}, f"msg_{self.new_id()}")]

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {"secret": self.secret, "url": f"{self.base}/trunkline"}

    def file(self, content: bytes, name: str, mime: str = "application/octet-stream") -> str:
        """Keeps a file; its address."""
        self._files[name] = (content, mime)
        return f"{self.base}/files/{name}"

    # --- what it is posted -----------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Our messages, and the files of its users."""
        return [Route("/trunkline", self._posted, methods=["POST"]), Route("/files/{name}", self._file)]

    async def _file(self, request: HttpRequest) -> Response:
        if self.is_kept_back():
            return Response("not now", 503)
        if request.path_params["name"] in self._ended:
            return Response("the signature has expired", 403)
        found = self._files.get(request.path_params["name"])
        return Response(found[0], media_type=found[1]) if found else Response("no such file", 404)

    async def _posted(self, request: HttpRequest) -> Response:
        if request.client:
            self.callers.add(request.client.port)
        fault = self.next_fault()
        is_empty = fault is not None and fault.name == "empty"
        if not is_empty and (answer := self.common_fault(fault) or _scripted(fault)):
            return answer
        if self.redirects_to:
            return RedirectResponse(self.redirects_to, 307)
        if fault and fault.name == "slow":
            await self.take_time(fault)
        body = await request.body()
        self.posted.append((body, dict(request.headers)))
        message_id, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "0")
        given = request.headers.get("webhook-signature", "").split()
        is_fresh = abs(self.clock.now() - int(timestamp)) <= 300
        if not is_fresh or signature(self.secret, message_id, timestamp, body) not in given:
            self.refused_signatures += 1
            return JSONResponse({"error": "signature"}, 401)
        answer = self._take(message_id, json.loads(body))
        if is_empty:
            # By this protocol 2xx is a yes, whatever comes with it.
            return Response(b"")
        return Reset() if fault and fault.name == "lost" else answer

    def _take(self, message_id: str, said: dict[str, Any]) -> Response:
        if message_id not in self._taken:
            self._taken[message_id] = f"theirs-{self.new_id()}" if self.gives_ids else ""
            if said["type"] == "message":
                self._accept_one(self._taken[message_id], said)
            else:
                self.changes.append(said)
                if said["type"] == "message.edited":
                    self.changed.append(said["text"])
                else:
                    self.withdrawn.append(said["ref"])
        given = self._taken[message_id]
        return JSONResponse({"id": given} if given else {})

    def _accept_one(self, given: str, said: dict[str, Any]) -> None:
        file = said.get("file", {})
        content = base64.b64decode(file.get("content", ""))
        one = Accepted(
            id=given,
            peer=said["peer"]["id"],
            kind=said.get("kind", "text"),
            text=said["text"],
            sha256=hashlib.sha256(content).hexdigest() if content else "",
            key=said["key"],
            more=said,
        )
        self._accept(one)
        if self.hook:
            for status in self.reports:
                for push in self.receipt(one, status):
                    self.deliver_soon(push)


def _scripted(fault: Fault | None) -> Response | None:
    if fault is None or fault.name not in STATUSES:
        return None
    headers = {"Retry-After": f"{fault.after_s:g}"} if fault.after_s is not None else {}
    return JSONResponse({"error": fault.name}, STATUSES[fault.name], headers)
