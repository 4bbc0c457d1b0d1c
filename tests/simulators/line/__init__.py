"""LINE's Messaging API for one channel, as developers.line.biz describes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset, Simulator

STATUSES = {"limited": 429, "busy": 503, "refused": 401, "rejected": 400}
FILES = {"image": "image/png", "video": "video/mp4", "audio": "audio/x-m4a", "file": "application/pdf"}


class LineSimulator(Simulator):
    """One channel. Reply tokens are good for a minute and one call; pushes know their retry key for a day."""

    name: ClassVar[str] = "line"
    excused: ClassVar[frozenset[str]] = frozenset({"token", "window", "media_gone"})
    tells_when: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.secret = "0123456789abcdef0123456789abcdef"
        self.access_token = "a-long-lived-token-of-the-channel"
        self.reply_life_s = 60.0
        self.retry_key_life_s = 86_400.0
        self.is_over_the_plan = False
        self._names: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self._blocked: set[str] = set()
        self._reply_tokens: dict[str, tuple[str, float]] = {}
        self._retry_keys: dict[str, tuple[float, str]] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        self._ended: set[str] = set()

    # --- the customer ----------------------------------------------------------------------

    def user_of(self, peer: str) -> str:
        """LINE's id of a customer."""
        user = "U" + hashlib.md5(peer.encode(), usedforsecurity=False).hexdigest()
        self._names[user] = peer
        return user

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message; `kind` also `sticker`, `location`, `hologram`. `more` are fields of LINE's message."""
        number = self._last[peer] = str(460_000_000_000_000_000 + self.new_id())
        message: dict[str, Any] = {"id": number, "type": kind, "quoteToken": "q"}
        if kind in FILES:
            self._files[number] = (content, FILES[kind])
            message |= {"contentProvider": {"type": "line"}}
        if kind == "file":
            message |= {"fileName": "file.pdf", "fileSize": len(content)}
        if kind == "text":
            message |= {"text": text}
        if kind == "sticker":
            message |= {"packageId": "1", "stickerId": "2", "stickerResourceType": "STATIC", "keywords": ["hi", "wave"]}
        if kind == "location":
            message |= {"title": text, "address": "Nanjing Road", "latitude": 31.25, "longitude": 121.5}
        self._said(peer, kind, text)
        token = uuid.uuid4().hex
        self._reply_tokens[token] = (self.user_of(peer), self.clock.now() + self.reply_life_s)
        return self.event(peer, "message", message={**message, **more}, replyToken=token)

    def loses_files(self) -> None:
        """No content is known of what customers sent."""
        self._files.clear()

    def ends_files(self) -> None:
        """LINE has deleted by itself what customers sent, after a time that it doesn't tell."""
        self._ended |= self._files.keys()

    def takes_back(self, peer: str) -> list[Push]:
        """The customer unsends the last message of theirs."""
        return self.event(peer, "unsend", unsend={"messageId": self._last[peer]})

    def leaves(self, peer: str) -> list[Push]:
        """The customer blocks the account."""
        self._blocked.add(self.user_of(peer))
        return self.event(peer, "unfollow")

    def returns(self, peer: str) -> list[Push]:
        """The customer adds it again."""
        self._blocked.discard(self.user_of(peer))
        return self.event(peer, "follow", follow={"isUnblocked": True})

    def event(self, peer: str, kind: str, **more: Any) -> list[Push]:
        """One event by itself in a callback."""
        event = {
            "type": kind,
            "mode": "active",
            "timestamp": int(self.clock.now() * 1000),
            "source": {"type": "user", "userId": self.user_of(peer)},
            "webhookEventId": f"01H{self.new_id():023d}",
            "deliveryContext": {"isRedelivery": False},
            **more,
        }
        return [self.push([event], event["webhookEventId"])]

    def push(self, events: list[Any], name: str) -> Push:
        """A callback of several events."""
        body = json.dumps({"destination": "Uxxx", "events": events}, ensure_ascii=False).encode()
        return Push(request=self.callback(body), id=name)

    def callback(self, body: bytes, secret: str = "") -> Request:
        """A callback with its signature."""
        digest = hmac.new((secret or self.secret).encode(), body, hashlib.sha256).digest()
        headers = {"Content-Type": "application/json", "X-Line-Signature": base64.b64encode(digest).decode()}
        return Request(method="POST", headers=headers, body=body)

    def handshakes(self) -> list[tuple[Request, int, bytes]]:
        """The button *Verify* sends a callback without events."""
        empty = b'{"destination":"Uxxx","events":[]}'
        wrong = self.callback(empty, "another channel's secret")
        return [(self.callback(empty), 200, b""), (wrong, 401, b"the callback can't be verified\n")]

    def forged(self, push: Push) -> list[Request]:
        """One bit changed, no signature, another channel's, hex in place of base64."""
        request = push.request
        raw = bytearray(base64.b64decode(request.headers["X-Line-Signature"]))
        raw[0] ^= 1
        changed = {**request.headers, "X-Line-Signature": base64.b64encode(bytes(raw)).decode()}
        digits = hmac.new(self.secret.encode(), request.body, hashlib.sha256).hexdigest()
        return [
            Request(method="POST", headers=changed, body=request.body),
            Request(method="POST", headers={"Content-Type": "application/json"}, body=request.body),
            self.callback(request.body, "another channel's secret"),
            Request(method="POST", headers={"X-Line-Signature": digits}, body=request.body),
        ]

    def malformed(self) -> list[Request]:
        """Cut, of wrong types, deep, NUL, a lone surrogate, no JSON."""
        bodies = [
            b'{"destination": "Uxxx", "eve',
            b'{"events": 7}',
            b'{"events": [7]}',
            b"{}",
            b"[]",
            b'{"events": [{"type": "message", "webhookEventId": "1", "source": {"userId": "U"}, "message": "x"}]}',
            b'{"events": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b"\0" * 64,
            b'{"events": [{"type": "\\ud800"}]}',
            b"<xml/>",
        ]
        return [self.callback(body) for body in bodies]

    def unknown(self, peer: str) -> list[Push]:
        """A kind of event that nobody knew when this was written."""
        return self.event(peer, "levitated", height=3)

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {"secret": self.secret, "access_token": self.access_token, "api": self.base, "data_api": self.base}

    # --- the Messaging API -----------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Replies, pushes and files."""
        return [
            Route("/v2/bot/message/reply", self._reply, methods=["POST"]),
            Route("/v2/bot/message/push", self._push, methods=["POST"]),
            Route("/v2/bot/message/{message}/content", self._content),
        ]

    def _is_known(self, request: HttpRequest) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.access_token}"

    async def _met(self, request: HttpRequest) -> tuple[Fault | None, Response | None]:
        """The scripted fault, and the answer where that is one already."""
        fault = self.next_fault()
        answer = self.common_fault(fault)
        if answer is None and fault and fault.name in STATUSES:
            answer = _error(STATUSES[fault.name], fault.name)
        if answer is None and not self._is_known(request):
            answer = _error(401, "Authentication failed. Confirm that the access token is valid.")
        if fault and fault.name == "slow":
            await self.take_time(fault)
        return fault, answer

    async def _reply(self, request: HttpRequest) -> Response:
        fault, answer = await self._met(request)
        if answer:
            return answer
        if "x-line-retry-key" in request.headers:
            return _error(400, "Retry key is not accepted")
        body = await request.json()
        user, until = self._reply_tokens.get(body["replyToken"], ("", 0.0))
        if until < self.clock.now():
            return _error(400, "Invalid reply token")
        del self._reply_tokens[body["replyToken"]]
        answer = self._taken(user, body["messages"], how="reply")
        return Reset() if fault and fault.name == "lost" else answer

    async def _push(self, request: HttpRequest) -> Response:
        fault, answer = await self._met(request)
        if answer:
            return answer
        key = request.headers.get("x-line-retry-key", "")
        if key:
            try:
                uuid.UUID(key)
            except ValueError:
                return _error(400, "Invalid retry key")
        at, request_id = self._retry_keys.get(key, (0.0, ""))
        if key and self.clock.now() < at + self.retry_key_life_s:
            refused = _error(409, "The retry key is already accepted")
            refused.headers["x-line-accepted-request-id"] = request_id
            return refused
        body = await request.json()
        if self.is_over_the_plan:
            return _error(429, "You have reached your monthly limit.")
        if body["to"] not in self._names:
            return _error(400, "The property, 'to', in the request body is invalid")
        answer = self._taken(body["to"], body["messages"], how="push")
        if key and answer.status_code == 200:
            self._retry_keys[key] = (self.clock.now(), str(uuid.uuid4()))
        return Reset() if fault and fault.name == "lost" else answer

    def _taken(self, user: str, messages: list[dict[str, Any]], *, how: str) -> Response:
        if not 1 <= len(messages) <= 5:
            return _error(400, "Size must be between 1 and 5")
        if any(not 1 <= len(one["text"].encode("utf-16-le")) // 2 <= 5000 for one in messages):
            return _error(400, "Length must be between 0 and 5000")
        sent = []
        for one in messages:
            number = str(461_000_000_000_000_000 + self.new_id())
            sent.append({"id": number, "quoteToken": "q"})
            accepted = Accepted(id=number, peer=self._names[user], kind="text", text=one["text"], more={"how": how})
            self._accept(accepted)
        return JSONResponse({"sentMessages": sent})

    async def _content(self, request: HttpRequest) -> Response:
        if not self._is_known(request):
            return _error(401, "Authentication failed. Confirm that the access token is valid.")
        found = self._files.get(request.path_params["message"])
        if found is None:
            return _error(404, "Not found")
        if request.path_params["message"] in self._ended:
            return _error(410, "Gone")
        if self.is_kept_back():
            return Response(b"", 202)
        return Response(found[0], media_type=found[1])


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status)
