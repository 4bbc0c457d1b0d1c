"""Callbacks of WhatsApp as events: pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from adapters.channels.whatsapp.settings import Account
from backbone.channel import (
    BadSignatureError,
    Event,
    Kind,
    MalformedError,
    Media,
    Message,
    Peer,
    Receipt,
    ReceiptKind,
    Reply,
    Request,
    Signal,
    same,
)

STATUSES: Final[dict[str, ReceiptKind]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}

MEDIA: Final[dict[str, Kind]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "file",
    "sticker": "image",
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

UNSUPPORTED: Final = {"order": "An order", "unsupported": "A message that WhatsApp doesn't hand on"}

S = TypeVar("S")


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


class _Contact(Struct):
    wa_id: str = ""
    profile: _Profile = field(default_factory=_Profile)


class _Value(Struct):
    metadata: _Metadata
    contacts: list[_Contact] = []
    messages: list[Raw] = []
    statuses: list[Raw] = []
    message_echoes: list[Raw] = []


class _Text(Struct):
    body: str


class _File(Struct):
    id: str
    mime_type: str = ""
    caption: str = ""
    filename: str = ""


class _Location(Struct):
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class _Phone(Struct):
    phone: str = ""


class _Named(Struct):
    formatted_name: str = ""


class _Card(Struct):
    name: _Named = field(default_factory=_Named)
    phones: list[_Phone] = []


class _Button(Struct):
    text: str
    payload: str = ""


class _Choice(Struct):
    id: str = ""
    title: str = ""


class _Flow(Struct):
    body: str = ""
    response_json: str = ""


class _Interactive(Struct):
    button_reply: _Choice | None = None
    list_reply: _Choice | None = None
    nfm_reply: _Flow | None = None


class _Reaction(Struct):
    message_id: str
    emoji: str = ""


class _Context(Struct):
    id: str = ""
    forwarded: bool = False
    frequently_forwarded: bool = False


class _Referral(Struct):
    source_url: str = ""
    headline: str = ""
    ctwa_clid: str = ""


class _Message(Struct):
    id: str
    type: str
    sender: str = field(name="from", default="")
    to: str = ""
    timestamp: str = "0"
    text: _Text | None = None
    image: _File | None = None
    video: _File | None = None
    audio: _File | None = None
    document: _File | None = None
    sticker: _File | None = None
    location: _Location | None = None
    contacts: list[_Card] = []
    button: _Button | None = None
    interactive: _Interactive | None = None
    reaction: _Reaction | None = None
    context: _Context | None = None
    referral: _Referral | None = None


class _Details(Struct):
    details: str = ""


class _Error(Struct):
    code: int = 0
    title: str = ""
    message: str = ""
    error_data: _Details | None = None


class _Status(Struct):
    id: str
    status: str
    recipient_id: str = ""
    biz_opaque_callback_data: str = ""
    errors: list[_Error] = []


def verify(req: Request, acc: Account) -> Reply | None:
    """The challenge for the check of the address, None for a callback that Meta signed. Raises BadSignatureError."""
    if req.method == "GET":
        if req.query.get("hub.mode") != "subscribe" or not same(
            req.query.get("hub.verify_token", ""), acc.verify_token
        ):
            raise BadSignatureError
        return Reply(body=req.query.get("hub.challenge", "").encode(errors="replace"))
    wanted = "sha256=" + hmac.new(acc.app_secret.encode(), req.body, hashlib.sha256).hexdigest()
    if not same(req.headers.get("x-hub-signature-256", ""), wanted):
        raise BadSignatureError
    return None


def parse(req: Request, acc: Account) -> list[Event]:
    """The events of one callback, which may hold several of each kind. Raises MalformedError.

    One message that can't be understood is kept and stops none of the others.
    """
    events: list[Event] = []
    for entry in _decode(req.body, _Callback).entry:
        for change in entry.changes:
            events += _change(change.field, bytes(change.value), acc)
    return events


def _change(name: str, raw: bytes, acc: Account) -> list[Event]:
    if name in IGNORED_FIELDS:
        return [Signal(key=_hash(raw), name="ignored")]
    if name not in {"messages", "smb_message_echoes"}:
        return [Signal(key=_hash(raw), name="unknown", raw=raw)]
    value = _decode(raw, _Value)
    if value.metadata.phone_number_id != acc.phone_number_id:
        # All numbers of an app have one address, unless each has its own.
        return [Signal(key=_hash(raw), name="ignored")]
    names = {contact.wa_id: contact.profile.name for contact in value.contacts}
    events: list[Event] = [_one_message(bytes(one), names) for one in value.messages]
    events += [_one_message(bytes(one), names, is_echo=True) for one in value.message_echoes]
    for one in value.statuses:
        events += _one_status(bytes(one))
    return events or [Signal(key=_hash(raw), name="unknown", raw=raw)]


def _one_message(raw: bytes, names: dict[str, str], *, is_echo: bool = False) -> Event:
    try:
        return _message(raw, names, is_echo=is_echo)
    except MalformedError:
        return Signal(key=_hash(raw), name="unknown", raw=raw)


def _one_status(raw: bytes) -> list[Event]:
    """By WhatsApp's id, and by our own name for the part, which settles one whose answer was lost.

    WhatsApp's goes first: the same state a second time changes nothing, and its id is what an answer can quote.
    """
    try:
        status = _decode(raw, _Status)
    except MalformedError:
        return [Signal(key=_hash(raw), name="unknown", raw=raw)]
    key = f"{status.id}:{status.status}"
    if status.status not in STATUSES:
        is_known = status.status in {"deleted", "warning"}
        return [Signal(key=key, name="ignored" if is_known else "unknown", raw=b"" if is_known else raw)]
    error = status.errors[0] if status.errors else _Error()
    details = error.error_data.details if error.error_data else ""
    receipt = Receipt(
        key=key,
        ref=status.id,
        status=STATUSES[status.status],
        peer=Peer(status.recipient_id) if status.recipient_id else None,
        code=str(error.code) if error.code else "",
        reason=details or error.title or error.message,
    )
    if not status.biz_opaque_callback_data:
        return [receipt]
    return [receipt, msgspec.structs.replace(receipt, key=f"{key}:ours", ref=status.biz_opaque_callback_data)]


def _message(raw: bytes, names: dict[str, str], *, is_echo: bool) -> Event:
    said = _decode(raw, _Message)
    number = said.to if is_echo else said.sender
    if not number:
        raise MalformedError("a message of nobody")
    peer = Peer(number, names.get(number, ""), {"phone": f"+{number}"}, ("phone",))
    if said.type == "system" or (said.reaction and not said.reaction.emoji):
        return Signal(key=said.id, name="ignored", peer=peer)
    if said.type == "request_welcome":
        return Signal(key=said.id, name="enter", peer=peer)
    kind, text, media = _content(said)
    return Message(
        key=said.id,
        peer=peer,
        kind=kind,
        text=text,
        media=media,
        at=int(said.timestamp) * 1000 if _is_seconds(said.timestamp) else 0,
        reply_to=said.reaction.message_id if said.reaction else said.context.id if said.context else "",
        echo=is_echo,
        attributes=_attributes(said),
        raw=raw if kind == "unsupported" else b"",
    )


def _content(said: _Message) -> tuple[Kind, str, list[Media]]:
    """(kind, text, files) of a message."""
    file: _File | None = getattr(said, said.type) if said.type in MEDIA else None
    if file is not None:
        kind = MEDIA[said.type]
        # Such as "audio/ogg; codecs=opus".
        return kind, file.caption, [Media(kind, file.id, file.mime_type.partition(";")[0], file.filename)]
    if said.type == "location" and said.location:
        place = said.location
        lines = (place.name, place.address, f"{place.latitude}, {place.longitude}")
        return "location", "\n".join(filter(None, lines)), []
    if said.type == "contacts" and said.contacts:
        return "card", "\n".join(_card(card) for card in said.contacts), []
    text = _words(said)
    if text is not None:
        return "text", text, []
    return "unsupported", UNSUPPORTED.get(said.type, "A message of an unknown kind"), []


def _words(said: _Message) -> str | None:
    """What was said by words, a button or a sign."""
    if said.type == "text" and said.text:
        return said.text.body
    if said.type == "button" and said.button:
        return said.button.text
    if said.type == "reaction" and said.reaction:
        return said.reaction.emoji
    if said.type == "interactive" and said.interactive:
        choice = said.interactive.button_reply or said.interactive.list_reply
        return choice.title if choice else said.interactive.nfm_reply.body if said.interactive.nfm_reply else None
    return None


def _card(card: _Card) -> str:
    return "\n".join(filter(None, (card.name.formatted_name, *(phone.phone for phone in card.phones))))


def _attributes(said: _Message) -> dict[str, str]:
    """`choice`: the id of a tapped button or row; `form`: what was filled in; `ad`: the advertisement that led here."""
    interactive = said.interactive or _Interactive()
    choice = interactive.button_reply or interactive.list_reply
    context, referral = said.context or _Context(), said.referral or _Referral()
    found = {
        "choice": choice.id if choice else said.button.payload if said.button else "",
        "form": interactive.nfm_reply.response_json if interactive.nfm_reply else "",
        "forwarded": "yes" if context.forwarded or context.frequently_forwarded else "",
        "reaction": "yes" if said.reaction else "",
        "ad": referral.source_url,
        "ad_title": referral.headline,
        "ctwa_clid": referral.ctwa_clid,
    }
    return {name: value for name, value in found.items() if value}


def _is_seconds(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _decode(raw: bytes, wanted: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]


# --- what goes out ----------------------------------------------------------------------------


def addressed(to: str, key: str, reply_to: str) -> dict[str, Any]:
    """Whom a message of ours goes to. `key` comes back with its statuses."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "biz_opaque_callback_data": key,
    }
    # A message whose answer was lost is known by our key alone, which can't be quoted.
    return {**body, "context": {"message_id": reply_to}} if reply_to.startswith("wamid.") else body
