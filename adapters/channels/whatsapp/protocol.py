"""Callbacks of WhatsApp as events: pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct, field

from adapters.channels.meta import callbacks, graph
from adapters.channels.meta.callbacks import decode, digest
from adapters.channels.whatsapp import content, faults
from adapters.channels.whatsapp.settings import Account
from backbone.channel import (
    Event,
    MalformedError,
    Message,
    Peer,
    Receipt,
    ReceiptKind,
    Reply,
    Request,
    Signal,
)

CHANGED_NUMBER: Final = frozenset({"user_changed_number", "customer_changed_number"})

STATUSES: Final[dict[str, ReceiptKind]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}

IGNORED_FIELDS: Final = frozenset(
    {
        "account_alerts", "account_review_update", "account_update", "business_capability_update",
        "message_template_components_update", "message_template_quality_update", "message_template_status_update",
        "phone_number_name_update", "phone_number_quality_update", "security", "template_category_update",
        "user_preferences",
    }
)  # fmt: skip
"""What a number's app may subscribe to besides messages; none of it is a customer's."""


class _Change(Struct):
    field: str
    value: Raw


class _Entry(Struct):
    changes: list[_Change] = []


class _Callback(Struct):
    entry: list[_Entry]


class _Metadata(Struct):
    phone_number_id: str


class _Profile(Struct):
    name: str = ""
    username: str = ""


class _Contact(Struct):
    wa_id: str = ""
    user_id: str = ""
    profile: _Profile = field(default_factory=_Profile)


class _Value(Struct):
    metadata: _Metadata
    contacts: list[_Contact] = []
    messages: list[Raw] = []
    statuses: list[Raw] = []
    message_echoes: list[Raw] = []


class _Edit(Struct):
    original_message_id: str
    message: Raw = Raw()


class _Revoke(Struct):
    original_message_id: str


class _System(Struct):
    type: str = ""
    body: str = ""
    wa_id: str = ""
    new_wa_id: str = ""
    user_id: str = ""


class _Message(content.Body, kw_only=True):
    id: str
    sender: str = field(name="from", default="")
    from_user_id: str = ""
    to: str = ""
    to_user_id: str = ""
    timestamp: str = "0"
    edit: _Edit | None = None
    revoke: _Revoke | None = None
    system: _System | None = None


class _Error(Struct):
    code: int = 0
    title: str = ""
    message: str = ""
    error_data: Any = None


class _Status(Struct):
    id: str
    status: str
    recipient_id: str = ""
    recipient_user_id: str = ""
    biz_opaque_callback_data: str = ""
    errors: list[_Error] = []


def verify(req: Request, acc: Account) -> Reply | None:
    """The challenge for the check of the address, None for a callback that Meta signed. Raises BadSignatureError."""
    return callbacks.verify(req, acc.app_secret, acc.verify_token)


def parse(req: Request, acc: Account) -> list[Event]:
    """The events of one callback, which may hold several of each kind. Raises MalformedError.

    One message that can't be understood is kept and stops none of the others.
    """
    events: list[Event] = []
    for entry in decode(req.body, _Callback).entry:
        for change in entry.changes:
            events += _change(change.field, bytes(change.value), acc)
    return events


def _change(name: str, raw: bytes, acc: Account) -> list[Event]:
    if name in IGNORED_FIELDS:
        return [Signal(key=digest(raw), name="ignored")]
    if name not in {"messages", "smb_message_echoes"}:
        return [Signal(key=digest(raw), name="unknown", raw=raw)]
    value = decode(raw, _Value)
    if value.metadata.phone_number_id != acc.phone_number_id:
        # All numbers of an app have one address, unless each has its own.
        return [Signal(key=digest(raw), name="ignored")]
    names = {
        one: contact.profile.name or contact.profile.username
        for contact in value.contacts
        for one in (contact.wa_id, contact.user_id)
        if one
    }
    events: list[Event] = [_one_message(bytes(one), names) for one in value.messages]
    events += [_one_message(bytes(one), names, is_echo=True) for one in value.message_echoes]
    for one in value.statuses:
        events += _one_status(bytes(one))
    return events or [Signal(key=digest(raw), name="unknown", raw=raw)]


def _one_message(raw: bytes, names: dict[str, str], *, is_echo: bool = False) -> Event:
    try:
        return _message(raw, names, is_echo=is_echo)
    except MalformedError:
        return Signal(key=digest(raw), name="unknown", raw=raw)


def _one_status(raw: bytes) -> list[Event]:
    """By WhatsApp's id, which an answer can quote, and by our own name for the part, for one whose answer was lost."""
    try:
        status = decode(raw, _Status)
    except MalformedError:
        return [Signal(key=digest(raw), name="unknown", raw=raw)]
    key = f"{status.id}:{status.status}"
    if status.status not in STATUSES:
        is_known = status.status in {"deleted", "warning"}
        return [Signal(key=key, name="ignored" if is_known else "unknown", raw=b"" if is_known else raw)]
    error = status.errors[0] if status.errors else _Error()
    peer = status.recipient_id or status.recipient_user_id
    return [
        Receipt(
            key=key,
            ref=status.id,
            sent_as=status.biz_opaque_callback_data,
            status=STATUSES[status.status],
            peer=Peer(peer) if peer else None,
            code=str(error.code) if error.code else "",
            reason=graph.details_of(error.error_data) or error.title or error.message,
            # What passes, said at once or later, is tried again.
            fault=faults.FAULTS.get(error.code) if error.code else None,
        )
    ]


def _message(raw: bytes, names: dict[str, str], *, is_echo: bool) -> Event:
    told = decode(raw, _Message)
    number, user = (told.to, told.to_user_id) if is_echo else (told.sender, told.from_user_id)
    if not number and not user:
        raise MalformedError("a message of nobody")
    peer = peer_of(number, user, names.get(number) or names.get(user, ""))
    if (happened := _happened(told, peer, is_echo=is_echo)) is not None:
        return happened
    said = content.said(told, raw)
    return Message(
        key=told.id,
        peer=peer,
        kind=said.kind,
        text=said.text,
        media=list(said.media),
        at=_milliseconds(told.timestamp),
        reply_to=told.reaction.message_id if told.reaction else told.context.id,
        echo=is_echo,
        attributes=said.data or {},
        raw=raw if said.kind == "unsupported" else b"",
    )


def peer_of(number: str, user: str, name: str) -> Peer:
    """A customer by their number, else by the id that Meta gives to who hides it; both name the same person."""
    ids = tuple(one for one in (number, user) if one)
    phone = {"phone": f"+{number}"} if number else {}
    return Peer(ids[0], name, phone, ("phone",) if number else (), also=ids[1:])


def _happened(told: _Message, peer: Peer, *, is_echo: bool) -> Signal | None:  # noqa: PLR0911 - a return a kind
    """What is no message: corrections, withdrawals, another number, a first look."""
    at = _milliseconds(told.timestamp)
    if told.type == "revoke" and told.revoke:
        data = {"ref": told.revoke.original_message_id}
        return Signal(key=told.id, name="recall", peer=peer, data=data, at=at, echo=is_echo)
    if told.type == "edit" and told.edit:
        body = decode(bytes(told.edit.message) or b"{}", content.Body)
        said = content.said(body, bytes(told.edit.message))
        data = {"ref": told.edit.original_message_id, "text": said.text}
        return Signal(key=told.id, name="edit", peer=peer, data=data, media=list(said.media), at=at, echo=is_echo)
    if told.type == "system":
        system = told.system or _System()
        new = system.new_wa_id or system.wa_id
        if system.type in CHANGED_NUMBER and new and new != peer.id:
            data = {"from": peer.id, "to": new, "event": system.body}
            moved = msgspec.structs.replace(peer_of(new, system.user_id, peer.name), also=(peer.id,))
            return Signal(key=told.id, name="moved", peer=moved, data=data, at=at)
        return Signal(key=told.id, name="ignored", peer=peer)
    if told.reaction and not told.reaction.emoji:
        return Signal(key=told.id, name="ignored", peer=peer)
    if told.type == "request_welcome":
        return Signal(key=told.id, name="enter", peer=peer, at=at, asks=True)
    return None


def _milliseconds(seconds: str) -> int:
    return int(seconds) * 1000 if _is_seconds(seconds) else 0


def _is_seconds(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


# --- what goes out ----------------------------------------------------------------------------


def addressed(to: str, key: str, reply_to: str) -> dict[str, Any]:
    """Whom a message of ours goes to: a number, or the id of who hides theirs. `key` comes back with its statuses."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to" if to.isdigit() else "recipient": to,
        "biz_opaque_callback_data": key,
    }
    # A message whose answer was lost is known by our key alone, which can't be quoted.
    return {**body, "context": {"message_id": reply_to}} if reply_to.startswith("wamid.") else body
