"""Callbacks of 微信公众号 as events: plain, compatible and safe mode, XML and JSON; pure."""

from __future__ import annotations

import time
from typing import Any, Final

from adapters.channels import wechat_crypto as crypto
from adapters.channels.wechat.settings import Account
from backbone.channel import (
    BadSignatureError,
    Event,
    MalformedError,
    Media,
    Message,
    Peer,
    Reply,
    Request,
    Signal,
    SignalKind,
)

SIGNALS: Final[dict[str, SignalKind]] = {
    "subscribe": "menu",
    "scan": "menu",
    "click": "menu",
    "scancode_push": "menu",
    "scancode_waitmsg": "menu",
    "unsubscribe": "blocked",
    "location": "ignored",
    "view": "ignored",
    "view_miniprogram": "ignored",
    "pic_sysphoto": "ignored",
    "pic_photo_or_album": "ignored",
    "pic_weixin": "ignored",
    "location_select": "ignored",
    "templatesendjobfinish": "ignored",
    "masssendjobfinish": "ignored",
    "kf_create_session": "ignored",
    "kf_close_session": "ignored",
    "kf_switch_session": "ignored",
}
"""Events by name in lower case. Those that open the minute of three messages are `menu`."""

MEDIA: Final = {
    "image": ("image", "image/jpeg"),
    "voice": ("audio", "audio/amr"),
    "video": ("video", "video/mp4"),
    "shortvideo": ("video", "video/mp4"),
}

UPLOADS: Final = {
    "image": ("image", frozenset({"image/jpeg", "image/png", "image/gif"})),
    "audio": ("voice", frozenset({"audio/amr", "audio/mpeg", "audio/mp3"})),
    "video": ("video", frozenset({"video/mp4"})),
}
"""By our kind: WeChat's name of it, and the types that it takes."""

ENDINGS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "video/mp4": "mp4",
}

KEPT: Final = ("Ticket", "Latitude", "Longitude", "Precision")
"""Fields of events that are kept beside `Event` and `EventKey`."""


def verify(req: Request, acc: Account) -> Reply | None:
    """None for a callback of this account, the echo for the check of the address. Raises BadSignatureError."""
    query = req.query
    if req.method == "GET":
        _check(query.get("signature", ""), acc, query)
        return Reply(body=query.get("echostr", "").encode(errors="replace"))
    if not crypto.is_fresh(query.get("timestamp", ""), time.time()):
        raise BadSignatureError
    if not acc.aes_key:
        _check(query.get("signature", ""), acc, query)
        return None
    try:
        sealed = crypto.fields(req.body).get("Encrypt", "")
    except MalformedError:
        raise BadSignatureError from None
    # The plain signature doesn't cover the body: with a key, only the one over the ciphertext counts.
    _check(query.get("msg_signature", ""), acc, query, sealed)
    try:
        _open(sealed, acc)
    except crypto.SealError:
        raise BadSignatureError from None
    return None


def once(req: Request, acc: Account) -> str:
    """The nonce in plain mode, whose signature covers no body: whoever saw one query could send anything with it."""
    return "" if acc.aes_key else f"{req.query.get('timestamp', '')}:{req.query.get('nonce', '')}"


def parse(req: Request, acc: Account) -> list[Event]:
    """The one event of a verified callback. Raises MalformedError."""
    body, found = req.body, crypto.fields(req.body)
    if acc.aes_key:
        # In compatible mode the plain fields stand beside, and nobody vouches for them.
        try:
            body = _open(found.get("Encrypt", ""), acc)
        except crypto.SealError:
            raise MalformedError("it can't be decrypted") from None
        found = crypto.fields(body)
    elif "Encrypt" in found and "MsgType" not in found:
        raise MalformedError("it is encrypted, and the account has no EncodingAESKey")
    peer, kind = found.get("FromUserName", ""), found.get("MsgType", "")
    if not peer or not kind:
        raise MalformedError("no FromUserName or MsgType")
    if kind == "event":
        return [_signal(found, peer, body)]
    return [_message(found, peer, kind, body)]


def _check(given: str, acc: Account, query: dict[str, str], *sealed: str) -> None:
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not crypto.is_signed(given, acc.token, stamp, nonce, *sealed):
        raise BadSignatureError


def _open(sealed: str, acc: Account) -> bytes:
    return crypto.open_sealed(sealed, (acc.aes_key, acc.previous_aes_key), {acc.app_id})


def _signal(found: dict[str, str], peer: str, body: bytes) -> Signal:
    event = found.get("Event", "")
    name = SIGNALS.get(event.lower(), "unknown")
    data = {"event": event, "key": found.get("EventKey", "")} | {k.lower(): found[k] for k in KEPT if k in found}
    return Signal(
        # Events have no id: WeChat's own rule is the customer and the second.
        key=f"{peer}:{found.get('CreateTime', '')}:{event}",
        name=name,
        peer=Peer(peer),
        data={k: v for k, v in data.items() if v},
        raw=body if name == "unknown" else b"",
    )


def _message(found: dict[str, str], peer: str, kind: str, body: bytes) -> Message:
    at_s = _seconds(found.get("CreateTime", ""))
    return Message(
        key=found.get("MsgId") or f"{peer}:{at_s}:{kind}",
        peer=Peer(peer),
        at=at_s * 1000,
        **_content(found, kind, body),
    )


def _content(found: dict[str, str], kind: str, body: bytes) -> dict[str, Any]:
    """The arguments of a Message that its kind decides."""
    if kind == "text":
        tapped = found.get("bizmsgmenuid")
        return {"text": found.get("Content", ""), "attributes": {"menu_id": tapped} if tapped else {}}
    if kind in MEDIA and found.get("MediaId"):
        ours, mime = MEDIA[kind]
        if found.get("Format") == "speex":
            mime = "audio/speex"
        media = [Media(kind=ours, ref=found["MediaId"], mime=mime)]
        return {"kind": ours, "media": media, "text": found.get("Recognition", "")}
    if kind == "location":
        place = {"latitude": found.get("Location_X", ""), "longitude": found.get("Location_Y", "")}
        return {"kind": "location", "text": found.get("Label", ""), "attributes": place}
    if kind == "link":
        lines = [found.get(name, "") for name in ("Title", "Description", "Url")]
        return {"kind": "card", "text": "\n".join(line for line in lines if line)}
    return {"kind": "unsupported", "text": f"(unsupported: {kind[:40]})", "raw": body}


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise MalformedError("CreateTime is no time")
    return int(text)


# --- what goes out ----------------------------------------------------------------------------


def outgoing(to: str, kind: str, content: dict[str, str], kf_account: str) -> dict[str, Any]:
    """The body of `message/custom/send`."""
    message: dict[str, Any] = {"touser": to, "msgtype": kind, kind: content}
    if kf_account:
        message["customservice"] = {"kf_account": kf_account}
    return message
