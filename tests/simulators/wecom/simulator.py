"""微信客服 as its documents describe it: bells, rows behind a cursor, sessions with states, ids that are taken once."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from backbone.channel import Request
from tests.simulators.base import Accepted, Fault, Push, Reset, Simulator
from tests.simulators.wechat.answers import answered, decoded, download
from tests.simulators.wechat.crypto import cdata, seal, signature
from tests.simulators.wechat.forms import file_of
from tests.simulators.wechat.parts import Code, File, Files, Tokens, Windows

CODES = {
    "busy": -1,
    "limited": 45009,
    "refused": 60020,
    "window": 95002,
    "rejected": 95030,
    "media_gone": 40007,
}
OURS = {"audio": "voice"}
NEW, ASSISTANT, POOL, HUMAN, ENDED = range(5)
MOVES = {NEW: {1, 2, 3, 4}, ASSISTANT: {2, 3, 4}, POOL: {3, 4}, HUMAN: {3, 4}, ENDED: set[int]()}
DAY_S = 86_400
MSGID = re.compile(r"[0-9a-zA-Z_-]{1,32}")


class Row(Struct):
    """A row, and when it came."""

    at: float
    row: dict[str, Any]


class Session(Struct):
    """A customer's session."""

    state: int = NEW
    servicer: str = ""


class WeComSimulator(Simulator):
    """One 客服账号 of one company. What the documents leave open is an attribute."""

    name: ClassVar[str] = "wecom"
    rings: ClassVar[bool] = True
    tells_when: ClassVar[bool] = False
    tells: ClassVar[tuple[str, ...]] = ("failed",)

    def __init__(self) -> None:
        super().__init__()
        self.corp_id = "wx5823bf96d3bd56c7"
        self.secret = "a company's secret"
        self.token = "QDG6eK"
        self.aes_key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
        self.tail = self.corp_id
        self.open_kfid = "wkSimulator"
        self.tokens = Tokens(life_s=7200, grace_s=0, void=40014)
        self.files = Files(life_s=3 * DAY_S)
        self.windows = Windows(message=(5, 48 * 3600.0))
        self.text_bytes = 2048
        self.most_bytes = {"image": 2 << 20, "voice": 2 << 20, "video": 10 << 20, "file": 20 << 20}
        self.rows_kept_s = 3.0 * DAY_S
        self.page_rows = 1000
        self.bell_token_s = 600.0
        self.pulls_without_bell: int | None = None
        self.duplicate_code = 95031
        self.late_code = 95002
        self.used_code = 95032
        self.code_s = 20.0
        self.recall_s = 120.0
        self.busy_on_event = False
        self.unionids: dict[str, str] = {}
        self.manages = True
        self.rows: list[Row] = []
        self.bell_tokens: dict[str, float] = {}
        self.sessions: dict[str, Session] = {}
        self.codes: dict[str, tuple[str, float]] = {}
        self.welcomed: dict[str, float] = {}
        self.msgids: dict[str, str] = {}
        self.recalled: list[str] = []
        self.pulls: list[dict[str, Any]] = []
        self._last: dict[str, str] = {}

    def account(self) -> dict[str, Any]:
        """Settings of an inbox that fits."""
        return {
            "corp_id": self.corp_id,
            "secret": self.secret,
            "token": self.token,
            "aes_key": self.aes_key,
            "open_kfid": self.open_kfid,
            "api": self.base,
        }

    # --- what happens ----------------------------------------------------------------------

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message of the customer; `more` are further fields of its object. The bell is returned."""
        theirs = OURS.get(kind, kind)
        session = self.sessions.setdefault(peer, Session())
        if session.state == ENDED:
            session.state = NEW
        self.windows.happened(peer, "message", self.clock.now())
        self._last[peer] = self.row(peer, 3, theirs, {**self._content(theirs, text, content), **more})
        self._said(peer, kind, text)
        return [self.bell()]

    def loses_files(self) -> None:
        """The media_ids of what customers sent are of no files any more."""
        self.files.lose()

    def ends_files(self) -> None:
        """The three days of what customers sent are over."""
        self.files.end()

    def servicer_says(self, peer: str, text: str, servicer: str = "li") -> Push:
        """An agent types in WeCom."""
        self.row(peer, 5, "text", {"content": text}, servicer_userid=servicer)
        return self.bell()

    def happens(self, event: str, peer: str = "", **more: Any) -> Push:
        """An event: its ids stand inside it."""
        inside = {"event_type": event, "open_kfid": self.open_kfid, **({"external_userid": peer} if peer else {})}
        self._keep({"origin": 4, "msgtype": "event", "event": {**inside, **more}})
        return self.bell()

    def enters(self, peer: str, scene: str = "home") -> Push:
        """The customer opens the chat; a code for a welcome if none was said within 48 h."""
        now = self.clock.now()
        more: dict[str, str] = {"scene": scene, "scene_param": "p"}
        if now - self.welcomed.get(peer, 0) > 2 * DAY_S:
            more["welcome_code"] = f"code-{self.new_id()}"
            self.codes[more["welcome_code"]] = (peer, now + self.code_s)
        return self.happens("enter_session", peer, **more)

    def fails(self, msgid: str, fail_type: int) -> Push:
        """A message that was taken didn't arrive."""
        return self.happens("msg_send_fail", self.msgids[msgid], fail_msgid=msgid, fail_type=fail_type)

    def receipts(self, one: Accepted, *states: str) -> list[Push]:
        """Only a failure is told, in a row."""
        return [self.fails(one.id, 10) for _ in states]

    def typed_elsewhere(self, peer: str, text: str) -> list[Push]:
        """An agent types in WeCom."""
        return [self.servicer_says(peer, text)]

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """Somebody opens the chat by a link of ours."""
        return [self.enters(peer, scene)]

    def withdraws_elsewhere(self, peer: str, text: str) -> tuple[list[Push], list[Push]]:
        """A colleague answers in WeCom, and withdraws that."""
        said = [self.servicer_says(peer, text)]
        back = self.happens("servicer_recall_msg", peer, recall_msgid=self.rows[-1].row["msgid"], servicer_userid="li")
        return said, [back]

    def takes_back(self, peer: str) -> list[Push]:
        """The customer withdraws the last message of theirs."""
        return [self.happens("user_recall_msg", peer, recall_msgid=self._last[peer])]

    def leaves(self, peer: str) -> list[Push]:
        """The customer switches messages off."""
        return [self.happens("reject_customer_msg_switch_change", peer, reject_switch=1)]

    def returns(self, peer: str) -> list[Push]:
        """The customer switches them on again."""
        return [self.happens("reject_customer_msg_switch_change", peer, reject_switch=0)]

    def pages(self, most: int) -> None:
        """Rows are pulled always; a page may be short."""
        self.page_rows = most

    def unknown(self, peer: str) -> list[Push]:
        """A kind and an event of tomorrow."""
        self.row(peer, 3, "hologram", {"light": 1})
        return [self.happens("hologram_waved", peer)]

    def row(self, peer: str, origin: int, kind: str, content: dict[str, Any], **more: Any) -> str:
        """Keeps a row to be pulled; its msgid."""
        return self._keep({"external_userid": peer, "origin": origin, "msgtype": kind, kind: content, **more})

    def _keep(self, row: dict[str, Any]) -> str:
        msgid = f"row{self.new_id()}"
        now = self.clock.now()
        self.rows.append(Row(now, {"msgid": msgid, "open_kfid": self.open_kfid, "send_time": int(now), **row}))
        return msgid

    def _content(self, kind: str, text: str, content: bytes) -> dict[str, Any]:
        if kind in self.most_bytes:
            mime, name = {
                "image": ("image/jpeg", "customer.jpg"),
                "voice": ("audio/amr", "customer.amr"),
                "video": ("video/mp4", "customer.mp4"),
            }.get(kind, ("application/octet-stream", "报价.pdf"))
            return {"media_id": self.files.put(File(kind, name, mime, content, self.clock.now()))}
        if kind == "location":
            return {"latitude": 23.106, "longitude": 113.32, "name": text, "address": "广州市海珠区"}
        if kind == "link":
            return {"title": text, "desc": "about it", "url": "https://example.com/a", "pic_url": ""}
        return {"content": text}

    # --- callbacks -------------------------------------------------------------------------

    def bell(self) -> Push:
        """A callback: something may be there. Rings also for nothing, twice, early, or never."""
        token = f"bell{self.new_id()}"
        self.bell_tokens[token] = self.clock.now()
        return Push(request=self.signed(self.ringing(token)), id=token)

    def ringing(self, token: str, open_kfid: str = "", event: str = "kf_msg_or_event") -> bytes:
        """The XML inside of a bell."""
        return (
            f"<xml><ToUserName>{cdata(self.corp_id)}</ToUserName><CreateTime>{int(self.clock.now())}</CreateTime>"
            f"<MsgType>{cdata('event')}</MsgType><Event>{cdata(event)}</Event><Token>{cdata(token)}</Token>"
            f"<OpenKfId>{cdata(open_kfid or self.open_kfid)}</OpenKfId></xml>"
        ).encode()

    def signed(self, inside: bytes) -> Request:
        """A callback with this inside."""
        sealed = seal(inside, self.aes_key, self.tail)
        body = (
            f"<xml><ToUserName>{cdata(self.corp_id)}</ToUserName><AgentID>{cdata('1000')}</AgentID>"
            f"<Encrypt>{cdata(sealed)}</Encrypt></xml>"
        ).encode()
        return Request(method="POST", query=self._query(sealed), headers={"content-type": "text/xml"}, body=body)

    def _query(self, sealed: str) -> dict[str, str]:
        stamp, nonce = str(int(self.clock.now())), f"nonce{self.new_id()}"
        signed = signature(self.token, stamp, nonce, sealed)
        return {"msg_signature": signed, "timestamp": stamp, "nonce": nonce}

    def handshakes(self) -> list[tuple[Request, int, bytes]]:
        """The check of the address: its echo is encrypted; and one that is signed with another token."""
        echo = b"1616140317555161061"
        sealed = seal(echo, self.aes_key, self.tail)
        right = Request(method="GET", query={**self._query(sealed), "echostr": sealed})
        keep, self.token = self.token, "another"
        wrong = Request(method="GET", query={**self._query(sealed), "echostr": sealed})
        self.token = keep
        return [(right, 200, echo), (wrong, 401, b"")]

    def forged(self, push: Push) -> list[Request]:
        """One bit off, no signature, another account's token, another body under this signature."""
        good = push.request
        right = good.query["msg_signature"]
        flipped = {**good.query, "msg_signature": right[:-1] + format(int(right[-1], 16) ^ 1, "x")}
        without = {k: v for k, v in good.query.items() if k != "msg_signature"}
        keep, self.token = self.token, "another account's"
        other = self.signed(self.ringing("x"))
        self.token = keep
        swapped = self.signed(self.ringing("x")).body
        return [
            Request(method="POST", query=flipped, headers=good.headers, body=good.body),
            Request(method="POST", query=without, headers=good.headers, body=good.body),
            other,
            Request(method="POST", query=good.query, headers=good.headers, body=swapped),
        ]

    def malformed(self) -> list[Request]:
        """Signed and encrypted well, and not to be understood."""
        whole = self.ringing("t")
        insides = [
            whole[:-9],
            b"",
            b"<xml></xml>",
            b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Event>&a;</Event></xml>',
            b"<xml>" + b"<a>" * 20_000,
            b"<xml><MsgType>ev\0ent</MsgType></xml>",
            b'{"MsgType":{"a":1}}',
            b"[" * 50_000,
            b"\xff",
        ]
        return [self.signed(inside) for inside in insides]

    # --- the API ---------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """The calls that our channel makes."""
        return [
            Route("/cgi-bin/gettoken", answered(self._gettoken), methods=["GET"]),
            Route("/cgi-bin/kf/sync_msg", answered(self._sync), methods=["POST"]),
            Route("/cgi-bin/kf/send_msg", answered(self._send), methods=["POST"]),
            Route("/cgi-bin/kf/send_msg_on_event", answered(self._send_on_event), methods=["POST"]),
            Route("/cgi-bin/kf/recall_msg", answered(self._recall), methods=["POST"]),
            Route("/cgi-bin/kf/service_state/get", answered(self._state_of), methods=["POST"]),
            Route("/cgi-bin/kf/service_state/trans", answered(self._move), methods=["POST"]),
            Route("/cgi-bin/kf/customer/batchget", answered(self._customers), methods=["POST"]),
            Route("/cgi-bin/kf/account/list", answered(self._accounts), methods=["POST"]),
            Route("/cgi-bin/media/upload", answered(self._upload), methods=["POST"]),
            Route("/cgi-bin/media/get", answered(self._media), methods=["GET"]),
        ]

    async def _gettoken(self, request: HttpRequest) -> dict[str, Any]:
        if request.query_params.get("corpid") != self.corp_id:
            raise Code(40013, "invalid corpid")
        if request.query_params.get("corpsecret") != self.secret:
            raise Code(40001, "invalid credential")
        now = self.clock.now()
        token = self.tokens.get(now)
        return {"errcode": 0, "errmsg": "ok", "access_token": token.value, "expires_in": int(token.until - now)}

    async def _asked(self, request: HttpRequest) -> dict[str, Any]:
        self.tokens.check(request.query_params.get("access_token", ""), self.clock.now())
        asked = decoded(await request.body())
        if asked.get("open_kfid", self.open_kfid) != self.open_kfid:
            raise Code(95000, "invalid open_kfid")
        return asked

    async def _sync(self, request: HttpRequest) -> dict[str, Any]:
        asked, now = await self._asked(request), self.clock.now()
        self.pulls.append(asked)
        token = asked.get("token")
        if token and now - self.bell_tokens.get(str(token), 0) > self.bell_token_s:
            raise Code(95007, "invalid msg token")
        if not token and self.pulls_without_bell is not None:
            if self.pulls_without_bell == 0:
                raise Code(45009, "api freq out of limit")
            self.pulls_without_bell -= 1
        begin = self._begin(str(asked.get("cursor") or ""), now)
        end = min(len(self.rows), begin + min(self.page_rows, int(asked.get("limit", 1000))))
        found = [one.row for one in self.rows[begin:end] if now - one.at <= self.rows_kept_s]
        return {
            "errcode": 0,
            "errmsg": "ok",
            "next_cursor": base64.b64encode(f"{self.open_kfid}:{end}".encode()).decode(),
            "has_more": int(end < len(self.rows)),
            "msg_list": found,
        }

    def _begin(self, cursor: str, now: float) -> int:
        if not cursor:
            return next((n for n, one in enumerate(self.rows) if now - one.at <= self.rows_kept_s), len(self.rows))
        try:
            owner, _, n = base64.b64decode(cursor, validate=True).decode().partition(":")
            begin = int(n)
        except ValueError:
            raise Code(40058, "invalid cursor") from None
        if owner != self.open_kfid:
            raise Code(40058, "invalid cursor")
        return begin

    async def _send(self, request: HttpRequest) -> dict[str, Any] | Response:
        fault = self.next_fault()
        if (broken := self.common_fault(fault)) is not None:
            return broken
        self._meet(fault)
        message = await self._asked(request)
        accepted = self._checked(message)
        if fault is not None and fault.name == "slow":
            await self.take_time(fault)
        self._take(accepted)
        if fault is not None and fault.name == "lost":
            return Reset()
        return {"errcode": 0, "errmsg": "ok", "msgid": accepted.id}

    def _meet(self, fault: Fault | None) -> None:
        if fault is None or fault.name in {"slow", "lost"}:
            return
        if fault.name == "token":
            self.tokens.kill()
            return
        raise Code(CODES[fault.name])

    def _checked(self, message: dict[str, Any]) -> Accepted:
        """What is to be sent, if everything about it is right."""
        peer, now = str(message.get("touser", "")), self.clock.now()
        session = self.sessions.get(peer)
        msgid = str(message.get("msgid") or f"made{self.new_id()}")
        if session is None or not MSGID.fullmatch(msgid):
            raise Code(40058, "invalid touser or msgid")
        if msgid in self.msgids:
            raise Code(self.duplicate_code, "msgid was used")
        if session.state not in {NEW, ASSISTANT}:
            raise Code(95018, "send msg session status invalid")
        window = self.windows.state(peer, now)
        if window != "open":
            raise Code(95001 if window == "count" else self.late_code, f"out of {window}")
        return self._content_of(message, peer, msgid, now)

    def _content_of(self, message: dict[str, Any], peer: str, msgid: str, now: float) -> Accepted:
        kind = str(message.get("msgtype"))
        content = message.get(kind)
        if not isinstance(content, dict):
            raise Code(40058, "no content")
        if kind == "text":
            text = str(content.get("content", ""))
            if not text or len(text.encode()) > self.text_bytes:
                raise Code(40058, "content")
            return Accepted(id=msgid, peer=peer, kind="text", text=text, key=msgid)
        file = self.files.get(str(content.get("media_id", "")), now)
        if file.kind != kind:
            raise Code(40007, "media_id of another kind")
        sha256 = hashlib.sha256(file.content).hexdigest()
        ours = "audio" if kind == "voice" else kind
        return Accepted(id=msgid, peer=peer, kind=ours, sha256=sha256, key=msgid, more={"name": file.name})

    def _take(self, accepted: Accepted) -> None:
        self.windows.take(accepted.peer, self.clock.now())
        self.msgids[accepted.id] = accepted.peer
        self._accept(accepted)

    async def _send_on_event(self, request: HttpRequest) -> dict[str, Any]:
        asked, now = await self._asked(request), self.clock.now()
        if self.busy_on_event:
            raise Code(-1, "system busy")
        peer, until = self.codes.pop(str(asked.get("code")), ("", 0.0))
        msgid = str(asked.get("msgid"))
        if not peer or now > until or msgid in self.msgids:
            raise Code(self.used_code, "invalid code")
        self.welcomed[peer] = now
        self.msgids[msgid] = peer
        self._accept(Accepted(id=msgid, peer=peer, kind="text", text=asked["text"]["content"], key=msgid))
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    async def _recall(self, request: HttpRequest) -> dict[str, Any]:
        asked = await self._asked(request)
        sent = next((one for one in self.accepted if one.id == asked.get("msgid")), None)
        if sent is None or self.clock.now() - sent.at > self.recall_s:
            raise Code(95033, "not to be recalled")
        self.recalled.append(sent.id)
        self.withdrawn.append(sent.id)
        return {"errcode": 0, "errmsg": "ok"}

    async def _state_of(self, request: HttpRequest) -> dict[str, Any]:
        asked = await self._asked(request)
        session = self.sessions.get(str(asked.get("external_userid")))
        if session is None:
            raise Code(40058, "invalid external_userid")
        return {
            "errcode": 0,
            "errmsg": "ok",
            "service_state": session.state,
            "servicer_userid": session.servicer,
        }

    async def _move(self, request: HttpRequest) -> dict[str, Any]:
        asked = await self._asked(request)
        session = self.sessions.get(str(asked.get("external_userid")))
        to = asked.get("service_state")
        if session is None or to not in MOVES[session.state]:
            raise Code(95016, "not allowed to change to this state")
        session.state = int(to)
        return {"errcode": 0, "errmsg": "ok", "msg_code": f"code-{self.new_id()}"}

    def known_as(self, peer: str) -> tuple[str, dict[str, str]]:
        """A nickname, and a unionid from here on."""
        self.unionids[peer] = f"union-of-{peer}"
        return f"{peer} 的昵称", {"unionid": self.unionids[peer]}

    async def _customers(self, request: HttpRequest) -> dict[str, Any]:
        asked = await self._asked(request)
        known = [peer for peer in asked["external_userid_list"] if peer in self.sessions]
        rows = [
            {"external_userid": p, "nickname": f"{p} 的昵称", "avatar": "", "unionid": self.unionids.get(p, "")}
            for p in known
        ]
        return {"errcode": 0, "errmsg": "ok", "customer_list": rows, "invalid_external_userid": []}

    async def _accounts(self, request: HttpRequest) -> dict[str, Any]:
        await self._asked(request)
        own = {"open_kfid": self.open_kfid, "name": "客服", "avatar": "", "manage_privilege": self.manages}
        return {"errcode": 0, "errmsg": "ok", "account_list": [own]}

    async def _upload(self, request: HttpRequest) -> dict[str, Any]:
        self.tokens.check(request.query_params.get("access_token", ""), self.clock.now())
        kind = request.query_params.get("type", "")
        part = await file_of(request, "media")
        if kind not in self.most_bytes:
            raise Code(40004, "invalid media type")
        if part is None:
            raise Code(41005, "media data missing")
        if not part.content or len(part.content) > self.most_bytes[kind]:
            raise Code(40006, "invalid media size")
        now = self.clock.now()
        media_id = self.files.put(File(kind, part.filename, part.mime, part.content, now))
        return {"errcode": 0, "errmsg": "ok", "type": kind, "media_id": media_id, "created_at": str(int(now))}

    async def _media(self, request: HttpRequest) -> Response:
        self.tokens.check(request.query_params.get("access_token", ""), self.clock.now())
        if self.is_kept_back():
            raise Code(-1, "system error")
        return download(self.files.get(request.query_params.get("media_id", ""), self.clock.now()))
