"""抖音 as its documents describe it: signed callbacks in two forms, OAuth, scenes, echoes and the index of reading."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset, Simulator
from tests.simulators.douyin.grants import Code, Grants
from tests.simulators.wechat.forms import Part, file_of

CODES = {"busy": 28001005, "limited": 28003018, "refused": 28003095, "window": 28003080, "rejected": 28001038}
LOCAL = {"image": "user_local_image", "video": "user_local_video"}

Answer = Callable[[HttpRequest], Awaitable[dict[str, Any] | Response]]


class Said(Struct):
    """A message of a customer, or their coming in, that may be answered."""

    peer: str
    at: float
    is_enter: bool = False
    answers: int = 0


class DouyinSimulator(Simulator):
    """One app with one operator. What the documents leave open, and every quota, is an attribute."""

    name: ClassVar[str] = "douyin"
    tells_when: ClassVar[bool] = False
    excused: ClassVar[frozenset[str]] = frozenset({"media_gone"})
    tries: ClassVar[int] = 4
    """The first, and three more."""

    tells: ClassVar[tuple[str, ...]] = ("sent",)

    def __init__(
        self,
        form: Literal["object", "string"] = "object",
        tree: Literal["web", "mini"] = "mini",
        error_place: Literal["extra", "data", "err_no"] = "extra",
    ) -> None:
        super().__init__()
        self.form = form
        self.tree = tree
        self.error_place = error_place
        self.client_key = "an-app"
        self.client_secret = "an app's secret"
        self.open_id = "_000operator"
        self.grants = Grants()
        self.text_chars = 1000
        self.image_bytes = 10 << 20
        self.reply_s = 24 * 3600.0
        self.replies = 6
        self.enter_s = 30.0
        self.enters_answers = 3
        self.sends_a_day = 100_000
        self.refuses_links = False
        self.escapes_twice = True
        self.said: dict[str, Said] = {}
        self.newest: dict[str, str] = {}
        self.resources: dict[str, tuple[str, bytes]] = {}
        self.lost: set[str] = set()
        self.ended: set[str] = set()
        """Messages whose files Douyin no longer has, and whose files' addresses are no longer good."""

        self.images: dict[str, Part] = {}
        self.echoes: list[Push] = []
        self.recalled: list[dict[str, Any]] = []
        self.indexes: dict[str, int] = {}
        self.requests: list[dict[str, Any]] = []

    def account(self) -> dict[str, Any]:
        """Settings of an inbox that fits."""
        return {
            "client_key": self.client_key,
            "client_secret": self.client_secret,
            "open_id": self.open_id,
            "code": "code-1",
            "api": self.base,
        }

    # --- what happens ----------------------------------------------------------------------

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message; `image` and `video` are files from the customer's phone, other kinds by Douyin's name."""
        message_id = self._message_id()
        self.said[message_id] = Said(peer, self.clock.now())
        self.newest[peer] = message_id
        theirs = LOCAL.get(kind, kind)
        if content:
            self.resources[message_id] = (kind, content)
        fields: dict[str, Any] = {"text": text} if theirs == "text" else {}
        self._said(peer, kind, text)
        return [self.push("im_receive_msg", peer, self.open_id, self._inside(peer, message_id, theirs, fields | more))]

    def loses_files(self) -> None:
        """Douyin has no file of any message so far."""
        self.lost.update(self.resources)

    def ends_files(self) -> None:
        """The addresses that Douyin gives of files so far are signed for some time, which is over."""
        self.ended.update(self.resources)

    def agent_says(self, peer: str, text: str, source: str = "") -> Push:
        """Our side says something: on the phone (no source), or by an app."""
        inside = self._inside(peer, self._message_id(), "text", {"text": text, "source": source})
        return self.push("im_send_msg", self.open_id, peer, inside)

    def enters(self, peer: str) -> Push:
        """The customer opens the chat."""
        message_id = self._message_id()
        self.said[message_id] = Said(peer, self.clock.now(), is_enter=True)
        more = {"scene_type": 1, "ad_info": json.dumps({"ad_id": 7})}
        return self.push("im_enter_direct_msg", peer, self.open_id, self._inside(peer, message_id, "", more))

    def reads(self, peer: str, reader: str = "") -> Push:
        """Somebody has read up to an index."""
        inside = {
            "conversation_short_id": self.conversation(peer),
            "read_open_id": reader or peer,
            "index": str(self.indexes.get(peer, 0)),
        }
        return self.push("im_message_read", peer, self.open_id, inside)

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """The customer opens the chat from an advertisement."""
        message_id = self._message_id()
        self.said[message_id] = Said(peer, self.clock.now(), is_enter=True)
        more = {"scene_type": 1, "ad_info": json.dumps({"ad_id": scene})}
        return [self.push("im_enter_direct_msg", peer, self.open_id, self._inside(peer, message_id, "", more))]

    def fills_in(self, peer: str, question: str, answer: str) -> list[Push]:
        """A card of leads that was filled in."""
        rows = [{"label": question, "value": answer}]
        return self.say(peer, kind="retain_consult_card", card_id="@card", card_status=2, card_data=rows)

    def reads_up_to_now(self, peer: str) -> list[Push]:
        """The index of the newest message."""
        return [self.reads(peer)]

    def recalls(self, peer: str, message_id: str) -> Push:
        """The customer withdraws a message."""
        inside = {"conversation_short_id": self.conversation(peer), "server_message_id": message_id}
        return self.push("im_recall_msg", peer, self.open_id, inside)

    def receipts(self, one: Accepted, *states: str) -> list[Push]:
        """Ours come back, which says that they went out."""
        return [self._coming_back(one) for _ in states]

    def comes_back(self, one: Accepted) -> list[Push]:
        """A message of ours under the id that its answer named, with our app as its source."""
        return [self._coming_back(one)]

    def typed_elsewhere(self, peer: str, text: str) -> list[Push]:
        """The operator answers on the phone."""
        return [self.agent_says(peer, text)]

    def takes_back(self, peer: str) -> list[Push]:
        """The customer withdraws the last message of theirs."""
        return [self.recalls(peer, self.newest[peer])]

    def unlinks(self) -> list[Push]:
        """The operator ends the authorisation."""
        return [self.happens("unauthorize")]

    def links(self) -> list[Push]:
        """The operator scans anew."""
        return [self.happens("authorize")]

    def happens(self, event: str, who: str = "") -> Push:
        """Anything else, such as `unauthorize`."""
        return self.push(event, who or self.open_id, "", {})

    def unknown(self, peer: str) -> list[Push]:
        """A kind and an event of tomorrow."""
        return [*self.say(peer, kind="hologram"), self.push("im_hologram_waved", peer, self.open_id, {"light": 1})]

    def conversation(self, peer: str) -> str:
        """The id of a conversation, with every character that addresses must escape."""
        return "@" + base64.b64encode(hashlib.sha256(peer.encode()).digest() + b"\xfb\xff").decode()

    def _message_id(self) -> str:
        return "@" + base64.b64encode(f"{self.new_id():08}".encode() + b"\xfb\xff\xfe").decode()

    def _inside(self, peer: str, message_id: str, kind: str, more: dict[str, Any]) -> dict[str, Any]:
        now = self.clock.now()
        self.indexes[peer] = max(self.indexes.get(peer, 0) + 1, int(now * 1_000_000))
        users = [
            {"open_id": peer, "nick_name": f"{peer} 的昵称", "avatar": "https://p3.douyinpic.com/a"},
            {"open_id": self.open_id, "nick_name": "商家", "avatar": ""},
        ]
        return {
            "conversation_short_id": self.conversation(peer),
            "server_message_id": message_id,
            "conversation_type": 1,
            "create_time": int(now * 1000),
            **({"message_type": kind} if kind else {}),
            **({"user_infos": users} if self.tree == "mini" else {}),
            **({"index": str(self.indexes[peer])} if self.tree == "mini" else {}),
            **more,
        }

    # --- callbacks -------------------------------------------------------------------------

    def push(self, event: str, sender: str, receiver: str, inside: dict[str, Any]) -> Push:
        """A callback of the console's form."""
        content = json.dumps(inside, ensure_ascii=False) if self.form == "string" else inside
        envelope = {
            "event": event,
            "client_key": self.client_key,
            "from_user_id": sender,
            "to_user_id": receiver,
            "log_id": f"log{self.new_id()}",
            "content": content,
        }
        push_id = f"msg-{self.new_id()}"
        return Push(request=self.signed(json.dumps(envelope, ensure_ascii=False).encode(), push_id), id=push_id)

    def signed(self, body: bytes, push_id: str = "msg-0", secret: str = "") -> Request:
        """A body as a callback: signed with SHA-1 over the secret and the body."""
        digest = hashlib.sha1((secret or self.client_secret).encode(), usedforsecurity=False)
        digest.update(body)
        headers = {
            "content-type": "application/json",
            "x-douyin-signature": digest.hexdigest(),
            "msg-id": push_id,
        }
        return Request(method="POST", headers=headers, body=body)

    def handshakes(self) -> list[tuple[Request, int, bytes]]:
        """The check of the address: signed, unsigned, with a text, and signed with another secret."""
        number = b'{"event":"verify_webhook","client_key":"","content":{"challenge":12345}}'
        words = b'{"event":"verify_webhook","client_key":"","content":"{\\"challenge\\":\\"abc\\"}"}'
        return [
            (self.signed(number), 200, b'{"challenge":12345}'),
            (Request(method="POST", body=number), 200, b'{"challenge":12345}'),
            (self.signed(words), 200, b'{"challenge":"abc"}'),
            (self.signed(number, secret="another"), 401, b""),
        ]

    def forged(self, push: Push) -> list[Request]:
        """One bit off, no signature, another app's secret, another body under this signature."""
        good = push.request
        right = good.headers["x-douyin-signature"]
        flipped = {**good.headers, "x-douyin-signature": right[:-1] + format(int(right[-1], 16) ^ 1, "x")}
        without = {k: v for k, v in good.headers.items() if k != "x-douyin-signature"}
        return [
            Request(method="POST", headers=flipped, body=good.body),
            Request(method="POST", headers=without, body=good.body),
            self.signed(good.body, secret="another app's"),
            Request(method="POST", headers=good.headers, body=good.body + b" "),
        ]

    def malformed(self) -> list[Request]:
        """Signed well, and not to be understood."""
        whole = self.say("malformed", "x")[0].request.body
        bodies = [
            whole[:-9],
            b"",
            b"{}",
            b"[1]",
            b"[" * 50_000,
            b'{"event":7,"content":{}}',
            b'{"event":"im_receive_msg","from_user_id":"_000operator","content":[]}',
            b'{"event":"im_receive_msg","from_user_id":"_000operator","content":"{"}',
            b'{"event":"im_receive_msg","to_user_id":"_000operator","content":{}}',
            b'{"event":"im_receive_msg\\ud800"}',
            b'{"event":"im\0"}',
            b"<xml/>",
            b"\xff",
        ]
        return [self.signed(body) for body in bodies]

    # --- the API ---------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """The calls that our channel makes."""
        return [
            Route("/oauth/access_token/", self._oauth(self._begin), methods=["POST"]),
            Route("/oauth/refresh_token/", self._oauth(self._refresh), methods=["POST"]),
            Route("/oauth/renew_refresh_token/", self._oauth(self._renew), methods=["POST"]),
            Route("/oauth/client_token/", self._oauth(self._client), methods=["POST"]),
            Route("/im/send/msg/", self._api(self._send), methods=["POST"]),
            Route("/im/recall/msg/", self._api(self._recall), methods=["POST"]),
            Route("/tool/imagex/client_upload/", self._api(self._upload), methods=["POST"]),
            Route("/api/im/message/resources/", self._api(self._resource, "err_no"), methods=["GET"]),
            Route("/files/{name}", self._file, methods=["GET"]),
        ]

    def _oauth(self, handle: Answer) -> Callable[[HttpRequest], Awaitable[Response]]:
        async def answer(request: HttpRequest) -> Response:
            try:
                found = {**await handle(request), "error_code": 0, "description": ""}  # type: ignore[dict-item]
            except Code as code:
                return _json({"data": {"error_code": code.code, "description": code.words}, "message": "error"})
            return _json({"data": found, "message": "success"})

        return answer

    def _api(self, handle: Answer, error_place: str = "") -> Callable[[HttpRequest], Awaitable[Response]]:
        async def answer(request: HttpRequest) -> Response:
            try:
                found = await handle(request)
            except Code as code:
                return _json(self._error(code, error_place or self.error_place))
            if isinstance(found, Response):
                return found
            return _json({"extra": {"error_code": 0, "logid": "l"}, "data": {"error_code": 0}, **found})

        return answer

    def _error(self, code: Code, place: str) -> dict[str, Any]:
        well: dict[str, Any] = {"error_code": 0, "description": ""}
        wrong: dict[str, Any] = {"error_code": code.code, "description": code.words}
        if place == "extra":
            return {"extra": {**wrong, "sub_description": "", "now": 1}, "data": well}
        if place == "data":
            return {"extra": well, "data": wrong}
        return {"err_no": code.code, "err_msg": code.words, "log_id": "l", "data": {}}

    async def _form(self, request: HttpRequest) -> dict[str, str]:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise Code(10002, "not a form")
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if form.get("client_key") != self.client_key:
            raise Code(10003, "client_key")
        return form

    async def _begin(self, request: HttpRequest) -> dict[str, Any]:
        form, now = await self._form(request), self.clock.now()
        if form.get("client_secret") != self.client_secret or form.get("grant_type") != "authorization_code":
            raise Code(10013, "client_secret")
        access, refresh = self.grants.begin(form.get("code", ""), now)
        return self._granted(access, refresh.value, refresh.until, now)

    async def _refresh(self, request: HttpRequest) -> dict[str, Any]:
        form, now = await self._form(request), self.clock.now()
        if form.get("grant_type") != "refresh_token":
            raise Code(10002, "grant_type")
        access, refresh = self.grants.refreshed(form.get("refresh_token", ""), now)
        return self._granted(access, refresh.value, refresh.until, now)

    def _granted(self, access: str, refresh: str, until: float, now: float) -> dict[str, Any]:
        return {
            "access_token": access,
            "expires_in": int(self.grants.access_s),
            "refresh_token": refresh,
            "refresh_expires_in": int(until - now),
            "open_id": self.open_id,
            "scope": "im.direct_message",
        }

    async def _renew(self, request: HttpRequest) -> dict[str, Any]:
        form, now = await self._form(request), self.clock.now()
        refresh = self.grants.renewed(form.get("refresh_token", ""), now)
        return {"refresh_token": refresh.value, "expires_in": int(refresh.until - now)}

    async def _client(self, request: HttpRequest) -> dict[str, Any]:
        asked = _object(await request.body())
        if asked.get("client_key") != self.client_key or asked.get("client_secret") != self.client_secret:
            raise Code(10013, "client_secret")
        return {"access_token": self.grants.client(self.clock.now()), "expires_in": int(self.grants.client_s)}

    async def _asked(self, request: HttpRequest) -> dict[str, Any]:
        self.grants.check(request.headers.get("access-token", ""), self.clock.now())
        if request.query_params.get("open_id") != self.open_id:
            raise Code(2190015, "open_id doesn't fit the token")
        return _object(await request.body())

    async def _send(self, request: HttpRequest) -> dict[str, Any] | Response:
        fault = self.next_fault()
        if (broken := self.common_fault(fault)) is not None:
            return broken
        self._meet(fault)
        asked = await self._asked(request)
        self.requests.append(asked)
        said = self._answers(asked)
        accepted = self._content(asked, said.peer)
        if fault is not None and fault.name == "slow":
            await self.take_time(fault)
        said.answers += 1
        self._accept(accepted)
        self._echo(accepted)
        if fault is not None and fault.name == "lost":
            return Reset()
        return {"msg_id": accepted.id}

    def _meet(self, fault: Fault | None) -> None:
        if fault is None or fault.name in {"slow", "lost"}:
            return
        if fault.name == "token":
            self.grants.access.clear()
            return
        raise Code(CODES[fault.name])

    def _answers(self, asked: dict[str, Any]) -> Said:
        """What is answered, if it may be."""
        now = self.clock.now()
        if len([one for one in self.accepted if one.at > now - 86_400]) >= self.sends_a_day:
            raise Code(2190001, "quota")
        said = self.said.get(str(asked.get("msg_id")))
        if said is None or said.peer != asked.get("to_user_id"):
            raise Code(28003082, "msg_id and receiver differ")
        if asked.get("conversation_id") != self.conversation(said.peer):
            raise Code(28003082, "conversation")
        if said.is_enter != (asked.get("scene") == "im_enter_direct_msg"):
            raise Code(28003081, "another scene")
        if now - said.at > (self.enter_s if said.is_enter else self.reply_s):
            raise Code(28003081 if said.is_enter else 28003080, "msg_id is too old")
        used = said if said.is_enter else self.said[self.newest[said.peer]]
        if used.answers >= (self.enters_answers if said.is_enter else self.replies):
            raise Code(28003070, "used up")
        return used

    def _content(self, asked: dict[str, Any], peer: str) -> Accepted:
        content = asked.get("content", {})
        message_id = self._message_id()
        if content.get("msg_type") == 1:
            text = str(content["text"]["text"])
            if not text or len(text) > self.text_chars or (self.refuses_links and "://" in text):
                raise Code(28001038, "content")
            return Accepted(id=message_id, peer=peer, kind="text", text=text, more={"scene": asked.get("scene", "")})
        image = self.images.get(str(content.get("image", {}).get("media_id")))
        if content.get("msg_type") != 2 or image is None:
            raise Code(28001038, "content")
        sha256 = hashlib.sha256(image.content).hexdigest()
        return Accepted(id=message_id, peer=peer, kind="image", sha256=sha256)

    def _coming_back(self, one: Accepted) -> Push:
        inside = self._inside(one.peer, one.id, one.kind, {"text": one.text, "source": self.client_key})
        return self.push("im_send_msg", self.open_id, one.peer, inside)

    def _echo(self, accepted: Accepted) -> None:
        push = self._coming_back(accepted)
        self.echoes.append(push)
        if self.hook:
            self.deliver_soon(push)

    async def _recall(self, request: HttpRequest) -> dict[str, Any]:
        asked = await self._asked(request)
        known = {one.id: one.peer for one in self.accepted}
        peer = known.get(str(asked.get("msg_id")), "")
        if not peer or asked.get("conversation_id") != self.conversation(peer) or asked.get("conversation_type") != 1:
            raise Code(28003082, "no such message")
        self.recalled.append(asked)
        self.withdrawn.append(str(asked["msg_id"]))
        return {}

    async def _upload(self, request: HttpRequest) -> dict[str, Any]:
        self.grants.check_client(request.headers.get("access-token", ""), self.clock.now())
        part = await file_of(request, "image")
        if part is None or not part.content or len(part.content) > self.image_bytes:
            raise Code(28001038, "image")
        image_id = f"@image{self.new_id()}"
        self.images[image_id] = part
        return {"image_id": image_id, "width": 1, "height": 1, "size": len(part.content), "md5": ""}

    async def _resource(self, request: HttpRequest) -> dict[str, Any]:
        query = request.query_params
        self.grants.check(request.headers.get("access-token", ""), self.clock.now())
        if query.get("open_id") != self.open_id:
            raise Code(28001015, "open_id")
        if self.is_kept_back():
            raise Code(28001005, "system error")
        message_id = query.get("message_id", "")
        said = self.said.get(message_id)
        if said is None or message_id in self.lost or query.get("conversation_id") != self.conversation(said.peer):
            raise Code(28029020, "no resource")
        if message_id not in self.resources:
            raise Code(28029016, "kind of message")
        name = base64.urlsafe_b64encode(message_id.encode()).decode()
        amp = "\\u0026" if self.escapes_twice else "&"
        data = {"media_type": self.resources[message_id][0], "url": f"{self.base}/files/{name}?a=1{amp}b=2"}
        return {"err_no": 0, "err_msg": "", "log_id": "l", "data": data}

    async def _file(self, request: HttpRequest) -> Response:
        known = request.headers.get("access-token", "") in self.grants.access
        if not known or request.headers.get("openid") != self.open_id or request.query_params.get("b") != "2":
            return Response("forbidden", status_code=403)
        message_id = base64.urlsafe_b64decode(request.path_params["name"]).decode()
        if message_id in self.ended:
            return Response("expired", status_code=403)
        kind, content = self.resources[message_id]
        return Response(content, media_type="image/jpeg" if kind == "image" else "video/mp4")


def _json(found: dict[str, Any]) -> Response:
    return Response(json.dumps(found, ensure_ascii=False), media_type="application/json")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        raise Code(10002, "not JSON") from None
    return found if isinstance(found, dict) else {}
