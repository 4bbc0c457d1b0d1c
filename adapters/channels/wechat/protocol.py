"""Callbacks of 微信公众号 as events: plain, compatible and safe mode, XML and JSON; pure."""

from __future__ import annotations

import re
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
from backbone.channel.leaves import without_empty

SIGNALS: Final[dict[str, SignalKind]] = {
    "subscribe": "menu",
    "scan": "menu",
    "click": "menu",
    "scancode_push": "menu",
    "scancode_waitmsg": "menu",
    "unsubscribe": "blocked",
}
"""Events by name in lower case. Those that open the minute of three messages are `menu`."""

ROUTINE: Final = re.compile(
    r"location|view|view_miniprogram|pic_(sysphoto|photo_or_album|weixin)|location_select|kf_\w+_session|guide_\w+"
    r"|\w*jobfinish|subscribe_msg_\w+_event|(user|card|submit|update|giftcard)_\w+|merchant_order|wificonnected"
    r"|poi_check_notify|shakearound\w+|\w+_verify_(success|fail)|annual_renew|verify_expired|w?xa_\w+|weapp_\w+"
)
"""Names of events in lower case that say nothing of what a customer wants: of pages, cards, jobs, other staff."""

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

QR_SCENE: Final = "qrscene_"

DATA: Final = {"scanned": "what stood in a code that was scanned by a menu", "mini_program": "AppID of a mini program"}
"""Names of data beside those of every channel."""

ENVELOPE: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgDataId", "Idx"})


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
    event, key = found.get("Event", ""), found.get("EventKey", "")
    low = event.lower()
    name = SIGNALS.get(low) or ("ignored" if ROUTINE.fullmatch(low) else "unknown")
    is_code = low in {"subscribe", "scan"}
    data = {
        "event": event[:64],
        "scene": key.removeprefix(QR_SCENE) if is_code else "",
        "choice": "" if is_code else key,
        "scanned": found.get("ScanCodeInfo.ScanResult", ""),
        **{name.lower(): found.get(name, "") for name in ("Latitude", "Longitude", "Precision")},
    }
    at_s = found.get("CreateTime", "")
    return Signal(
        # Events have no id: WeChat's own rule is the customer and the second.
        key=f"{peer}:{at_s}:{event}",
        name=name,
        peer=Peer(peer),
        data=without_empty(data),
        at=_seconds(at_s) * 1000 if at_s else 0,
        # Who only follows asks for nothing; a code with a scene and a tapped menu do.
        asks=name == "menu" and bool(key),
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
        return {"text": found.get("Content", ""), "attributes": {"choice": tapped} if tapped else {}}
    if kind in MEDIA and found.get("MediaId"):
        ours, mime = MEDIA[kind]
        if found.get("Format") == "speex":
            mime = "audio/speex"
        media = [Media(kind=ours, ref=found["MediaId"], mime=mime)]
        return {"kind": ours, "media": media, "text": found.get("Recognition", "")}
    if kind == "location":
        return crypto.place(found.get("Label", ""), "", found.get("Location_X", ""), found.get("Location_Y", ""))
    if kind == "link":
        card = {name.lower(): found.get(name, "") for name in ("Title", "Description", "Url")}
        return {"kind": "card", "text": _lines(card), "attributes": {"card": card}}
    if kind == "miniprogrampage":
        card = {
            "title": found.get("Title", ""),
            "path": found.get("PagePath", ""),
            "picture": found.get("ThumbUrl", ""),
        }
        data = {"card": card, "mini_program": found.get("AppId", "")}
        return {"kind": "card", "text": "\n".join(filter(None, (card["title"], card["path"]))), "attributes": data}
    card = {name: value for name, value in found.items() if name not in ENVELOPE}
    return {"kind": "unsupported", "text": f"(unsupported: {kind[:40]})", "attributes": {"card": card}, "raw": body}


def _lines(card: dict[str, str]) -> str:
    return "\n".join(line for line in card.values() if line)


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
