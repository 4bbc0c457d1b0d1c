"""Telegram's Bot API for one bot, as core.telegram.org/bots/api describes it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset, Simulator
from tests.simulators.telegram import forms
from tests.simulators.telegram.forms import Field

MB = 1024 * 1024
DAY_S = 86_400
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"

FILE_FIELDS = {
    "sendPhoto": ("photo", "image"),
    "sendDocument": ("document", "file"),
    "sendVideo": ("video", "video"),
    "sendAnimation": ("animation", "image"),
    "sendAudio": ("audio", "audio"),
    "sendVoice": ("voice", "audio"),
}

FILES = {
    "audio": ("voice", "voice/file.oga", {"mime_type": "audio/ogg"}),
    "video": ("video", "videos/file.mp4", {"mime_type": "video/mp4"}),
    "file": ("document", "documents/file.pdf", {"mime_type": "application/pdf", "file_name": "file.pdf"}),
    "sticker": ("sticker", "stickers/file.webp", {"is_animated": False, "is_video": False}),
}
"""By what a customer sends: Telegram's field, where the file lies, and what is told of it."""

WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
OTHER_READER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)

Params = dict[str, Any]


class _File(Struct):
    content: bytes
    path: str
    told_at: float = 0.0


class _Message(Struct):
    chat: int
    kind: str
    text: str


_PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


class TelegramSimulator(Simulator):
    """One bot. `polls`: updates wait for getUpdates; else they are callbacks."""

    name: ClassVar[str] = "telegram"
    excused: ClassVar[frozenset[str]] = frozenset({"busy", "token", "window", "media_gone"})
    tries: ClassVar[int] = 5
    finds_out_by_sending: ClassVar[bool] = True

    def __init__(self, *, polls: bool = False) -> None:
        super().__init__()
        self.token = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
        self.secret = "correct-horse_battery"
        self.polls = polls
        self.webhook_url = "" if polls else "https://example.org/hooks/telegram/main"
        self.max_connections = 1
        self.chat_per_s = 1
        """Messages a second to one chat over a while; 0: without bound."""

        self.chat_burst = 3
        """Messages at once to one chat that are let through."""

        self.all_per_s = 30
        self.link_life_s = 3600.0
        self.update_life_s = float(DAY_S)
        self.photo_is_processable = True
        self.actions: list[tuple[str, str]] = []
        """(peer, action) of sendChatAction."""

        self.confirmed: list[int] = []
        self._updates: deque[tuple[int, float, dict[str, Any]]] = deque()
        self._arrived = asyncio.Event()
        self._is_ending = False
        self._reader = 0
        self._next_update = 845_000_000
        self._page_most = 100
        self._last: dict[str, int] = {}
        self.moved: dict[int, int] = {}
        """Groups that became supergroups: the new id by the old one."""

        self._names: dict[int, str] = {}
        self._blocked: set[int] = set()
        self._deleted_chats: set[int] = set()
        self._messages: dict[tuple[int, int], _Message] = {}
        self._files: dict[str, _File] = {}
        self._sent_to: dict[int, deque[float]] = {}
        self._sent: deque[float] = deque()

    # --- the customer ----------------------------------------------------------------------

    def chat_of(self, peer: str) -> int:
        """Telegram's number of a customer: the name itself where it is a number."""
        digits = peer.removeprefix("-")
        chat = int(peer) if digits.isascii() and digits.isdigit() else 1_000_000_000 + zlib.crc32(peer.encode())
        self._names[chat] = peer
        return chat

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message. `kind` also `sticker`, `location`, `card`, `poll`, `start`; `more` are fields of Telegram's."""
        message = {**self._message(peer), **self._content(text, kind, content), **more}
        self._last[peer] = message["message_id"]
        self._said(peer, kind, text)
        return self.update({"message": message})

    def loses_files(self) -> None:
        """Of what customers sent, getFile knows nothing."""
        self._files.clear()

    def ends_files(self) -> None:
        """What customers sent is known to getFile still, and not at the address that it gives."""
        self.link_life_s = 0.0

    def edit(self, peer: str, message: int, text: str) -> list[Push]:
        """The customer changes a message of theirs."""
        edited = {**self._message(peer), "message_id": message, "edit_date": int(self.clock.now()), "text": text}
        return self.update({"edited_message": edited})

    def tap(self, peer: str, data: str, message: int = 0) -> list[Push]:
        """The customer taps a button under one of our messages."""
        chat = self._chat(peer)
        tapped = {"id": str(self.new_id()), "from": self._user(peer), "chat_instance": "-3", "data": data}
        if message:
            tapped["message"] = {"message_id": message, "chat": chat, "date": int(self.clock.now())}
        return self.update({"callback_query": tapped})

    def block(self, peer: str, *, is_blocked: bool = True) -> list[Push]:
        """The customer blocks the bot, or lets it write again."""
        chat = self.chat_of(peer)
        (self._blocked.add if is_blocked else self._blocked.discard)(chat)
        states = ("member", "kicked") if is_blocked else ("kicked", "member")
        changed = {
            "chat": self._chat(peer),
            "from": self._user(peer),
            "date": int(self.clock.now()),
            "old_chat_member": {"user": {"id": 110201543, "is_bot": True, "first_name": "Bot"}, "status": states[0]},
            "new_chat_member": {"user": {"id": 110201543, "is_bot": True, "first_name": "Bot"}, "status": states[1]},
        }
        return self.update({"my_chat_member": changed})

    def rewrites(self, peer: str, text: str) -> list[Push]:
        """The customer changes the last message of theirs."""
        return self.edit(peer, self._last[peer], text)

    def corrects_caption(self, peer: str, text: str, better: str) -> tuple[list[Push], list[Push]]:
        """The change repeats the picture: under its unique id, and another file_id."""
        said = self.say(peer, text, kind="image", content=_PICTURE)
        first = self._updates[-1][2]["message"] if self.polls else json.loads(said[0].request.body)["message"]
        photo = [{**size, "file_id": f"{size['file_id']}-again"} for size in first["photo"]]
        edited = {**first, "edit_date": first["date"] + 1, "caption": better, "photo": photo}
        return said, self.update({"edited_message": edited})

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """A deep link: the bot is started with its parameter."""
        return self.say(peer, scene, kind="start")

    def taps(self, peer: str, choice: str) -> list[Push]:
        """A button of an inline keyboard."""
        return self.tap(peer, choice)

    def fills_in(self, peer: str, question: str, answer: str) -> list[Push]:
        """A mini app that was opened by a button hands its data over."""
        sent = {"button_text": "Order", "data": json.dumps({question: answer}, ensure_ascii=False)}
        return self.update({"message": {**self._message(peer), "web_app_data": sent}})

    def says_in_group(self, group: str, author: str, text: str) -> list[Push]:
        """One of a supergroup writes."""
        chat = {"id": -100_000 - self.chat_of(group), "type": "supergroup", "title": group}
        user = {"id": self.chat_of(author), "is_bot": False, "first_name": author}
        self._names.setdefault(chat["id"], group)
        return self.update({"message": {**self._message(group), "chat": chat, "from": user, "text": text}})

    def quotes_ours(self, peer: str, one: Accepted, text: str) -> list[Push]:
        """The customer replies to a message of ours."""
        ours = {"message_id": int(one.id.partition(":")[2]), "chat": self._chat(peer), "date": int(self.clock.now())}
        return self.say(peer, text, reply_to_message=ours)

    def moves(self, peer: str) -> list[Push]:
        """A group becomes a supergroup: it has another id, and what is sent to the old one is refused."""
        old = self.chat_of(peer)
        new = -1_000_000_000_000 - old
        self.moved[old] = new
        self._names[new] = peer
        chat = {"id": old, "type": "group", "title": peer}
        return self.update({"message": {**self._message(peer), "chat": chat, "migrate_to_chat_id": new}})

    def leaves(self, peer: str) -> list[Push]:
        """The customer blocks the bot."""
        return self.block(peer)

    def returns(self, peer: str) -> list[Push]:
        """The customer lets it write again."""
        return self.block(peer, is_blocked=False)

    def pages(self, most: int) -> None:
        """The bot has no webhook: updates are asked for, and a page may be short."""
        self.polls, self.webhook_url, self._page_most = True, "", most

    def delete_chat(self, peer: str) -> None:
        """The customer's account is gone."""
        self._deleted_chats.add(self.chat_of(peer))

    def update(self, content: dict[str, Any]) -> list[Push]:
        """One update: a callback, or with `polls` one more that waits."""
        self._next_update += 1
        update = {"update_id": self._next_update, **content}
        if self.polls:
            self._updates.append((self._next_update, self.clock.now(), update))
            self._arrived.set()
            return []
        return [Push(request=self._callback(json.dumps(update).encode()), id=str(self._next_update))]

    def forged(self, push: Push) -> list[Request]:
        """A secret with one bit changed, none, and another bot's."""
        changed = self.secret[:-1] + chr(ord(self.secret[-1]) ^ 1)
        headers = {"Content-Type": "application/json"}
        return [
            Request(method="POST", headers={**headers, **extra}, body=push.request.body)
            for extra in ({SECRET_HEADER: changed}, {}, {SECRET_HEADER: "of-another-bot"})
        ]

    def malformed(self) -> list[Request]:
        """Cut, of wrong types, deep, NUL, no JSON."""
        bodies = [
            b'{"update_id": 845000001, "message": {"message_id": 1, "cha',
            b'{"update_id": "845000001", "message": {}}',
            b'{"update_id": 845000001, "message": {"message_id": [], "chat": 3}}',
            b'{"update_id": 845000001, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b"\0" * 100,
            b'{"update_id": 845000001, "message": {"message_id": 1, "chat": {"id": 1}, "text": "\\ud800"}}',
            b"<?xml version='1.0'?><xml/>",
        ]
        return [self._callback(body) for body in bodies]

    def unknown(self, peer: str) -> list[Push]:
        """An update that bots didn't know when this was written."""
        return self.update({"message_levitated": {"chat": self._chat(peer), "height": 3}})

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {
            "token": self.token,
            "secret": self.secret,
            "updates": "poll" if self.polls else "webhook",
            "api": self.base,
        }

    def _callback(self, body: bytes) -> Request:
        return Request(
            method="POST", headers={"Content-Type": "application/json", SECRET_HEADER: self.secret}, body=body
        )

    def _user(self, peer: str) -> dict[str, Any]:
        return {"id": abs(self.chat_of(peer)), "is_bot": False, "first_name": peer, "language_code": "en"}

    def _chat(self, peer: str) -> dict[str, Any]:
        chat = self.chat_of(peer)
        if chat < 0:
            return {"id": chat, "type": "supergroup", "title": f"Group {peer}"}
        return {"id": chat, "type": "private", "first_name": peer}

    def _message(self, peer: str) -> dict[str, Any]:
        number = self.new_id()
        chat = self._chat(peer)
        self._messages[chat["id"], number] = _Message(chat["id"], "theirs", "")
        return {"message_id": number, "from": self._user(peer), "chat": chat, "date": int(self.clock.now())}

    def _content(self, text: str, kind: str, content: bytes) -> dict[str, Any]:
        caption = {"caption": text} if text else {}
        command = [{"type": "bot_command", "offset": 0, "length": 6}]
        said: dict[str, dict[str, Any]] = {
            "text": {"text": text},
            "start": {"text": f"/start {text}".strip(), "entities": command},
            "location": {"location": {"latitude": 31.2304, "longitude": 121.4737}},
            "card": {"contact": {"phone_number": "+8613800000000", "first_name": text or "Li"}},
            "poll": {"poll": {"id": "5", "question": text or "Tea?", "options": []}},
        }
        if kind == "image":
            small, large = self.file(content[:9], "photos/file.jpg"), self.file(content, "photos/file.jpg")
            sizes = [{**small, "width": 90, "height": 60}, {**large, "width": 900, "height": 600}]
            return {"photo": sizes, **caption}
        if kind in FILES:
            field, path, named = FILES[kind]
            return {field: {**self.file(content, path), **named}, **caption}
        return said.get(kind, {"hologram": {"said": text or "Tea?"}})

    def file(self, content: bytes, path: str) -> dict[str, Any]:
        """A file that Telegram holds: what an update says of it."""
        number = self.new_id()
        file_id = f"AgACAgQAAx{number:06d}"
        folder, _, name = path.rpartition("/")
        self._files[file_id] = _File(content, f"{folder}/{number}_{name}")
        return {"file_id": file_id, "file_unique_id": f"u{number}", "file_size": len(content)}

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[TelegramSimulator]:
        """Whoever waits for updates when it ends is told that there are none."""
        async with super().running(port):
            try:
                yield self
            finally:
                self._is_ending = True
                self._arrived.set()

    # --- the Bot API -----------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Methods by GET or POST, and the files."""
        return [
            Route("/bot{token}/{method}", self._method, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._download),
        ]

    async def _method(self, request: HttpRequest) -> Response:
        name = request.path_params["method"]
        if ":" not in request.path_params["token"]:
            return _error(404, "Not Found")
        if request.path_params["token"] != self.token:
            return _error(401, "Unauthorized")
        sends = name in {"sendMessage", *FILE_FIELDS}
        handler = self._send if sends else self._others().get(name)
        if handler is None:
            return _error(404, "Not Found: method not found")
        params, files = await _params(request)
        if self._script and self._script[0].name == "refused" and not sends:
            return _error(401, "Unauthorized")
        return await handler(name, params, files)

    def _others(self) -> Mapping[str, Callable[[str, Params, dict[str, Field]], Awaitable[Response]]]:
        return {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "getWebhookInfo": self._webhook_info,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getFile": self._get_file,
            "editMessageText": self._edit,
            "editMessageCaption": self._edit,
            "deleteMessage": self._delete,
            "sendChatAction": self._action,
        }

    async def _get_me(self, _name: str, _params: Params, _files: dict[str, Field]) -> Response:
        return _ok({"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "Bot", "username": "a_bot"})

    async def _webhook_info(self, _name: str, _params: Params, _files: dict[str, Field]) -> Response:
        info = {"url": self.webhook_url, "has_custom_certificate": False, "pending_update_count": len(self._updates)}
        return _ok({**info, "max_connections": self.max_connections} if self.webhook_url else info)

    async def _set_webhook(self, _name: str, params: Params, _files: dict[str, Field]) -> Response:
        self.webhook_url = str(params.get("url", ""))
        self.secret = str(params.get("secret_token", ""))
        self.max_connections = int(params.get("max_connections", 40))
        self.polls = not self.webhook_url
        return _ok(result=True)

    async def _delete_webhook(self, _name: str, _params: Params, _files: dict[str, Field]) -> Response:
        self.webhook_url, self.polls = "", True
        return _ok(result=True)

    async def _get_updates(self, _name: str, params: Params, _files: dict[str, Field]) -> Response:
        if self.webhook_url:
            return _error(409, WEBHOOK_ACTIVE)
        self._reader += 1
        mine = self._reader
        self._arrived.set()  # ends the question of whoever asked before
        offset, limit = int(params.get("offset", 0)), min(self._page_most, int(params.get("limit", 100)))
        while self._updates and (
            self._updates[0][0] < offset or self._updates[0][1] + self.update_life_s < self.clock.now()
        ):
            self.confirmed.append(self._updates.popleft()[0])
        try:
            async with asyncio.timeout(min(50, int(params.get("timeout", 0)))):
                while not self._updates and self._reader == mine and not self._is_ending:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pass
        if self._reader != mine:
            return _error(409, OTHER_READER)
        return _ok([update for _number, _at, update in list(self._updates)[:limit]])

    async def _get_file(self, _name: str, params: Params, _files: dict[str, Field]) -> Response:
        if self.is_kept_back():
            return _error(502, "Bad Gateway")
        file = self._files.get(str(params.get("file_id")))
        if file is None:
            return _error(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(file.content) > 20 * MB:
            return _error(400, "Bad Request: file is too big")
        file.told_at = self.clock.now()
        return _ok({"file_id": params["file_id"], "file_size": len(file.content), "file_path": file.path})

    async def _download(self, request: HttpRequest) -> Response:
        if request.path_params["token"] != self.token:
            return _error(401, "Unauthorized")
        for file in self._files.values():
            if file.path == request.path_params["path"] and self.clock.now() < file.told_at + self.link_life_s:
                return Response(file.content, media_type="application/octet-stream")
        return _error(404, "Not Found")

    def shown_typing(self, peer: str) -> int:
        """How often sendChatAction said typing."""
        return self.actions.count((peer, "typing"))

    async def _action(self, _name: str, params: Params, _files: dict[str, Field]) -> Response:
        self.actions.append((self._names.get(int(params["chat_id"]), ""), str(params["action"])))
        return _ok(result=True)

    async def _edit(self, name: str, params: Params, _files: dict[str, Field]) -> Response:
        message = self._messages.get((int(params["chat_id"]), int(params["message_id"])))
        if message is None:
            return _error(400, "Bad Request: message to edit not found")
        if message.kind == "theirs":
            return _error(400, "Bad Request: message can't be edited")
        if (name == "editMessageText") != (message.kind == "text"):
            return _error(400, "Bad Request: there is no text in the message to edit")
        text = str(params.get("text", params.get("caption", "")))
        if text == message.text:
            return _error(400, NOT_MODIFIED)
        for line in self.customer_sees(self._names[message.chat]):
            if not line.mine and line.text == message.text:
                line.text = text
        message.text = text
        self.changed.append(text)
        return _ok({"message_id": int(params["message_id"]), "text": text})

    async def _delete(self, _name: str, params: Params, _files: dict[str, Field]) -> Response:
        message = self._messages.pop((int(params["chat_id"]), int(params["message_id"])), None)
        if message is None:
            return _error(400, "Bad Request: message to delete not found")
        self.withdrawn.append(str(params["message_id"]))
        lines = self.customer_sees(self._names[message.chat])
        lines[:] = [line for line in lines if line.mine or line.text != message.text]
        return _ok(result=True)

    async def _send(self, name: str, params: Params, files: dict[str, Field]) -> Response:
        fault = self.next_fault()
        if answer := self.common_fault(fault) or _scripted(fault):
            return answer
        if fault and fault.name == "slow":
            await self.take_time(fault)
        chat = int(params.get("chat_id", 0))
        if refused := self._refusal(name, chat, params, files):
            return refused
        answer = self._taken(name, chat, params, files)
        return Reset() if fault and fault.name == "lost" else answer

    def _refusal(self, name: str, chat: int, params: Params, files: dict[str, Field]) -> Response | None:
        if chat in self.moved:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            return _error(400, words, migrate_to_chat_id=self.moved[chat])
        text, caption = str(params.get("text", "")), str(params.get("caption", ""))
        file = files[FILE_FIELDS[name][0]].content if name in FILE_FIELDS and FILE_FIELDS[name][0] in files else b""
        most = (10 if name == "sendPhoto" else 50) * MB
        refusals = (
            (chat not in self._names, 400, "Bad Request: chat not found"),
            (chat in self._deleted_chats, 403, "Forbidden: user is deactivated"),
            (chat in self._blocked, 403, "Forbidden: bot was blocked by the user"),
            (name == "sendMessage" and not text.strip(), 400, "Bad Request: message text is empty"),
            (_units(text) > 4096, 400, "Bad Request: message is too long"),
            (_units(caption) > 1024, 400, "Bad Request: message caption is too long"),
            (name in FILE_FIELDS and not file, 400, "Bad Request: there is no file in the request"),
            (len(file) > most, 413, "Request Entity Too Large"),
            (name == "sendPhoto" and not self.photo_is_processable, 400, "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        )
        said = next((_error(code, words) for is_so, code, words in refusals if is_so), None)
        return said or self._limited(chat)

    def _limited(self, chat: int) -> Response | None:
        now = self.clock.now()
        mine = self._sent_to.setdefault(chat, deque())
        if self.chat_per_s:
            while mine and mine[0] <= now - self.chat_burst / self.chat_per_s:
                mine.popleft()
            if len(mine) >= self.chat_burst:
                return _error(429, "Too Many Requests: retry after 1", retry_after=1)
        if self.all_per_s:
            while self._sent and self._sent[0] <= now - 1:
                self._sent.popleft()
            if len(self._sent) >= self.all_per_s:
                return _error(429, "Too Many Requests: retry after 1", retry_after=1)
        mine.append(now)
        self._sent.append(now)
        return None

    def _taken(self, name: str, chat: int, params: Params, files: dict[str, Field]) -> Response:
        number = self.new_id()
        field, kind = FILE_FIELDS.get(name, ("", "text"))
        text = str(params.get("text", params.get("caption", "")))
        self._messages[chat, number] = _Message(chat, kind, text)
        reply = params.get("reply_parameters", {})
        one = Accepted(
            id=f"{chat}:{number}",  # numbers are unique within a chat only
            peer=self._names[chat],
            kind=kind,
            text=text,
            sha256=hashlib.sha256(files[field].content).hexdigest() if field else "",
            more={
                "method": name,
                "reply_to": (json.loads(reply) if isinstance(reply, str) else reply).get("message_id", 0),
                "thread": int(params.get("message_thread_id", 0)),
                "name": files[field].filename if field else "",
            },
        )
        self._accept(one)
        return _ok({"message_id": number, "chat": {"id": chat}, "date": int(self.clock.now())})


async def _params(request: HttpRequest) -> tuple[Params, dict[str, Field]]:
    """Parameters come as a query, JSON, a form or a form with files."""
    params: Params = dict(request.query_params)
    content_type, body = request.headers.get("content-type", ""), await request.body()
    if content_type.startswith("application/json") and body:
        return params | json.loads(body), {}
    if content_type.startswith("application/x-www-form-urlencoded"):
        return params | dict(parse_qsl(body.decode())), {}
    fields = forms.read(content_type, body)
    texts = {name: field.text for name, field in fields.items() if not field.filename}
    return params | texts, {name: field for name, field in fields.items() if field.filename}


def _scripted(fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    if fault.name == "limited":
        wait = {} if fault.after_s is None else {"retry_after": fault.after_s}
        return _error(429, "Too Many Requests: retry later", **wait)
    if fault.name == "refused":
        return _error(401, "Unauthorized")
    if fault.name == "rejected":
        return _error(400, "Bad Request: chat not found")
    return None


def _ok(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


def _error(code: int, description: str, **parameters: Any) -> Response:
    said = {"ok": False, "error_code": code, "description": description}
    return JSONResponse({**said, "parameters": parameters} if parameters else said, status_code=code)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
