"""公众平台 as its documents describe it, for official accounts and mini programs alike: three modes, XML and JSON,
tokens, windows, files, errors with HTTP 200.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset, Simulator
from tests.simulators.wechat.answers import answered, decoded, download
from tests.simulators.wechat.crypto import cdata, seal, signature
from tests.simulators.wechat.forms import file_of
from tests.simulators.wechat.parts import Code, File, Files, Tokens, Windows

BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<xml><FromUserName>&b;</FromUserName><MsgType>text</MsgType></xml>"""
CODES = {
    "busy": -1,
    "limited": 45011,
    "refused": 40164,
    "window": 45015,
    "rejected": 45002,
    "media_gone": 40007,
}


class PlatformSimulator(Simulator):
    """One account. What the documents leave open is an attribute."""

    tells_when: ClassVar[bool] = False
    kinds: ClassVar[dict[str, str]] = {"text": "text", "image": "image"}
    """What may be sent, by WeChat's name: ours of it."""

    unsendable: ClassVar[int] = 40008
    """The errcode of any other kind."""

    typing_at: ClassVar[str] = "/cgi-bin/message/custom/typing"

    def __init__(
        self,
        mode: Literal["plain", "compatible", "safe"] = "safe",
        form: Literal["xml", "json"] = "xml",
    ) -> None:
        super().__init__()
        self.mode = mode
        self.form = form
        self.app_id = "wx5823bf96d3bd56c7"
        self.app_secret = "an app's secret"
        self.token = "QDG6eK"
        self.aes_key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
        self.user_name = "gh_simulator"
        self.tokens = Tokens(life_s=7200, grace_s=300)
        self.files = Files(life_s=3 * 86_400)
        self.windows = Windows(message=(5, 48 * 3600.0))
        self.text_bytes = 2048
        self.most_bytes = {"image": 2 << 20}
        self.sends_a_day = 500_000
        self.typing_within_s = 30.0
        self.typing_s = 15.0
        self.known: set[str] = set()
        self.typing: dict[str, float] = {}
        """Until when it is shown to whom that we type; a message of ours ends it."""

        self.typed: Counter[str] = Counter()
        self.exchanged: dict[str, float] = {}

    def account(self) -> dict[str, Any]:
        """Settings of an inbox that fits."""
        sealed = {} if self.mode == "plain" else {"aes_key": self.aes_key}
        return {
            "app_id": self.app_id,
            "app_secret": self.app_secret,
            "token": self.token,
            "api": self.base,
            **sealed,
        }

    # --- what customers do -----------------------------------------------------------------

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message; `more` are further fields as WeChat names them (`bizmsgmenuid`, `Format`, `Recognition`)."""
        self.known.add(peer)
        now = self.clock.now()
        self.windows.happened(peer, "message", now)
        self.exchanged[peer] = now
        msg_id = str(24_000_000_000_000_000 + self.new_id())
        theirs = {"audio": "voice"}.get(kind, kind)
        fields = {"MsgType": theirs, "MsgId": msg_id, **self._content(theirs, text, content), **more}
        self._said(peer, kind, text)
        return [self.push(peer, fields, msg_id)]

    def event(self, peer: str, event: str, **more: str) -> Push:
        """An event; `more` are its fields."""
        self.known.add(peer)
        return self.push(peer, {"MsgType": "event", "Event": event, **more}, f"{event}-{self.new_id()}")

    def loses_files(self) -> None:
        """The media_ids of what customers sent are of no files any more."""
        self.files.lose()

    def ends_files(self) -> None:
        """The three days of what customers sent are over."""
        self.files.end()

    def unknown(self, peer: str) -> list[Push]:
        """A kind and an event of tomorrow."""
        return [
            *self.say(peer, kind="hologram"),
            self.event(peer, "hologram_waved"),
        ]

    def _content(self, kind: str, text: str, content: bytes) -> dict[str, Any]:
        """The fields of a message of a customer, by WeChat's kind."""
        if kind == "image":
            return {"PicUrl": "http://mmbiz.qpic.cn/x", "MediaId": self._kept(kind, "jpg", "image/jpeg", content)}
        return {"Content": text}

    def _kept(self, kind: str, ending: str, mime: str, content: bytes) -> str:
        return self.files.put(File(kind, f"customer.{ending}", mime, content, self.clock.now()))

    # --- callbacks -------------------------------------------------------------------------

    def push(self, peer: str, fields: dict[str, Any], push_id: str) -> Push:
        """A callback as the console's mode and format want it."""
        plain = {
            "ToUserName": self.user_name,
            "FromUserName": peer,
            "CreateTime": int(self.clock.now()),
            **fields,
        }
        return Push(request=self.signed(self.written(plain), peer, plain), id=push_id)

    def written(self, plain: dict[str, Any]) -> bytes:
        """The fields as XML or JSON."""
        if self.form == "json":
            numbers = {"CreateTime": int, "MsgId": int}
            return json.dumps({k: numbers.get(k, str)(v) for k, v in plain.items()}, ensure_ascii=False).encode()
        inner = "".join(
            f"<{k}>{v}</{k}>" if k in {"CreateTime", "MsgId"} else f"<{k}>{cdata(str(v))}</{k}>"
            for k, v in plain.items()
        )
        return f"<xml>{inner}</xml>".encode()

    def stale(self, push: Push) -> list[Request]:
        """Signed well, just out of the five minutes, and 400 days ago."""
        message = self.written({"FromUserName": "ann", "MsgType": "text", "Content": "late", "MsgId": self.new_id()})
        del push
        return [self.signed(message, ahead_s=ahead_s) for ahead_s in (-301, 310, -400 * 86_400)]

    def signed(
        self, body: bytes, peer: str = "someone", plain: dict[str, Any] | None = None, ahead_s: int = 0
    ) -> Request:
        """A body as a callback; `plain` are the fields that compatible mode leaves readable."""
        # It signs when it pushes, however long ago the customer wrote.
        stamp, nonce = str(int(time.time()) + ahead_s), f"nonce{self.new_id()}"
        query = {
            "signature": signature(self.token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": peer,
        }
        if self.mode != "plain":
            sealed = seal(body, self.aes_key, self.app_id)
            query |= {"encrypt_type": "aes", "msg_signature": signature(self.token, stamp, nonce, sealed)}
            readable = (plain or {}) if self.mode == "compatible" else {}
            body = self.written({**readable, "ToUserName": self.user_name, "Encrypt": sealed})
        kind = "application/json" if self.form == "json" else "text/xml"
        return Request(method="POST", query=query, headers={"content-type": kind}, body=body)

    def handshakes(self) -> list[tuple[Request, int, bytes]]:
        """The check of the address: right, and signed with another token."""
        stamp, nonce, echo = "1714037059", "486452656", "4375120948345356249"

        def check(token: str) -> Request:
            signed = signature(token, stamp, nonce)
            query = {"signature": signed, "timestamp": stamp, "nonce": nonce, "echostr": echo}
            return Request(method="GET", query=query)

        return [(check(self.token), 200, echo.encode()), (check("another"), 401, b"")]

    def forged(self, push: Push) -> list[Request]:
        """One bit off, no signature, another account's token; in the encrypted modes another body, too."""
        name = "signature" if self.mode == "plain" else "msg_signature"
        good = push.request
        right = good.query[name]
        flipped = right[:-1] + format(int(right[-1], 16) ^ 1, "x")
        without = {k: v for k, v in good.query.items() if k != name}
        keep, self.token = self.token, "another account's"
        try:
            other = self.signed(b"<xml></xml>")
        finally:
            self.token = keep
        found = [_with(good, {**good.query, name: flipped}), _with(good, without), other]
        if self.mode != "plain":
            swapped = self.signed(b"<xml></xml>").body
            found.append(Request(method="POST", query=good.query, headers=good.headers, body=swapped))
        return found

    def malformed(self) -> list[Request]:
        """Signed well, and not to be understood."""
        whole = self.written({"FromUserName": "p", "CreateTime": 1, "MsgType": "text", "Content": "x", "MsgId": 1})
        bodies = [
            whole[:-9],
            b"",
            b"<xml></xml>",
            BOMB.encode(),
            b"[" * 50_000,
            b"<xml>" + b"<a>" * 20_000,
            b'{"FromUserName":{"a":1},"MsgType":["text"],"CreateTime":1}',
            b'{"FromUserName":"p","MsgType":"text","CreateTime":"yesterday"}',
            b"<xml><FromUserName>p</FromUserName><MsgType>text\0</MsgType></xml>",
            b'{"FromUserName":"\\ud800","MsgType":"text"}',
            b"\xff\xfe<xml/>",
        ]
        return [self.signed(body) for body in bodies]

    # --- the API ---------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """The calls that our channel makes, and some of the rules around them."""
        return [
            Route("/cgi-bin/stable_token", answered(self._stable_token), methods=["POST"]),
            Route("/cgi-bin/message/custom/send", answered(self._send), methods=["POST"]),
            Route(self.typing_at, answered(self._typing), methods=["POST"]),
            Route("/cgi-bin/media/upload", answered(self._upload), methods=["POST"]),
            Route("/cgi-bin/media/get", answered(self._media), methods=["GET"]),
        ]

    async def _stable_token(self, request: HttpRequest) -> dict[str, Any]:
        asked = decoded(await request.body())
        if asked.get("grant_type") != "client_credential":
            raise Code(40002, "invalid grant_type")
        if asked.get("appid") != self.app_id:
            raise Code(40013, "invalid appid")
        if asked.get("secret") != self.app_secret:
            raise Code(40125, "invalid appsecret")
        now = self.clock.now()
        token = self.tokens.get(now, force=bool(asked.get("force_refresh")))
        return {"access_token": token.value, "expires_in": int(token.until - now)}

    def _allowed(self, request: HttpRequest) -> None:
        self.tokens.check(request.query_params.get("access_token", ""), self.clock.now())

    async def _send(self, request: HttpRequest) -> dict[str, Any] | Response:
        fault = self.next_fault()
        if (broken := self.common_fault(fault)) is not None:
            return broken
        self._meet(fault)
        self._allowed(request)
        raw = await request.body()
        if b"\\u" in raw:
            raise Code(40033, "invalid charset. please check your request, if include \\uxxxx will create fail!")
        message = decoded(raw)
        accepted = self._checked(message)
        if fault is not None and fault.name == "slow":
            await self.take_time(fault)
        self.windows.take(accepted.peer, self.clock.now())
        self.typing.pop(accepted.peer, None)
        self._accept(accepted)
        if fault is not None and fault.name == "lost":
            return Reset()
        return {"errcode": 0, "errmsg": "ok"}

    def _meet(self, fault: Fault | None) -> None:
        if fault is None or fault.name in {"slow", "lost"}:
            return
        if fault.name == "token":
            self.tokens.kill()
            return
        raise Code(CODES[fault.name])

    def _checked(self, message: dict[str, Any]) -> Accepted:
        """What is to be sent, if everything about it is right."""
        peer, theirs, now = str(message.get("touser", "")), str(message.get("msgtype", "")), self.clock.now()
        if len([a for a in self.accepted if a.at > now - 86_400]) >= self.sends_a_day:
            raise Code(45009, "reach max api daily quota limit")
        self._reachable(peer)
        state = self.windows.state(peer, now)
        if state != "open":
            raise Code(45015 if state == "time" else 45047, f"out of {state}")
        content = message.get(theirs)
        if theirs not in self.kinds or not isinstance(content, dict):
            raise Code(self.unsendable, "invalid message type")
        text, sha256 = self._carries(theirs, content)
        return Accepted(
            id=f"{self.new_id()}", peer=peer, kind=self.kinds[theirs], text=text, sha256=sha256, more=message
        )

    def _reachable(self, peer: str) -> None:
        """Raises why nothing may be sent to somebody, whatever the windows say."""
        if peer not in self.known:
            raise Code(40003, "invalid openid")

    def _carries(self, theirs: str, content: dict[str, Any]) -> tuple[str, str]:
        """The words of a message of ours, and the hash of its file."""
        if theirs == "text":
            return self._words(str(content.get("content", ""))), ""
        return "", hashlib.sha256(self._file_of(theirs, content.get("media_id")).content).hexdigest()

    def _words(self, text: str) -> str:
        if not text:
            raise Code(44004, "empty content")
        if len(text.encode()) > self.text_bytes:
            raise Code(45002, "content size out of limit")
        return text

    def _file_of(self, theirs: str, media_id: Any) -> File:
        file = self.files.get(str(media_id), self.clock.now())
        if file.kind != theirs:
            raise Code(40007, "media_id of another kind")
        return file

    def shown_typing(self, peer: str) -> int:
        """How often it began to be shown."""
        return self.typed[peer]

    async def _typing(self, request: HttpRequest) -> dict[str, Any]:
        self._allowed(request)
        asked, now = decoded(await request.body()), self.clock.now()
        peer, command = str(asked.get("touser")), asked.get("command")
        if command not in {"Typing", "CancelTyping"}:
            raise Code(45072, "command")
        if now - self.exchanged.get(peer, 0) > self.typing_within_s:
            raise Code(45080, "no exchange")
        if command == "CancelTyping":
            self.typing.pop(peer, None)
        elif now < self.typing.get(peer, 0):
            raise Code(45081, "typing already")
        else:
            self.typing[peer] = now + self.typing_s
            self.typed[peer] += 1
        return {"errcode": 0, "errmsg": "ok"}

    async def _upload(self, request: HttpRequest) -> dict[str, Any]:
        self._allowed(request)
        kind = request.query_params.get("type", "")
        if kind not in self.most_bytes:
            raise Code(40004, "invalid media type")
        part = await file_of(request, "media")
        if part is None:
            raise Code(41005, "media data missing")
        if not part.content or len(part.content) > self.most_bytes[kind]:
            raise Code({"image": 40009, "voice": 40010, "video": 40011, "thumb": 40012}[kind], "size")
        now = self.clock.now()
        media_id = self.files.put(File(kind, part.filename, part.mime, part.content, now))
        named = "thumb_media_id" if kind == "thumb" else "media_id"
        return {"type": kind, named: media_id, "created_at": int(now)}

    async def _media(self, request: HttpRequest) -> dict[str, Any] | Response:
        self._allowed(request)
        if self.is_kept_back():
            raise Code(-1, "system error")
        file = self.files.get(request.query_params.get("media_id", ""), self.clock.now())
        return download(file)


def _with(good: Request, query: dict[str, str]) -> Request:
    return Request(method=good.method, query=query, headers=good.headers, body=good.body)
