"""What people do in LINE, as callbacks of its webhook: developers.line.biz, Webhook Event Objects."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any, ClassVar

from backbone.channel import Request
from tests.simulators.base import Accepted, Push, Simulator

FILES = {"image": "image/png", "video": "video/mp4", "audio": "audio/x-m4a", "file": "application/pdf"}
QUOTABLE = frozenset({"text", "sticker", "image", "video"})
BOT = "U" + "b" * 32


class Customers(Simulator):
    """People and groups of one official account. Reply tokens are good for a minute and one call."""

    name: ClassVar[str] = "line"
    answer_s: ClassVar[float] = 2.0
    """LINE waits so long."""

    tries: ClassVar[int] = 5

    def __init__(self) -> None:
        super().__init__()
        self.secret = "0123456789abcdef0123456789abcdef"
        self.channel_id = "1657000000"
        self.reply_life_s = 60.0
        self.names: dict[str, str] = {}
        """What people and groups are called, by LINE's id."""

        self.reply_tokens: dict[str, tuple[str, float]] = {}
        """Of which chat each is, and until when."""

        self.quote_tokens: dict[str, str] = {}
        """Of which chat each is."""

        self.read_tokens: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.files: dict[str, tuple[bytes, str]] = {}
        self.ended: set[str] = set()
        self._last: dict[str, str] = {}

    # --- who ---------------------------------------------------------------------------------

    def user_of(self, peer: str) -> str:
        """LINE's id of a person."""
        return self._id("U", peer)

    def group_of(self, group: str, kind: str = "group") -> str:
        """LINE's id of a group, or of a room."""
        return self._id("C" if kind == "group" else "R", group)

    def _id(self, prefix: str, name: str) -> str:
        one = prefix + hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        self.names[one] = name
        return one

    def source_of(self, peer: str, group: str = "", kind: str = "group") -> dict[str, str]:
        """Where an event comes from."""
        if not group:
            return {"type": "user", "userId": self.user_of(peer)}
        return {"type": kind, f"{kind}Id": self.group_of(group, kind), "userId": self.user_of(peer)}

    # --- what they say -----------------------------------------------------------------------

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message; `kind` also `sticker`, `location`, `unsupported`. `more` are fields of LINE's message."""
        self._said(peer, kind, text)
        return self._says(peer, self.source_of(peer), self.message(text, kind, content, self.user_of(peer)) | more)

    def quotes_ours(self, peer: str, one: Accepted, text: str) -> list[Push]:
        """The customer quotes a message of ours."""
        return self.say(peer, text, quotedMessageId=one.id)

    def says_in_group(self, group: str, author: str, text: str, kind: str = "group") -> list[Push]:
        """A member of a group, or of a room, writes."""
        source = self.source_of(author, group, kind)
        self._said(group, "text", text)
        return self._says(group, source, self.message(text, "text", b"", self.group_of(group, kind)))

    def message(self, text: str, kind: str, content: bytes, chat: str) -> dict[str, Any]:
        """LINE's message of a kind, said in a chat."""
        number = str(460_000_000_000_000_000 + self.new_id())
        read = f"r{uuid.uuid4().hex}"
        self.read_tokens[read] = chat
        message: dict[str, Any] = {"id": number, "type": "hologram" if kind == "unsupported" else kind}
        message["markAsReadToken"] = read
        if kind in QUOTABLE:
            message["quoteToken"] = self.new_quote_token(chat)
        if kind in FILES:
            self.files[number] = (content, FILES[kind])
        return message | self._content(text, kind, content)

    def _content(self, text: str, kind: str, content: bytes) -> dict[str, Any]:
        match kind:
            case "text":
                return {"text": text}
            case "sticker":
                return {
                    "packageId": "446",
                    "stickerId": "1988",
                    "stickerResourceType": "ANIMATION",
                    "keywords": ["hi", "wave"],
                    **({"text": text} if text else {}),
                }
            case "location":
                return {"title": text, "address": "Nanjing Road", "latitude": 31.25, "longitude": 121.5}
            case "file":
                return {"fileName": "file.pdf", "fileSize": len(content)}
            case "image" | "video" | "audio":
                played = {} if kind == "image" else {"duration": 60_000}
                return {"contentProvider": {"type": "line"}, **played}
            case _:
                return {"light": "blue"}

    def new_quote_token(self, chat: str) -> str:
        """A token by which a message of a chat is quoted."""
        token = f"q{uuid.uuid4().hex}"
        self.quote_tokens[token] = chat
        return token

    def _says(self, peer: str, source: dict[str, str], message: dict[str, Any]) -> list[Push]:
        self._last[peer] = message["id"]
        return self.event(peer, "message", source=source, message=message, replyToken=self.new_reply_token(source))

    def new_reply_token(self, source: dict[str, str]) -> str:
        """A token by which one event is replied to."""
        token = uuid.uuid4().hex
        chat = source.get("groupId") or source.get("roomId") or source["userId"]
        self.reply_tokens[token] = (chat, self.clock.now() + self.reply_life_s)
        return token

    def edits_in_group(self, group: str, author: str, text: str) -> list[Push]:
        """A member changes the last message of a group; in a chat with the account alone nobody can."""
        source = self.source_of(author, group)
        message = {
            "id": self._last[group],
            "type": "text",
            "text": text,
            "quoteToken": self.new_quote_token(source["groupId"]),
        }
        return self.event(group, "messageEdited", source=source, message=message)

    def takes_back(self, peer: str) -> list[Push]:
        """The customer unsends the last message of theirs; its content is gone."""
        self.files.pop(self._last[peer], None)
        return self.event(peer, "unsend", unsend={"messageId": self._last[peer]})

    def loses_files(self) -> None:
        """No content is known of what customers sent."""
        self.files.clear()

    def ends_files(self) -> None:
        """LINE has deleted by itself what customers sent, after a time that it doesn't tell."""
        self.ended |= self.files.keys()

    # --- what they do ------------------------------------------------------------------------

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """The customer comes near a beacon, whose hardware id is `scene`."""
        return self.event(peer, "beacon", beacon={"hwid": scene, "type": "enter"})

    def taps(self, peer: str, choice: str, **params: str) -> list[Push]:
        """The customer taps a button; `params` of a picker or a rich menu."""
        postback = {"data": choice, **({"params": params} if params else {})}
        return self.event(peer, "postback", postback=postback)

    def leaves(self, peer: str) -> list[Push]:
        """The customer blocks the account."""
        self.blocked.add(self.user_of(peer))
        return self.event(peer, "unfollow")

    def returns(self, peer: str) -> list[Push]:
        """The customer adds it again."""
        self.blocked.discard(self.user_of(peer))
        return self.event(peer, "follow", follow={"isUnblocked": True})

    def unlinks(self) -> list[Push]:
        """LINE suspends the account."""
        return self.event("", "botSuspended")

    def links(self) -> list[Push]:
        """It may go on."""
        return self.event("", "botResumed")

    def unknown(self, peer: str) -> list[Push]:
        """A kind of event that nobody knew when this was written."""
        return self.event(peer, "levitated", height=3)

    # --- callbacks ---------------------------------------------------------------------------

    def event(self, peer: str, kind: str, **more: Any) -> list[Push]:
        """One event by itself in a callback; without a `peer` it is the account's own."""
        source = {"source": self.source_of(peer)} if peer else {}
        event = {
            "type": kind,
            "mode": "active",
            "timestamp": int(self.clock.now() * 1000),
            **source,
            "webhookEventId": f"01H{self.new_id():023d}",
            "deliveryContext": {"isRedelivery": False},
            **more,
        }
        return [self.push([event], event["webhookEventId"])]

    def push(self, events: list[Any], name: str) -> Push:
        """A callback of several events."""
        return Push(request=self.callback(self.body(events)), id=name)

    def body(self, events: list[Any]) -> bytes:
        """Its body."""
        return json.dumps({"destination": BOT, "events": events}, ensure_ascii=False).encode()

    def callback(self, body: bytes, secret: str = "") -> Request:
        """A callback with its signature."""
        digest = hmac.new((secret or self.secret).encode(), body, hashlib.sha256).digest()
        headers = {"Content-Type": "application/json", "X-Line-Signature": base64.b64encode(digest).decode()}
        return Request(method="POST", headers=headers, body=body)

    def handshakes(self) -> list[tuple[Request, int, bytes]]:
        """The button *Verify* sends a callback without events."""
        empty = self.body([])
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
        """Cut, of wrong types, deep, NUL, no UTF-8, no JSON."""
        bodies = [
            b'{"destination": "Uxxx", "eve',
            b'{"events": 7}',
            b"{}",
            b"[]",
            b'{"events": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b"\0" * 64,
            b'{"events": "\xff"}',
            b"<xml/>",
        ]
        return [self.callback(body) for body in bodies]
