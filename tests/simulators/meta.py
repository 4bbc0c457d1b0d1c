"""What is alike in the simulators of Meta's platforms: callbacks and their signature, and a chat of the Messenger
Platform, of which Messenger and Instagram are two.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset, Simulator
from tests.simulators.telegram import forms

MB = 1024 * 1024
DAY_S = 86_400.0
REFUSED_BODY = b"the callback can't be verified\n"
PAGE_INBOX = 263902037430900
"""Meta's id of its own inbox of pages."""

KINDS = {"image": "image/png", "video": "video/mp4", "audio": "audio/mp4", "file": "application/pdf"}
LIMITS = {"image": 8 * MB, "audio": 25 * MB, "video": 25 * MB, "file": 25 * MB}

WORDS = {
    (1, 0): "An unknown error occurred",
    (2, 0): "An unexpected error has occurred. Please retry your request later.",
    (4, 0): "Application request limit reached",
    (10, 2018065): "This message is sent outside of allowed window.",
    (10, 2018108): "This Person Cannot Receive Messages: This person isn't receiving messages from you right now.",
    (10, 2018278): "This message is sent outside of allowed window.",
    (10, 2018300): "Message failed to send because another app is controlling this thread now.",
    (10, 2534022): "This message is sent outside of allowed window.",
    (32, 0): "Page request limit reached",
    (100, 33): "Unsupported request. Object does not exist or cannot be loaded due to missing permissions",
    (100, 2018001): "No matching user found",
    (100, 2018034): "Message cannot be empty, must provide valid attachment or text",
    (100, 2018047): "Upload attachment failure.",
    (100, 2018074): "Invalid attachment id",
    (100, 2018109): "Attachment size exceeds allowable limit",
    (190, 463): "Error validating access token: Session has expired",
    (368, 0): "The action attempted has been deemed abusive or is otherwise disallowed",
    (551, 1545041): "This person isn't available right now.",
    (613, 0): "Calls to this API have exceeded the rate limit",
    (1200, 0): "Temporary send message failure. Please try again later.",
    (80006, 0): "There have been too many calls to this Messenger account",
}
HTTP = {1: 500, 2: 500, 1200: 500, 613: 400, 10: 403, 190: 401}


class Signed(Simulator):
    """A platform whose callbacks Meta signs."""

    def __init__(self) -> None:
        super().__init__()
        self.app_secret = "0123456789abcdef0123456789abcdef"
        self.verify_token = "a-word-of-our-choice"

    def callback(self, body: bytes, secret: str = "") -> Request:
        """A callback with its signature."""
        signature = hmac.new((secret or self.app_secret).encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        return Request(method="POST", headers=headers, body=body)

    def handshakes(self) -> list[tuple[Request, int, bytes]]:
        """The check of the address with the right word, a wrong one and none."""
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": self.verify_token}
        wrong, without = {**query, "hub.verify_token": "another"}, {"hub.mode": "subscribe", "hub.challenge": "1"}
        return [
            (Request(method="GET", query=query), 200, b"1158201444"),
            (Request(method="GET", query=wrong), 401, REFUSED_BODY),
            (Request(method="GET", query=without), 401, REFUSED_BODY),
        ]

    def forged(self, push: Push) -> list[Request]:
        """A signature with one bit changed, none, another app's, and the old SHA-1 alone."""
        body, headers = push.request.body, dict(push.request.headers)
        signature = headers.pop("X-Hub-Signature-256")
        changed = signature[:-1] + ("0" if signature[-1] != "0" else "1")
        sha1 = hmac.new(self.app_secret.encode(), body, hashlib.sha1).hexdigest()
        return [
            Request(method="POST", headers={**headers, "X-Hub-Signature-256": changed}, body=body),
            Request(method="POST", headers=headers, body=body),
            self.callback(body, "another app's secret"),
            Request(method="POST", headers={**headers, "X-Hub-Signature": f"sha1={sha1}"}, body=body),
        ]


def written(whole: Any) -> bytes:
    """JSON as Meta writes it: what isn't ASCII, and slashes, are escaped."""
    return json.dumps(whole, separators=(",", ":")).replace("/", "\\/").encode()


class _File(Struct):
    content: bytes
    mime: str
    kind: str
    until: float


class ChatSimulator(Signed, ABC):
    """One page, or one account of Instagram. `reports`: what follows by itself once a message was accepted."""

    excused: ClassVar[frozenset[str]] = frozenset({"token"})
    tries: ClassVar[int] = 8
    kind: ClassVar[str]
    closed: ClassVar[tuple[int, int]]
    """The error of a closed window."""

    types: ClassVar[dict[str, frozenset[str]]]
    """What may be uploaded, by kind; a kind that isn't there takes all types."""

    has_metadata: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.access_token = "EAAB-token-of-a-page"
        self.account_id = "104716218972437"
        self.app_id = "1517776481860111"
        self.reports: tuple[str, ...] = ("echo",)
        self.window_s = DAY_S
        self.human_agent_s = 0.0
        """For how long people may answer; 0 where Meta hasn't approved it."""

        self.sizes = dict(LIMITS)
        self.texts_a_s = 300
        self.media_a_s = 10
        self.file_life_s = 7 * DAY_S
        self.upload_life_s = 90 * DAY_S
        self.blocking: set[str] = set()
        """Customers who take no messages."""

        self.owned_elsewhere: set[str] = set()
        """Customers whose conversation another app has."""

        self.posted: list[dict[str, Any]] = []
        """What came to the edge of messages, as it came."""

        self.seen: list[str] = []
        self.typed: list[str] = []
        """Customers to whom it was shown that we have seen, and that we type."""

        self.newest: dict[str, str] = {}
        """Id of the last message of each customer."""

        self._names: dict[str, str] = {}
        self._last: dict[str, float] = {}
        self._files: dict[str, _File] = {}
        self._uploads: dict[str, _File] = {}
        self._fails: deque[tuple[int, int, int]] = deque()
        self._sent: dict[str, deque[float]] = {"text": deque(), "media": deque()}

    # --- what a platform says itself -------------------------------------------------------

    @abstractmethod
    def too_long(self, text: str) -> bool:
        """Whether a text is longer than the platform takes."""

    @abstractmethod
    def mid(self) -> str:
        """The id of a new message."""

    @abstractmethod
    def profile(self, peer: str) -> dict[str, str]:
        """What is told of a customer when asked."""

    def read_up_to(self, peer: str) -> dict[str, Any]:
        """The mark of all that a customer was sent so far."""

    # --- the customer ----------------------------------------------------------------------

    def id_of(self, peer: str) -> str:
        """The customer's id for this account: the name itself where it is one."""
        is_id = peer.isascii() and peer.isdigit()
        scoped = peer if is_id else f"6{zlib.crc32(f'{self.kind}{peer}'.encode()):015}"
        self._names[scoped] = peer
        return scoped

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message. `kind`: of a file, choice, unsupported, or one of `attachments`."""
        mid = self.mid()
        self._last[self.id_of(peer)] = self.clock.now()
        self._said(peer, kind, text)
        self.newest[peer] = mid
        return [self.push(peer, {"message": {"mid": mid, **self._content(text, kind, content), **more}}, mid)]

    def reacts(self, peer: str, mid: str, *, emoji: str = "❤", action: str = "react") -> list[Push]:
        """A sign put under a message, or taken away."""
        self._last[self.id_of(peer)] = self.clock.now()
        return [self.push(peer, {"reaction": {"mid": mid, "action": action, "reaction": "love", "emoji": emoji}}, mid)]

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """Somebody opens the chat by a link of ours."""
        return [self.push(peer, {"referral": {"ref": scene, "source": "SHORTLINK", "type": "OPEN_THREAD"}}, scene)]

    def taps(self, peer: str, choice: str) -> list[Push]:
        """A button, an entry of the menu, or Get Started."""
        self._last[self.id_of(peer)] = self.clock.now()
        mid = self.mid()
        return [self.push(peer, {"postback": {"mid": mid, "title": "Talk to us", "payload": choice}}, mid)]

    def reads_up_to_now(self, peer: str) -> list[Push]:
        """The customer has the chat open."""
        return [self.push(peer, {"read": self.read_up_to(peer)}, f"{peer}:read")]

    def shown_typing(self, peer: str) -> int:
        """How often `typing_on` came."""
        return self.typed.count(peer)

    def shown_read(self, peer: str) -> int:
        """How often `mark_seen` came."""
        return self.seen.count(peer)

    def loses_files(self) -> None:
        """The servers of files know none of them."""
        self._files.clear()

    def ends_files(self) -> None:
        """The addresses that customers' files came with are over."""
        for file in self._files.values():
            file.until = 0.0

    # --- our side --------------------------------------------------------------------------

    def comes_back(self, one: Accepted) -> list[Push]:
        """The echo of a message of ours."""
        echo = {"mid": one.id, "is_echo": True, "app_id": int(self.app_id), "text": one.text}
        metadata = {"metadata": one.key} if one.key else {}
        return [self.push(one.peer, {"message": {**echo, **metadata}}, f"{one.id}:echo", is_ours=True)]

    def typed_elsewhere(self, peer: str, text: str) -> list[Push]:
        """Somebody answers in Meta's own inbox."""
        mid = self.mid()
        echo = {"mid": mid, "is_echo": True, "text": text, **self.of_inbox()}
        return [self.push(peer, {"message": echo}, mid, is_ours=True)]

    def of_inbox(self) -> dict[str, Any]:
        """What an echo has that was typed in Meta's own inbox."""
        return {"app_id": PAGE_INBOX}

    def standby(self, peer: str, text: str) -> list[Push]:
        """What a customer says while another app has the conversation."""
        return [self.push(peer, {"message": {"mid": self.mid(), "text": text}}, "standby", channel="standby")]

    # --- callbacks -------------------------------------------------------------------------

    def push(
        self, peer: str, what: dict[str, Any], name: str, *, is_ours: bool = False, channel: str = "messaging"
    ) -> Push:
        """One thing that happened with a customer."""
        customer, account = {"id": self.id_of(peer)}, {"id": self.account_id}
        sides = {"sender": account, "recipient": customer} if is_ours else {"sender": customer, "recipient": account}
        return self.push_raw([{**sides, "timestamp": self.now_ms(), **what}], name, channel=channel)

    def push_raw(self, items: list[Any], name: str, *, account: str = "", channel: str = "messaging") -> Push:
        """A callback that holds these."""
        entry = {"id": account or self.account_id, "time": self.now_ms(), channel: items}
        return Push(request=self.callback(written({"object": self.kind, "entry": [entry]})), id=name)

    def now_ms(self) -> int:
        """The platform's time."""
        return int(self.clock.now() * 1000)

    def malformed(self) -> list[Request]:
        """Cut, of wrong types, deep, NUL, a lone surrogate, no JSON."""
        bodies = [
            written({"object": self.kind, "entry": []})[:20],
            b'{"object": "page", "entry": "x"}',
            b'{"object": "page", "entry": [{"id": "1", "messaging": {}}]}',
            b'{"object": "page", "entry": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b"\0" * 64,
            b'{"object": "\\ud800", "entry": []}',
            b"<xml/>",
        ]
        return [self.callback(body) for body in bodies]

    def unknown(self, peer: str) -> list[Push]:
        """Something that nobody knew when this was written, and a message that has another form."""
        return [
            self.push(peer, {"hologram": {"light": "blue"}}, "u1"),
            self.push(peer, {"message": {"mid": 7, "text": {"a": 1}}}, "u2"),
        ]

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {
            "access_token": self.access_token,
            "app_secret": self.app_secret,
            "verify_token": self.verify_token,
            "app_id": self.app_id,
            "api": self.base,
        }

    def _content(self, text: str, kind: str, content: bytes) -> dict[str, Any]:
        words = {"text": text} if text else {}
        if kind in KINDS:
            return {**words, "attachments": [{"type": kind, "payload": {"url": self._address(kind, content)}}]}
        if kind == "choice":
            return {"text": text, "quick_reply": {"payload": "p-1"}}
        if kind == "unsupported":
            return self.unsupported()
        attachment = self.attachments(content).get(kind)
        return {**words, "attachments": [attachment]} if attachment else {"text": text}

    def unsupported(self) -> dict[str, Any]:
        """A message whose content isn't handed on."""

    def attachments(self, content: bytes) -> dict[str, dict[str, Any]]:
        """Attachments by the kind that `say` is given."""
        picture = {"url": self._address("image", content)}
        return {
            "sticker": {"type": "sticker", "payload": {**picture, "sticker_id": 767226160478561}},
            "like": {"type": "sticker", "payload": {**picture, "sticker_id": 369239263222822}},
            "location": {
                "type": "location",
                "title": "Tea House",
                "url": "https://maps.example/1",
                "payload": {"coordinates": {"lat": 31.25, "long": 121.5}},
            },
            "link": {"type": "fallback", "title": "Tea", "url": "https://tea.example", "payload": None},
            "reel": {
                "type": "ig_reel",
                "payload": {"url": self._address("video", content), "title": "Tea time", "reel_video_id": 77},
            },
            "story": {"type": "story_mention", "payload": picture},
            "share": {"type": "share", "payload": picture},
            "product": {
                "type": "template",
                "payload": {"product": {"elements": [{"id": "9", "retailer_id": "T-1", "title": "Oolong"}]}},
            },
            "template": {"type": "template", "payload": {"template_type": "generic", "elements": [{"title": "Offer"}]}},
        }

    def _address(self, kind: str, content: bytes) -> str:
        number = str(self.new_id())
        self._files[number] = _File(content, KINDS[kind], kind, self.clock.now() + self.file_life_s)
        return f"{self.base}/cdn/{number}/{kind}.bin?oe=1&_nc_sid=2"

    # --- the Graph API ---------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Messages, uploads, what an id is, and the servers of files."""
        return [
            Route("/v{version}/{node}/messages", self._messages, methods=["POST"]),
            Route("/v{version}/{node}/message_attachments", self._upload, methods=["POST"]),
            Route("/v{version}/{node}", self._node),
            Route("/cdn/{file}/{name}", self._download),
        ]

    def fails(self, code: int, subcode: int = 0, *, minutes: int = 0) -> None:
        """The next message is refused with this error; `minutes`: when Meta says that the limit is over."""
        self._fails.append((code, subcode, minutes))

    def _refused(self, request: HttpRequest) -> Response | None:
        is_refused = bool(self._script) and self._script[0].name == "refused"
        told = request.headers.get("authorization") or f"Bearer {request.query_params.get('access_token', '')}"
        if told != f"Bearer {self.access_token}" or is_refused:
            return error(190, 463)
        if request.path_params["node"] not in {self.account_id, "me", *self._names}:
            return error(100, 33)
        return None

    async def _messages(self, request: HttpRequest) -> Response:
        body = await _body_of(request)
        self.posted.append(body)
        if "sender_action" in body:
            return self._refused(request) or self._acted(body)
        fault = self.next_fault()
        if answer := self.common_fault(fault) or self._refused(request) or self._scripted(fault):
            return answer
        if fault and fault.name == "slow":
            await self.take_time(fault)
        if wrong := self._wrong(body):
            return error(*wrong)
        answer = self._taken(body)
        return Reset() if fault and fault.name == "lost" else answer

    def _acted(self, body: dict[str, Any]) -> Response:
        peer = self._names.get(body["recipient"]["id"])
        if peer is None:
            return error(100, 2018001)
        noted = {"typing_on": self.typed, "mark_seen": self.seen}.get(body["sender_action"])
        if noted is not None:
            noted.append(peer)
        return JSONResponse({"recipient_id": body["recipient"]["id"]})

    def _scripted(self, fault: Fault | None) -> Response | None:
        if self._fails:
            code, subcode, minutes = self._fails.popleft()
            answer = error(code, subcode)
            if minutes:
                usage = {"type": "messenger", "call_count": 100, "estimated_time_to_regain_access": minutes}
                answer.headers["X-Business-Use-Case-Usage"] = json.dumps({self.account_id: [usage]})
            return answer
        errors = {
            "limited": (613, 0),
            "busy": (1200, 0),
            "window": self.closed,
            "rejected": (551, 1545041),
            "media_gone": (100, 2018074),
        }
        if fault is None or fault.name not in errors:
            return None
        answer = error(*errors[fault.name])
        if fault.name == "limited" and fault.after_s is not None:
            answer.headers["Retry-After"] = f"{fault.after_s:g}"
        return answer

    def _wrong(self, body: dict[str, Any]) -> tuple[int, int] | None:
        to, message = body.get("recipient", {}).get("id", ""), body.get("message", {})
        text, attachment = message.get("text", ""), message.get("attachment")
        checks = (
            (to not in self._names, (100, 2018001)),
            (self._names.get(to) in self.blocking, (551, 1545041)),
            (self._names.get(to) in self.owned_elsewhere, (10, 2018300)),
            (not text and attachment is None, (100, 2018034)),
            (bool(text) and (attachment is not None or self.too_long(text)), (100, 0)),
            (len(message.get("metadata", "")) > (1000 if self.has_metadata else 0), (100, 0)),
            (attachment is not None and not self._is_there(attachment), (100, 2018074)),
            (self.wrong_type(body), (100, 0)),
            (body.get("tag") == "HUMAN_AGENT" and not self.human_agent_s, (10, 0)),
            (self.clock.now() >= self._last.get(to, 0) + self._window_s(body), self.closed),
            (
                self._is_too_fast("media" if attachment and attachment["type"] in {"audio", "video"} else "text"),
                (613, 0),
            ),
        )
        return next((wrong for is_so, wrong in checks if is_so), None)

    def wrong_type(self, body: dict[str, Any]) -> bool:
        """Whether the message doesn't say why it may be sent, where it must."""

    def _window_s(self, body: dict[str, Any]) -> float:
        is_tagged = body.get("messaging_type") == "MESSAGE_TAG" and body.get("tag") == "HUMAN_AGENT"
        return self.human_agent_s if is_tagged else self.window_s

    def _is_there(self, attachment: dict[str, Any]) -> bool:
        file = self._uploads.get(attachment["payload"].get("attachment_id", ""))
        return file is not None and file.kind == attachment["type"] and file.until > self.clock.now()

    def _is_too_fast(self, what: str) -> bool:
        now, sent = self.clock.now(), self._sent[what]
        while sent and sent[0] <= now - 1:
            sent.popleft()
        if len(sent) >= (self.media_a_s if what == "media" else self.texts_a_s):
            return True
        sent.append(now)
        return False

    def _taken(self, body: dict[str, Any]) -> Response:
        to, message = body["recipient"]["id"], body["message"]
        attachment = message.get("attachment", {"type": "text", "payload": {}})
        file = self._uploads.get(attachment["payload"].get("attachment_id", ""))
        one = Accepted(
            id=self.mid(),
            peer=self._names[to],
            kind=attachment["type"],
            text=message.get("text", ""),
            sha256=hashlib.sha256(file.content).hexdigest() if file else "",
            key=message.get("metadata", ""),
            more={
                "reply_to": body.get("reply_to", {}).get("mid", ""),
                "type": body.get("messaging_type", ""),
                "tag": body.get("tag", ""),
            },
        )
        self._accept(one)
        self._report(one)
        return JSONResponse({"recipient_id": to, "message_id": one.id})

    def _report(self, one: Accepted) -> None:
        if not self.hook:
            return
        for report in self.reports:
            for push in self.comes_back(one) if report == "echo" else self.receipts(one, report):
                self.deliver_soon(push)

    async def _upload(self, request: HttpRequest) -> Response:
        if refused := self._refused(request):
            return refused
        fields = forms.read(request.headers.get("content-type", ""), await request.body())
        file, told = fields.get("filedata"), fields.get("message")
        if file is None or told is None or self.wrong_upload(fields):
            return error(100)
        kind = json.loads(told.content)["attachment"]["type"]
        if len(file.content) > self.sizes[kind]:
            return error(100, 2018109)
        if file.mime not in self.types.get(kind, {file.mime}):
            return error(100, 2018047)
        number = f"{1_854_626_884_821_032 + self.new_id()}"
        self._uploads[number] = _File(file.content, file.mime, kind, self.clock.now() + self.upload_life_s)
        return JSONResponse({"attachment_id": number})

    def wrong_upload(self, fields: dict[str, Any]) -> bool:
        """Whether an upload lacks what the platform wants besides."""
        del fields
        return False

    async def _node(self, request: HttpRequest) -> Response:
        if refused := self._refused(request):
            return refused
        name = request.path_params["node"]
        peer = self._names.get(name)
        wanted = request.query_params.get("fields", "").split(",")
        told = {"id": name, **(self.profile(peer) if peer else {})}
        return JSONResponse({key: told[key] for key in (*wanted, "id") if key in told})

    async def _download(self, request: HttpRequest) -> Response:
        assert "authorization" not in request.headers, "the token is for Graph alone"
        file = self._files.get(request.path_params["file"])
        if self.is_kept_back():
            return Response("<html>busy</html>", 503, media_type="text/html")
        if file is None:
            return Response("Content not found", 404, media_type="text/plain")
        if file.until < self.clock.now():
            return Response("URL signature expired", 403, media_type="text/plain")
        return Response(file.content, media_type=file.mime)


async def _body_of(request: HttpRequest) -> dict[str, Any]:
    """JSON, or a form whose values are JSON: Graph takes both."""
    if "json" in request.headers.get("content-type", ""):
        found: dict[str, Any] = await request.json()
        return found
    pairs = parse_qsl((await request.body()).decode())
    return {name: json.loads(value) if value[:1] == "{" else value for name, value in pairs}


def error(code: int, subcode: int = 0) -> Response:
    """An error as Graph answers it."""
    words = WORDS.get((code, subcode), "Invalid parameter" if code == 100 else "Error")
    told: dict[str, Any] = {
        "message": f"(#{code}) {words}",
        "type": "OAuthException",
        "code": code,
        **({"error_subcode": subcode} if subcode else {}),
        "fbtrace_id": "BLBz",
    }
    return JSONResponse({"error": told}, status_code=HTTP.get(code, 400))


def id_of_message(number: int, begin: str) -> str:
    """The id of a message as Meta makes them."""
    return begin + base64.urlsafe_b64encode(f"{number:08}-=/+?-of-a-message".encode()).decode()
