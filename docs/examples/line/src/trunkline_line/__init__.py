"""LINE as a channel of Trunkline: the whole of it."""

import base64
import hmac
import uuid
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from backbone import channel as c

LOST = c.Rejected("LINE may have delivered it: its answer was lost.")
FAULTS: dict[int, c.Fault | None] = {200: None, 202: c.Retry(), 409: c.Duplicate(), 429: c.Retry(2, account=True)}
SIGNALS: Any = {"follow": "enter", "unfollow": "blocked", "postback": "menu", "unsend": "recall", "message": "ignored"}
SIGNALS |= dict.fromkeys(("join", "leave", "memberJoined", "memberLeft", "videoPlayComplete"), "ignored")
FILES = {"image", "video", "audio", "file"}
KINDS: Any = {"text": "text", "sticker": "text", "location": "location", **{kind: kind for kind in FILES}}
WRONG = (msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class Settings(Struct, frozen=True, kw_only=True):
    """A channel of type Messaging API."""

    secret: Annotated[str, Meta(title="Channel secret", min_length=1, extra_json_schema={"secret": True})]
    access_token: Annotated[str, Meta(title="Access token", min_length=1, extra_json_schema={"secret": True})]
    api: Annotated[str, Meta(title="Address of the API")] = "https://api.line.me"
    data_api: Annotated[str, Meta(title="Address of files")] = "https://api-data.line.me"


class Line:
    """The channel `line`."""

    name: ClassVar[str] = "line"
    Account: ClassVar[type[Struct]] = Settings
    caps: ClassVar[c.Caps] = c.Caps(text=(5000, "utf16"), idempotent=True, timeout_s=30)

    def verify(self, req: c.Request, acc: Settings) -> c.Reply | None:
        wanted = base64.b64encode(hmac.digest(acc.secret.encode(), req.body, "sha256")).decode()
        if req.method == "POST" and c.same(req.headers.get("x-line-signature", ""), wanted):
            return None
        raise c.BadSignatureError

    def parse(self, req: c.Request, _acc: Settings) -> list[c.Event]:
        try:
            return [_event(one) for one in msgspec.json.decode(req.body)["events"]]
        except WRONG as error:
            raise c.MalformedError(str(error)[:200]) from None

    async def send(self, out: c.Out, acc: Settings, kit: c.Kit) -> c.Sent:
        said: Any = {"messages": [{"type": "text", "text": out.text}]}
        token, is_young = out.context.get("reply_token", ""), kit.now() < float(out.context.get("reply_until", "0"))
        user = await kit.recall(f"reply:{token}") if token else "nobody"
        if user == out.key or (is_young and not user):
            await kit.remember(f"reply:{token}", out.key, 86_400)  # a token is good for one call
            try:
                return await self._post("reply", {**said, "replyToken": token}, "", acc, kit)
            except c.FaultError as error:
                if isinstance(error.fault, c.Rejected) and user and "reply token" in error.fault.reason:  # a lost try's
                    raise c.FaultError(c.Duplicate() if is_young else LOST, error.answer) from None
                await kit.remember(f"reply:{token}", out.key if isinstance(error.fault, c.Unknown) else "", 86_400)
                if not isinstance(error.fault, c.Rejected):
                    raise
        return await self._post("push", {**said, "to": out.peer.id}, str(uuid.UUID(out.key)), acc, kit)

    async def _post(self, how: str, body: Any, key: str, acc: Settings, kit: c.Kit) -> c.Sent:
        headers = {"Authorization": f"Bearer {acc.access_token}"} | ({"X-Line-Retry-Key": key} if key else {})
        answer = (await kit.call(f"{acc.api}/v2/bot/message/{how}", json=body, headers=headers)).json()
        return c.Sent((answer.get("sentMessages") or [{}])[0].get("id", ""))

    async def get_media(self, media: c.Media, acc: Settings, kit: c.Kit) -> tuple[bytes, str, str]:
        url = f"{acc.data_api}/v2/bot/message/{media.ref}/content"
        bearer = {"Authorization": f"Bearer {acc.access_token}"}
        answer = await kit.call(url, method="GET", headers=bearer, most_bytes=200 * 1024 * 1024)
        return answer.body, answer.headers.get("content-type", media.mime), media.name

    def classify(self, status: int, body: bytes, _headers: Any) -> c.Fault | None:
        said = f"LINE ({status}): {body[:200].decode(errors='replace')}"
        if status in {401, 403} or b"monthly limit" in body:
            return c.Pause(said)
        return FAULTS[status] if status in FAULTS else c.Retry() if status >= 500 else c.Rejected(said)


def _event(e: Any) -> c.Event:
    source, key, raw = e.get("source") or {}, str(e["webhookEventId"]), msgspec.json.encode(e)
    peer = c.Peer(str(source.get("groupId") or source.get("roomId") or source.get("userId") or ""))
    if e["type"] != "message" or e.get("mode") == "standby" or not peer.id:
        unsent, tapped = e.get("unsend", {}), e.get("postback", {})
        data = {"ref": str(unsent.get("messageId", "")), "data": str(tapped.get("data", ""))}
        return c.Signal(key=key, name=SIGNALS.get(e["type"], "unknown"), peer=peer, data=data, raw=raw)
    m, at, ref = e["message"], int(e["timestamp"]), str(e["message"]["id"])
    kind = KINDS.get(m["type"], "unsupported")
    said: Any = {"key": key, "ref": ref, "peer": peer, "kind": kind, "at": at, "raw": raw}
    said["context"] = {"reply_token": str(e.get("replyToken", "")), "reply_until": str(at / 1000 + 60)}
    media = [c.Media(kind, ref, "", str(m.get("fileName", "")), int(m.get("fileSize", 0)))] if kind in FILES else []
    if kind == "location":
        m["text"] = "\n".join(filter(None, (m.get("title"), m.get("address"), f"{m['latitude']}, {m['longitude']}")))
    text = "" if media else m.get("text") or ", ".join(m.get("keywords", ())) or f"A {m['type']}"
    return c.Message(text=str(text), media=media, reply_to=str(m.get("quotedMessageId", "")), **said)
