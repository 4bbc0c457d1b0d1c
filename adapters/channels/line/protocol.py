"""Callbacks of LINE as events: pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from adapters.channels.line import content
from adapters.channels.line.settings import Account
from backbone.channel import (
    BadSignatureError,
    Event,
    MalformedError,
    Message,
    Peer,
    Reply,
    Request,
    Signal,
    same,
)
from backbone.channel.leaves import without_empty
from backbone.events import Data

REPLY_S: Final = 60
"""A reply token is good for a minute after its event."""

STANDBY: Final = frozenset({"message", "messageEdited", "postback"})
"""What another module of the account deals with while it has the chat."""

IGNORED: Final = frozenset(
    {
        "memberJoined",
        "memberLeft",
        "videoPlayComplete",
        "things",
        "delivery",
        "activated",
        "deactivated",
    }
)
"""Who comes to a group and goes, a video that was seen to its end, devices, notices by phone number, who has a chat."""

AT_BEACON: Final = frozenset({"enter", "banner"})
"""Of what happens at a beacon: who stays there is told every few seconds."""

Milliseconds = Annotated[int, Meta(ge=0, le=2**53)]

S = TypeVar("S")


class _Source(Struct, frozen=True, rename="camel"):
    type: str = ""
    user_id: str = ""
    group_id: str = ""
    room_id: str = ""


class _Follow(Struct, frozen=True, rename="camel"):
    is_unblocked: bool = False


class _Unsend(Struct, frozen=True, rename="camel"):
    message_id: str = ""


class _Postback(Struct, frozen=True):
    data: str = ""
    params: dict[str, str] = {}


class _Beacon(Struct, frozen=True):
    hwid: str = ""
    type: str = ""
    dm: str = ""


class _Link(Struct, frozen=True):
    result: str = ""
    nonce: str = ""


class _Membership(Struct, frozen=True, rename="camel"):
    type: str = ""
    membership_id: int = 0


class _Module(Struct, frozen=True):
    type: str = ""
    reason: str = ""


class _Event(Struct, rename="camel"):
    type: str
    webhook_event_id: str = ""
    timestamp: Milliseconds = 0
    mode: str = "active"
    source: _Source = _Source()
    reply_token: str = ""
    message: Raw = Raw()
    follow: _Follow = _Follow()
    unsend: _Unsend = _Unsend()
    postback: _Postback = _Postback()
    beacon: _Beacon = _Beacon()
    link: _Link = _Link()
    membership: _Membership = _Membership()
    module: _Module = _Module()


class _Callback(Struct):
    events: list[Raw]


class Ref(NamedTuple):
    """Our id of a customer's message: LINE's, and the tokens by which it is quoted and marked as read."""

    id: str
    quote: str = ""
    read: str = ""

    def __str__(self) -> str:
        return " ".join(self).rstrip()


def ref_of(text: str) -> Ref:
    """The contrary of `str`."""
    return Ref(*text.split(" ")[:3])


def verify(req: Request, acc: Account) -> Reply | None:
    """None for a callback that LINE signed, also the check of the address, which has no events. Raises
    BadSignatureError.
    """
    wanted = base64.b64encode(hmac.digest(acc.secret.encode(), req.body, "sha256")).decode()
    if req.method != "POST" or not same(req.headers.get("x-line-signature", ""), wanted):
        raise BadSignatureError
    return None


def parse(req: Request, acc: Account) -> list[Event]:
    """The events of one callback. Raises MalformedError.

    One that can't be understood is kept and stops none of the others.
    """
    del acc
    return [_one(bytes(raw)) for raw in _decode(req.body, _Callback).events]


def _one(raw: bytes) -> Event:
    try:
        event = _decode(raw, _Event)
        return _event(event, event.webhook_event_id or _hash(raw), raw)
    except MalformedError:
        return Signal(key=_hash(raw), name="unknown", raw=raw)


def _event(event: _Event, key: str, raw: bytes) -> Event:  # noqa: PLR0911 - a return a kind
    if event.type in IGNORED or (event.mode == "standby" and event.type in STANDBY):
        return Signal(key=key, name="ignored")
    if event.type in {"botSuspended", "botResumed", "module"}:
        return _permission(event, key)
    peer = _peer(event.source)
    if event.type == "message":
        return _message(event, peer)
    if event.type == "messageEdited":
        body = _decode(bytes(event.message), content.Body)
        data = {"ref": body.id, "text": body.text}
        return Signal(key=key, name="edit", peer=peer, data=data, at=event.timestamp)
    if event.type == "unsend":
        return Signal(key=key, name="recall", peer=peer, data={"ref": event.unsend.message_id}, at=event.timestamp)
    if event.type in {"unfollow", "leave"}:
        return Signal(key=key, name="blocked", peer=peer, data={"event": event.type}, at=event.timestamp)
    if event.type in {"follow", "join", "beacon"}:
        return _came(event, key, peer)
    if event.type in {"postback", "accountLink", "membership"}:
        return _tapped(event, key, peer)
    return Signal(key=key, name="unknown", peer=peer, data={"event": event.type[:64]}, raw=raw)


def _peer(source: _Source) -> Peer:
    """The person, or the group that they wrote in. Raises MalformedError where nobody is named."""
    if one := source.group_id or source.room_id or source.user_id:
        return Peer(one)
    raise MalformedError("an event of nobody")


def _author(source: _Source) -> dict[str, str]:
    """Who of a group it was; LINE tells no name."""
    return {"author_id": source.user_id} if source.user_id and (source.group_id or source.room_id) else {}


def _message(event: _Event, peer: Peer) -> Message:
    raw = bytes(event.message)
    body = _decode(raw, content.Body)
    found = content.said(body, raw)
    attributes: Data = {**(found.data or {}), **_author(event.source)}
    return Message(
        # Withdrawals and quotations name the message, which comes in one event alone.
        key=body.id,
        ref=str(Ref(body.id, body.quote_token, body.mark_as_read_token)),
        peer=peer,
        kind=found.kind,
        text=found.text,
        media=list(found.media),
        at=event.timestamp,
        reply_to=body.quoted_message_id,
        context=_context(event),
        attributes=attributes,
        raw=raw if found.kind == "unsupported" else b"",
    )


def _context(event: _Event) -> dict[str, str]:
    """By what the next answer is free, and until when (Unix seconds)."""
    until = event.timestamp / 1000 + REPLY_S
    return {"reply_token": event.reply_token, "reply_until": f"{until:.3f}"} if event.reply_token else {}


def _permission(event: _Event, key: str) -> Signal:
    """LINE suspends an account and lets it go on; its owner attaches a module and takes it away."""
    if event.type == "botResumed" or event.module.type == "attached":
        return Signal(key=key, name="linked", at=event.timestamp)
    reason = "LINE has suspended the account." if event.type == "botSuspended" else "The account's owner ended it."
    return Signal(key=key, name="unlinked", data={"reason": reason, "event": event.module.reason}, at=event.timestamp)


def _came(event: _Event, key: str, peer: Peer) -> Signal:
    """Somebody follows the account, adds it to a group or comes near a beacon."""
    beacon, again = event.beacon, event.follow.is_unblocked
    if event.type == "beacon" and beacon.type not in AT_BEACON:
        return Signal(key=key, name="ignored", peer=peer)
    told = {
        "event": "unblocked" if again else event.type,
        "scene": beacon.hwid,
        "beacon": beacon.type,
        "device_message": beacon.dm,
    }
    return Signal(key=key, name="enter", peer=peer, data=without_empty(told), at=event.timestamp)


def _tapped(event: _Event, key: str, peer: Peer) -> Signal:
    """A button, or an entry of a menu; an account that was linked; a membership that began or ended.

    Who only turns to another menu asks for nothing.
    """
    params = event.postback.params
    menu = " ".join(filter(None, (params.get("newRichMenuAliasId"), params.get("status"))))
    result = event.link.result or event.membership.type
    told = {
        "event": event.type,
        "choice": event.postback.data,
        "choice_text": f"{event.type} {result}" if result else "",
        "picked_time": params.get("datetime") or params.get("date") or params.get("time") or "",
        "rich_menu": menu,
        "membership": str(event.membership.membership_id or ""),
        "link_nonce": event.link.nonce,
        **_author(event.source),
    }
    asks = event.type == "postback" and not menu
    return Signal(key=key, name="menu", peer=peer, data=without_empty(told), at=event.timestamp, asks=asks)


def _decode(raw: bytes, wanted: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]
