"""Meta's Cloud API for one number of WhatsApp, as its reference describes it."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset
from tests.simulators.meta import Signed, written
from tests.simulators.telegram import forms
from tests.simulators.whatsapp import templates

MB = 1024 * 1024
DAY_S = 86_400.0

OFFICE = "application/vnd.openxmlformats-officedocument"
UPLOADED = {
    *(f"audio/{one}" for one in ("aac", "mp4", "mpeg", "amr", "ogg")),
    *(f"image/{one}" for one in ("jpeg", "png", "webp")),
    *(f"video/{one}" for one in ("mp4", "3gpp")),
    *(f"application/{one}" for one in ("pdf", "msword", "vnd.ms-excel", "vnd.ms-powerpoint")),
    *(f"{OFFICE}.{one}" for one in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")),
    "text/plain",
}
SIZES = {"image": 5 * MB, "audio": 16 * MB, "video": 16 * MB}

WORDS = {
    1: "An unknown error occurred",
    4: "Application request limit reached",
    100: "Invalid parameter",
    190: "Error validating access token: Session has expired",
    130429: "Rate limit hit",
    131016: "Service unavailable",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132012: "Parameter format does not match format in the created template",
    132001: "Template name does not exist in the translation",
}
HTTP = {190: 401, 130429: 429, 131016: 500, 131026: 400, 1: 500}

FILE_TYPES = {
    "image": ("image", "image/jpeg", {}),
    "video": ("video", "video/mp4", {}),
    "audio": ("audio", "audio/ogg; codecs=opus", {"voice": True}),
    "file": ("document", "application/pdf", {"filename": "file.pdf"}),
    "sticker": ("sticker", "image/webp", {"animated": False}),
}


class _File(Struct):
    content: bytes
    mime: str
    name: str
    until: float
    url_until: float = 0.0


def user_id_of(number: str) -> str:
    """The id by which Meta names somebody whether their number is shown or not."""
    return f"CN.{number[::-1]}"


class WhatsAppSimulator(Signed):
    """One number. `reports`: statuses that follow by themselves once a message was accepted."""

    name: ClassVar[str] = "whatsapp"
    excused: ClassVar[frozenset[str]] = frozenset({"token"})
    tries: ClassVar[int] = 8
    tells: ClassVar[tuple[str, ...]] = ("sent", "delivered", "read")

    def __init__(self) -> None:
        super().__init__()
        self.phone_number_id = "106540352242922"
        self.access_token = "EAAJB-token-of-a-system-user"
        self.reports: tuple[str, ...] = ("sent", "delivered")
        self.templates = dict(templates.TEMPLATES)
        self.business_id = "102290129340398"
        self.templates_a_page = 100
        self.window_s = DAY_S
        self.window_closes: Literal["now", "later"] = "now"
        """Whether a closed window is told with the answer or by a status."""

        self.per_s = 80
        self.pair_burst = 45
        self.pair_s = 6.0
        self.file_life_s = 7 * DAY_S
        self.upload_life_s = 30 * DAY_S
        self.url_life_s = 300.0
        self.has_other_numbers = False
        self.read: list[str] = []
        """Ids of messages that we marked as read."""

        self.newest: dict[str, str] = {}
        """Id of the last message of each customer."""

        self.moved: set[str] = set()
        """Numbers that their customers gave up."""

        self._names: dict[str, str] = {}
        self._last: dict[str, float] = {}
        self._files: dict[str, _File] = {}
        self._sent: deque[float] = deque()
        self._sent_to: dict[str, deque[float]] = {}
        self._by_id: dict[str, Accepted] = {}

    # --- the customer ----------------------------------------------------------------------

    def number_of(self, peer: str) -> str:
        """The customer's number: the name itself where it is one."""
        is_number = peer.isascii() and peer.isdigit()
        number = peer if is_number else f"86138{zlib.crc32(peer.encode()) % 10**8:08}"
        self._names[number] = peer
        return number

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message. `kind` also sticker, location, card, button, choice, row, form, reaction, order, unsupported."""
        number = self.number_of(peer)
        self._last[number] = self.clock.now()
        wamid = self._wamid()
        said = {
            "from": number,
            "from_user_id": user_id_of(number),
            "id": wamid,
            "timestamp": str(int(self.clock.now())),
            **self._content(text, kind, content),
            **more,
        }
        self._said(peer, kind, text)
        self.newest[peer] = wamid
        return [self.push({"contacts": [self._contact(peer, number)], "messages": [said]}, wamid)]

    def quotes_ours(self, peer: str, one: Accepted, text: str) -> list[Push]:
        """The customer answers a message of ours."""
        return self.say(peer, text, context={"from": "15550783881", "id": one.id})

    def loses_files(self) -> None:
        """No media id of a customer's file is known."""
        self._files.clear()

    def ends_files(self) -> None:
        """The seven days of what customers sent are over."""
        for file in self._files.values():
            file.until = 0.0

    def statuses(self, one: Accepted, *names: str, code: int = 0) -> list[Push]:
        """What became of a message of ours; a push each, in this order. `code` says why one failed."""
        return [self._status(one, name, code) for name in names]

    def receipts(self, one: Accepted, *states: str) -> list[Push]:
        """Statuses, a push each."""
        return self.statuses(one, *states)

    def fills_in(self, peer: str, question: str, answer: str) -> list[Push]:
        """A Flow that was filled in."""
        flow = {"name": "flow", "body": "Sent", "response_json": json.dumps({question: answer}, ensure_ascii=False)}
        form = {"type": "nfm_reply", "nfm_reply": flow}
        return self.say(peer, "Sent", type="interactive", interactive=form)

    def rewrites(self, peer: str, text: str) -> list[Push]:
        """The customer changes the last message of theirs."""
        inside = {"type": "text", "text": {"body": text}}
        return self._of_last(peer, "edit", {"original_message_id": self.newest[peer], "message": inside})

    def takes_back(self, peer: str) -> list[Push]:
        """The customer deletes the last message of theirs for everyone."""
        return self._of_last(peer, "revoke", {"original_message_id": self.newest[peer]})

    def moves(self, peer: str) -> list[Push]:
        """The customer changes their number."""
        old = self.number_of(peer)
        new = f"9{old}"
        self.moved.add(old)
        self._names[new] = peer
        self._last[new] = self._last.get(old, 0.0)
        told = {"type": "user_changed_number", "body": f"User A changed from {old} to {new}", "wa_id": new}
        said = {"from": old, "id": self._wamid(), "timestamp": str(int(self.clock.now())), "type": "system"}
        return [self.push({"messages": [{**said, "system": told}]}, said["id"])]

    def refuses_later(self, one: Accepted, *, is_window: bool) -> list[Push]:
        """A status with the code of a window that is shut, or of a limit of a pair of numbers."""
        return self.statuses(one, "failed", code=131047 if is_window else 131056)

    def _contact(self, peer: str, number: str) -> dict[str, Any]:
        return {"profile": {"name": peer}, "wa_id": number, "user_id": user_id_of(number)}

    def _of_last(self, peer: str, kind: str, content: dict[str, Any]) -> list[Push]:
        number, wamid = self.number_of(peer), self._wamid()
        who = {"from": number, "from_user_id": user_id_of(number)}
        said = {**who, "id": wamid, "timestamp": str(int(self.clock.now())), "type": kind, kind: content}
        return [self.push({"contacts": [self._contact(peer, number)], "messages": [said]}, wamid)]

    def typed_elsewhere(self, peer: str, text: str) -> list[Push]:
        """Somebody of the company answers on their phone."""
        return self.echo(peer, text)

    def echo(self, peer: str, text: str) -> list[Push]:
        """Somebody of the company writes in the business app on their phone."""
        wamid = self._wamid()
        said = {
            "from": "15550783881",
            "to": self.number_of(peer),
            "id": wamid,
            "timestamp": str(int(self.clock.now())),
            "type": "text",
            "text": {"body": text},
        }
        return [self.push({"message_echoes": [said]}, wamid, field="smb_message_echoes")]

    def push(self, value: dict[str, Any], name: str, *, field: str = "messages", number: str = "") -> Push:
        """One callback of a field."""
        metadata = {"display_phone_number": "15550783881", "phone_number_id": number or self.phone_number_id}
        whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        return Push(request=self.callback(self.body_of([{"value": whole, "field": field}])), id=name)

    def body_of(self, changes: list[dict[str, Any]]) -> bytes:
        """As Meta writes it: what isn't ASCII, and slashes, are escaped."""
        whole = {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]}
        return written(whole)

    def malformed(self) -> list[Request]:
        """Cut, of wrong types, deep, NUL, a lone surrogate, no JSON."""
        bodies = [
            self.body_of([])[:40],
            b'{"entry": "x"}',
            b'{"entry": [{"changes": [{"field": "messages", "value": []}]}]}',
            b'{"entry": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b"\0" * 64,
            b'{"entry": [{"changes": [{"field": "\\ud800", "value": {}}]}]}',
            b"<xml/>",
        ]
        return [self.callback(body) for body in bodies]

    def unknown(self, peer: str) -> list[Push]:
        """A field that nobody knew when this was written, and a message that has another form."""
        odd = {"from": self.number_of(peer), "id": 7, "type": {"text": 1}}
        return [self.push({"x": peer}, "u1", field="holograms"), self.push({"messages": [odd]}, "u2")]

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {
            "phone_number_id": self.phone_number_id,
            "access_token": self.access_token,
            "app_secret": self.app_secret,
            "verify_token": self.verify_token,
            "business_id": self.business_id,
            "api": self.base,
        }

    def file(self, content: bytes, mime: str, name: str, life_s: float) -> str:
        """A file that WhatsApp holds: its id."""
        number = f"{1_037_543_291_543_600 + self.new_id()}"
        self._files[number] = _File(content, mime, name, self.clock.now() + life_s)
        return number

    def _wamid(self) -> str:
        return "wamid." + base64.b64encode(f"HBgL-{self.new_id():08}-=/+?".encode()).decode()

    def _content(self, text: str, kind: str, content: bytes) -> dict[str, Any]:
        if kind in FILE_TYPES:
            field, mime, more = FILE_TYPES[kind]
            number = self.file(content, mime, str(more.get("filename", "")), self.file_life_s)
            sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
            told = {"id": number, "mime_type": mime, "sha256": sha256, **more, **({"caption": text} if text else {})}
            return {"type": field, field: told}
        button = {"type": "button_reply", "button_reply": {"id": "b-1", "title": text}}
        row = {"type": "list_reply", "list_reply": {"id": "r-1", "title": text, "description": "one"}}
        form = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": text, "response_json": '{"size":"M"}'}}
        card = {"name": {"formatted_name": text or "Li Na"}, "phones": [{"phone": "+86 138", "type": "HOME"}]}
        kinds: dict[str, dict[str, Any]] = {
            "text": {"type": "text", "text": {"body": text}},
            "location": {"type": "location", "location": {"latitude": 31.25, "longitude": 121.5, "name": text}},
            "card": {"type": "contacts", "contacts": [card]},
            "button": {"type": "button", "button": {"text": text, "payload": "p-1"}},
            "choice": {"type": "interactive", "interactive": button},
            "row": {"type": "interactive", "interactive": row},
            "form": {"type": "interactive", "interactive": form},
            "reaction": {"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": text}},
            "order": {"type": "order", "order": {"catalog_id": "1", "product_items": []}},
        }
        error = {"code": 131051, "title": "Message type unknown"}
        return kinds.get(kind, {"type": "unsupported", "errors": [error]})

    def _status(self, one: Accepted, name: str, code: int) -> Push:
        status: dict[str, Any] = {
            "id": one.id,
            "status": name,
            "timestamp": str(int(self.clock.now())),
            "recipient_id": self.number_of(one.peer),
            "biz_opaque_callback_data": one.key,
        }
        if name == "failed":
            details = {"details": f"{WORDS.get(code, 'It failed')} (details)"}
            status["errors"] = [{"code": code, "title": WORDS.get(code, "Failed"), "error_data": details}]
        return self.push({"statuses": [status]}, f"{one.id}:{name}")

    # --- the Graph API ---------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Messages, media, and what an id is."""
        return [
            Route("/v{version}/{number}/messages", self._messages, methods=["POST"]),
            Route("/v{version}/{number}/media", self._upload, methods=["POST"]),
            Route("/whatsapp_business/attachments/{file}", self._download),
            Route("/v{version}/{business}/message_templates", self._templates),
            Route("/v{version}/{file}", self._node),
        ]

    def _refused(self, request: HttpRequest) -> Response | None:
        number = request.path_params.get("number", self.phone_number_id)
        is_refused = bool(self._script) and self._script[0].name == "refused"
        if request.headers.get("authorization") != f"Bearer {self.access_token}" or is_refused:
            return _error(190)
        if number != self.phone_number_id:
            return _error(100, "Unsupported post request. Object does not exist", status=400)
        return None

    def shown_read(self, peer: str) -> int:
        """Of all customers."""
        del peer
        return len(self.read)

    async def _messages(self, request: HttpRequest) -> Response:
        body = await request.json()
        if body.get("status") == "read":
            if refused := self._refused(request):
                return refused
            self.read.append(body["message_id"])
            return JSONResponse({"success": True})
        fault = self.next_fault()
        if answer := self.common_fault(fault) or self._refused(request) or _scripted(fault):
            return answer
        if fault and fault.name == "slow":
            await self.take_time(fault)
        wrong = self._refusal(body)
        if wrong:
            return wrong
        answer = self._taken(body)
        return Reset() if fault and fault.name == "lost" else answer

    def _refusal(self, body: dict[str, Any]) -> Response | None:
        kind, to = body.get("type", "text"), str(body.get("to", "")).lstrip("+")
        content = body.get(kind, {})
        file = self._files.get(content.get("id", "")) if kind in {"image", "audio", "video", "document"} else None
        wants_file = kind in {"image", "audio", "video", "document"}
        template = self.templates.get((content.get("name"), content.get("language", {}).get("code")))
        misfit = self._misfit(template, content) if kind == "template" and template else None
        checks = (
            (body.get("messaging_product") != "whatsapp", 100, "messaging_product is required"),
            (to not in self._names or to in self.moved, 131026, "Receiver is incapable of receiving this message"),
            (kind == "text" and not 1 <= len(content.get("body", "")) <= 4096, 100, "text.body: length"),
            (len(content.get("caption", "")) > 1024, 100, "caption: length"),
            (kind == "audio" and "caption" in content, 100, "Unexpected key caption"),
            (wants_file and (file is None or file.until < self.clock.now()), 100, "Media id is not found or expired"),
            (kind == "template" and not template, 132001, "no such template"),
            (misfit is not None, *(misfit or (0, ""))),
            (
                kind != "template" and self.window_closes == "now" and not self._is_open(to),
                131047,
                "24 hours have passed",
            ),
        )
        wrong = next((_error(code, details) for is_so, code, details in checks if is_so), None)
        return wrong or self._limited(to)

    def _misfit(self, template: templates.Components, content: dict[str, Any]) -> tuple[int, str] | None:
        there = {key: file.mime for key, file in self._files.items() if file.until >= self.clock.now()}
        return templates.refusal(template, content, there, is_named=templates.is_named(template))

    def _is_open(self, number: str) -> bool:
        return self.clock.now() < self._last.get(number, 0) + self.window_s

    def _limited(self, number: str) -> Response | None:
        now = self.clock.now()
        pair = self._sent_to.setdefault(number, deque())
        while pair and pair[0] <= now - self.pair_burst * self.pair_s:
            pair.popleft()
        while self._sent and self._sent[0] <= now - 1:
            self._sent.popleft()
        if self.pair_burst and len(pair) >= self.pair_burst:
            return _error(131056, "Wait and try again")
        if self.per_s and len(self._sent) >= self.per_s:
            return _error(130429, "Too many messages")
        pair.append(now)
        self._sent.append(now)
        return None

    def _taken(self, body: dict[str, Any]) -> Response:
        kind, to = body["type"], str(body["to"]).lstrip("+")
        content = body[kind]
        text, addresses = content.get("body", content.get("caption", "")), []
        if kind == "template":
            text, addresses = templates.rendered(self.templates[content["name"], content["language"]["code"]], content)
        named = templates.file_of(content) if kind == "template" else content
        file = self._files.get(named.get("id", ""))
        one = Accepted(
            id=self._wamid(),
            peer=self._names[to],
            kind={"document": "file", "template": "text"}.get(kind, kind),
            text=text,
            sha256=hashlib.sha256(file.content).hexdigest() if file else "",
            key=body.get("biz_opaque_callback_data", ""),
            more={
                "type": kind,
                "reply_to": body.get("context", {}).get("message_id", ""),
                "filename": named.get("filename", ""),
                "addresses": addresses,
            },
        )
        if kind != "template" and not self._is_open(to):
            # Taken, and told by a status that it never went out.
            self._report(self.statuses(one, "failed", code=131047))
        else:
            self._accept(one)
            self._report(self.statuses(one, *self.reports))
        contacts = [{"input": body["to"], "wa_id": to}]
        return JSONResponse({"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": one.id}]})

    def _report(self, pushes: list[Push]) -> None:
        if self.hook:
            for push in pushes:
                self.deliver_soon(push)

    async def _upload(self, request: HttpRequest) -> Response:
        if refused := self._refused(request):
            return refused
        fields = forms.read(request.headers.get("content-type", ""), await request.body())
        file = fields.get("file")
        if file is None or "messaging_product" not in fields:
            return _error(100, "file and messaging_product are required")
        if file.mime not in UPLOADED:
            return _error(
                100, f"Param file must be a file with one of the following types: {', '.join(sorted(UPLOADED))}"
            )
        kind = file.mime.partition("/")[0]
        if len(file.content) > SIZES.get(kind, 100 * MB):
            return _error(131053, "the file is too large")
        return JSONResponse({"id": self.file(file.content, file.mime, file.filename, self.upload_life_s)})

    async def _templates(self, request: HttpRequest) -> Response:
        """Pages of the account's templates, with one that waits for approval and one that wants a place on a map."""
        if refused := self._refused(request):
            return refused
        if request.path_params["business"] != self.business_id:
            return _error(100, "Unsupported get request. Object does not exist", status=400)
        told: list[dict[str, Any]] = [
            {"name": name, "language": language, "status": "APPROVED", "components": components}
            for (name, language), components in {**self.templates, **templates.UNSENDABLE}.items()
        ]
        told.append({"name": "waits", "language": "en", "status": "PENDING", "components": [templates.body("Hi")]})
        begin = int(request.query_params.get("after", "0"))
        end = begin + self.templates_a_page
        paging = {"cursors": {"before": str(begin), "after": str(end)}}
        more = {"next": f"{self.base}/next"} if end < len(told) else {}
        return JSONResponse({"data": told[begin:end], "paging": {**paging, **more}})

    async def _node(self, request: HttpRequest) -> Response:
        if refused := self._refused(request):
            return refused
        name = request.path_params["file"]
        if name == self.phone_number_id:
            return JSONResponse({"display_phone_number": "+1 555-078-3881", "verified_name": "Tea", "id": name})
        if self.is_kept_back():
            return _error(131016)
        file = self._files.get(name)
        if file is None or file.until < self.clock.now():
            words = f"Unsupported get request. Object with ID '{name}' does not exist"
            return JSONResponse(
                {"error": {"message": words, "type": "GraphMethodException", "code": 100, "error_subcode": 33}}, 400
            )
        file.url_until = self.clock.now() + self.url_life_s
        told = {"url": f"{self.base}/whatsapp_business/attachments/{name}", "mime_type": file.mime, "id": name}
        return JSONResponse({**told, "file_size": len(file.content), "messaging_product": "whatsapp"})

    async def _download(self, request: HttpRequest) -> Response:
        file = self._files.get(request.path_params["file"])
        if request.headers.get("authorization") != f"Bearer {self.access_token}":
            return Response("unauthorized", 401)
        if file is None or file.url_until < self.clock.now():
            return Response("gone", 404)
        return Response(file.content, media_type=file.mime)


def _scripted(fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    codes = {"limited": 130429, "busy": 131016, "window": 131047, "rejected": 131026}
    if fault.name == "media_gone":
        return _error(100, "Media id is not found or expired")
    if fault.name not in codes:
        return None
    answer = _error(codes[fault.name])
    if fault.name == "limited" and fault.after_s is not None:
        answer.headers["Retry-After"] = f"{fault.after_s:g}"
    return answer


def _error(code: int, details: str = "", *, status: int = 0) -> Response:
    words = WORDS.get(code, "Error")
    error: dict[str, Any] = {"message": f"(#{code}) {words}", "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    if details:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return JSONResponse({"error": error}, status_code=status or HTTP.get(code, 400))
