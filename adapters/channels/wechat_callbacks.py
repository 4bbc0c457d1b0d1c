"""Callbacks of 公众平台 as events: official accounts and mini programs are called back alike; pure.

Plain, compatible and safe mode, XML and JSON. What an event means differs: each channel says it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from adapters.channels import wechat_crypto as crypto
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

MEDIA: Final = {
    "image": ("image", "image/jpeg"),
    "voice": ("audio", "audio/amr"),
    "video": ("video", "video/mp4"),
    "shortvideo": ("video", "video/mp4"),
}

ROUTINE: Final = r"kf_\w+_session|subscribe_msg_\w+_event|w?xa_\w+|weapp_\w+"
"""A pattern of events in lower case that say nothing of what a customer wants: other staff, notices, audits."""

DATA: Final = {"mini_program": "AppID of a mini program"}
"""Names of data beside those of every channel."""

ENVELOPE: Final = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgDataId", "Idx"})


class Keys(Protocol):
    """Of an account's settings what its callbacks are checked by."""

    @property
    def app_id(self) -> str:
        """Whom callbacks are for."""

    @property
    def token(self) -> str:
        """What they are signed with."""

    @property
    def aes_key(self) -> str:
        """What they are encrypted with; empty in plain mode."""

    @property
    def previous_aes_key(self) -> str:
        """The one before."""


class Callback(NamedTuple):
    """A callback that was opened: its values by name, who did it, what kind it is, and its bytes."""

    found: dict[str, str]
    peer: str
    kind: str
    body: bytes


def verify(req: Request, acc: Keys) -> Reply | None:
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


def once(req: Request, acc: Keys) -> str:
    """The nonce in plain mode, whose signature covers no body: whoever saw one query could send anything with it."""
    return "" if acc.aes_key else f"{req.query.get('timestamp', '')}:{req.query.get('nonce', '')}"


def parse(req: Request, acc: Keys, signal_of: Callable[[Callback], Signal]) -> list[Event]:
    """The one event of a verified callback; `signal_of` says what an event means. Raises MalformedError."""
    came = _opened(req, acc)
    return [signal_of(came) if came.kind == "event" else _message(came)]


def signal(came: Callback, name: SignalKind, data: Mapping[str, str], *, asks: bool) -> Signal:
    """An event, as the channel understands it; one that is unknown is kept whole."""
    event, at_s = came.found.get("Event", ""), came.found.get("CreateTime", "")
    return Signal(
        # Events have no id: WeChat's own rule is the customer and the second.
        key=f"{came.peer}:{at_s}:{event}",
        name=name,
        peer=Peer(came.peer),
        data=without_empty({"event": event[:64], **data}),
        at=_seconds(at_s) * 1000 if at_s else 0,
        asks=asks,
        raw=came.body if name == "unknown" else b"",
    )


def _opened(req: Request, acc: Keys) -> Callback:
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
    return Callback(found, peer, kind, body)


def _message(came: Callback) -> Message:
    at_s = _seconds(came.found.get("CreateTime", ""))
    return Message(
        key=came.found.get("MsgId") or f"{came.peer}:{at_s}:{came.kind}",
        peer=Peer(came.peer),
        at=at_s * 1000,
        **_content(came),
    )


def _check(given: str, acc: Keys, query: dict[str, str], *sealed: str) -> None:
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not crypto.is_signed(given, acc.token, stamp, nonce, *sealed):
        raise BadSignatureError


def _open(sealed: str, acc: Keys) -> bytes:
    return crypto.open_sealed(sealed, (acc.aes_key, acc.previous_aes_key), {acc.app_id})


def _content(came: Callback) -> dict[str, Any]:
    """The arguments of a Message that its kind decides."""
    found, kind = came.found, came.kind
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
        shown = {"title": found.get("Title", ""), "path": found.get("PagePath", "")}
        card = shown | {"picture": found.get("ThumbUrl", "")}
        data = {"card": card, "mini_program": found.get("AppId", "")}
        return {"kind": "card", "text": _lines(shown), "attributes": data}
    card = {name: value for name, value in found.items() if name not in ENVELOPE}
    return {
        "kind": "unsupported",
        "text": f"(unsupported: {kind[:40]})",
        "attributes": {"card": card},
        "raw": came.body,
    }


def _lines(card: dict[str, str]) -> str:
    return "\n".join(line for line in card.values() if line)


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise MalformedError("CreateTime is no time")
    return int(text)
