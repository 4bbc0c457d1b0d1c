"""Updates of Telegram as events: pure."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct, field

from adapters.channels.telegram.settings import Account
from backbone.channel import (
    BadSignatureError,
    Event,
    Kind,
    MalformedError,
    Media,
    Message,
    Peer,
    Reply,
    Request,
    Signal,
    same,
)

SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name

WANTED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
"""Kinds of update that we ask for; Telegram keeps the others to itself."""

IGNORED: Final = frozenset({"channel_post", "edited_channel_post", "chat_member", "poll", "poll_answer"})
"""Kinds of update that no customer is behind."""

SERVICE: Final = frozenset(
    {
        "new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo",
        "group_chat_created", "supergroup_chat_created", "channel_chat_created", "message_auto_delete_timer_changed",
        "migrate_to_chat_id", "migrate_from_chat_id", "pinned_message", "forum_topic_created", "forum_topic_edited",
        "forum_topic_closed", "forum_topic_reopened", "general_forum_topic_hidden", "general_forum_topic_unhidden",
        "write_access_allowed", "proximity_alert_triggered", "boost_added", "chat_background_set",
        "video_chat_scheduled", "video_chat_started", "video_chat_ended", "video_chat_participants_invited",
    }
)  # fmt: skip
"""Fields of messages that say what happened to a chat; nobody wrote them."""

GONE: Final = frozenset({"kicked", "left"})
"""States of the bot in a chat that takes nothing of it."""

UNSUPPORTED: Final = {
    "poll": "A poll",
    "dice": "A die",
    "game": "A game",
    "story": "A story",
    "invoice": "An invoice",
    "paid_media": "Paid media",
    "checklist": "A checklist",
}

Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[int, Meta(ge=0, le=2**40)]

S = TypeVar("S")


class _User(Struct):
    id: Number
    first_name: str = ""
    last_name: str = ""
    username: str = ""


class _Chat(Struct):
    id: Number
    type: str = "private"
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    username: str = ""


class _File(Struct):
    file_id: str
    file_size: Count = 0
    mime_type: str = ""
    file_name: str = ""


class _Sticker(Struct):
    file_id: str
    file_size: Count = 0
    emoji: str = ""
    is_animated: bool = False
    is_video: bool = False


class _Location(Struct):
    latitude: float
    longitude: float


class _Venue(Struct):
    location: _Location
    title: str = ""
    address: str = ""


class _Contact(Struct):
    phone_number: str
    first_name: str = ""
    last_name: str = ""


class _Replied(Struct):
    message_id: Number
    chat: _Chat


class _Message(Struct):
    message_id: Number
    chat: _Chat
    date: Seconds = 0
    sender: _User | None = field(name="from", default=None)
    text: str | None = None
    caption: str = ""
    photo: list[_File] = []
    document: _File | None = None
    animation: _File | None = None
    voice: _File | None = None
    audio: _File | None = None
    video: _File | None = None
    video_note: _File | None = None
    sticker: _Sticker | None = None
    location: _Location | None = None
    venue: _Venue | None = None
    contact: _Contact | None = None
    reply_to_message: _Replied | None = None
    media_group_id: str = ""
    message_thread_id: Number = 0
    is_topic_message: bool = False


class _Callback(Struct):
    id: str
    sender: _User = field(name="from")
    data: str = ""
    message: _Replied | None = None


class _Member(Struct):
    status: str


class _Membership(Struct):
    chat: _Chat
    new_chat_member: _Member
    old_chat_member: _Member | None = None


class _Update(Struct):
    update_id: Number
    message: Raw = Raw()
    edited_message: Raw = Raw()
    callback_query: _Callback | None = None
    my_chat_member: _Membership | None = None


def verify(req: Request, acc: Account) -> Reply | None:
    """None if the callback carries the account's secret. Raises BadSignatureError."""
    if req.method != "POST" or not same(req.headers.get(SECRET_HEADER, ""), acc.secret):
        raise BadSignatureError
    return None


def parse(req: Request, acc: Account) -> list[Event]:
    """The events of one callback. Raises MalformedError."""
    del acc
    return [event(req.body)]


def event(raw: bytes) -> Event:
    """What one update means. Raises MalformedError."""
    update = _decode(raw, _Update)
    key = str(update.update_id)
    if message := bytes(update.message):
        return _message(key, message)
    if edited := bytes(update.edited_message):
        return _edit(key, _decode(edited, _Message))
    if update.callback_query is not None:
        return _tap(key, update.callback_query)
    if update.my_chat_member is not None:
        return _moved(key, update.my_chat_member)
    if _fields(raw) & IGNORED:
        return Signal(key=key, name="ignored")
    return Signal(key=key, name="unknown", raw=raw)


def event_of_page(raw: bytes) -> tuple[int, Event]:
    """As `event`, with the update's number; one that can't be understood is kept, so that it stops no other.

    Raises MalformedError if it hasn't even a number.
    """
    number = _decode(raw, _Numbered).update_id
    try:
        return number, event(raw)
    except MalformedError:
        return number, Signal(key=str(number), name="unknown", raw=raw)


def ref_of(chat: int | str, message: int | str) -> str:
    """Our id of a message: Telegram's numbers are unique within a chat only."""
    return f"{chat}:{message}"


def number_of(ref: str) -> int:
    """Telegram's number of a message by our id, 0 if it isn't one."""
    number = ref.rpartition(":")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0


class _Numbered(Struct):
    update_id: Number


def _decode(raw: bytes, wanted: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None


def _fields(raw: bytes) -> set[str]:
    return set(_decode(raw, dict[str, Raw]))


def _peer(chat: _Chat) -> Peer:
    """The chat, which is the person unless it is a group."""
    name = chat.title or f"{chat.first_name} {chat.last_name}".strip() or chat.username
    return Peer(str(chat.id), name, {"username": chat.username} if chat.username else {})


def _message(key: str, raw: bytes) -> Event:
    said = _decode(raw, _Message)
    peer = _peer(said.chat)
    command, _, payload = (said.text or "").partition(" ")
    if command == "/start" and said.chat.type == "private":
        return Signal(key=key, name="enter", peer=peer, data={"scene": payload} if payload else {})
    kind, text, media = _content(said)
    if kind == "unsupported":
        fields = _fields(raw)
        if fields & SERVICE:
            return Signal(key=key, name="ignored", peer=peer)
        text = next((words for name, words in UNSUPPORTED.items() if name in fields), "A message of an unknown kind")
    return Message(
        key=key,
        peer=peer,
        kind=kind,
        text=text,
        media=media,
        at=said.date * 1000,
        thread=str(said.message_thread_id) if said.is_topic_message else "",
        reply_to=_ref(said.reply_to_message),
        ref=ref_of(said.chat.id, said.message_id),
        attributes=_attributes(said),
        raw=raw if kind == "unsupported" else b"",
    )


def _content(said: _Message) -> tuple[Kind, str, list[Media]]:
    """(kind, text, files)."""
    if said.text is not None:
        return "text", said.text, []
    kind, media = _file(said)
    if media is not None:
        return kind, said.caption, [media]
    place = said.venue.location if said.venue else said.location
    if place is not None:
        named = [said.venue.title, said.venue.address] if said.venue else []
        return "location", "\n".join([*filter(None, named), f"{place.latitude}, {place.longitude}"]), []
    if said.contact is not None:
        name = f"{said.contact.first_name} {said.contact.last_name}".strip()
        return "card", "\n".join(filter(None, (name, said.contact.phone_number))), []
    return "unsupported", "", []


def _file(said: _Message) -> tuple[Kind, Media | None]:
    if said.photo:
        # The sizes of one picture; the last is the largest.
        return "image", _media("image", said.photo[-1], "image/jpeg")
    if said.sticker is not None:
        return _sticker(said.sticker)
    # An animation is told as a document as well.
    for kind, file, mime in (
        ("video", said.animation or said.video or said.video_note, "video/mp4"),
        ("audio", said.voice, "audio/ogg"),
        ("audio", said.audio, "audio/mpeg"),
    ):
        if file is not None:
            typed: Kind = "video" if kind == "video" else "audio"
            return typed, _media(kind, file, mime)
    if said.document is not None:
        is_image = said.document.mime_type in {"image/jpeg", "image/png", "image/webp", "image/gif"}
        shown: Kind = "image" if is_image else "file"
        return shown, _media(shown, said.document, "application/octet-stream")
    return "file", None


def _sticker(sticker: _Sticker) -> tuple[Kind, Media]:
    shown: Kind = "file" if sticker.is_animated else "video" if sticker.is_video else "image"
    mime = {"file": "application/x-tgsticker", "video": "video/webm", "image": "image/webp"}[shown]
    return shown, Media(shown, sticker.file_id, mime, size=sticker.file_size)


def _media(kind: str, file: _File, mime: str) -> Media:
    return Media(kind, file.file_id, file.mime_type or mime, file.file_name, file.file_size)


def _attributes(said: _Message) -> dict[str, str]:
    """`album`: pictures sent together; `from`: who of a group wrote."""
    found = {"album": said.media_group_id} if said.media_group_id else {}
    if said.sender is not None and said.sender.id != said.chat.id:
        found["from"] = f"{said.sender.first_name} {said.sender.last_name}".strip() or str(said.sender.id)
    return found


def _edit(key: str, said: _Message) -> Signal:
    kind, text, _media = _content(said)
    if kind not in {"text", "image", "file", "audio", "video"}:
        # A live location is edited every few seconds.
        return Signal(key=key, name="ignored", peer=_peer(said.chat))
    data = {"ref": ref_of(said.chat.id, said.message_id), "text": text}
    return Signal(key=key, name="edit", peer=_peer(said.chat), data=data)


def _moved(key: str, moved: _Membership) -> Signal:
    """The bot was blocked or thrown out, or let in again."""
    is_gone = moved.new_chat_member.status in GONE
    was_gone = moved.old_chat_member is not None and moved.old_chat_member.status in GONE
    return Signal(key=key, name="blocked" if is_gone else "enter" if was_gone else "ignored", peer=_peer(moved.chat))


def _tap(key: str, tapped: _Callback) -> Signal:
    """A button under a message of ours; the message is missing where it is too old."""
    who = tapped.sender
    itself = _Chat(who.id, first_name=who.first_name, last_name=who.last_name, username=who.username)
    chat = tapped.message.chat if tapped.message else itself
    data = {"id": tapped.id, "data": tapped.data, "ref": _ref(tapped.message)}
    return Signal(key=key, name="menu", peer=_peer(chat), data={k: v for k, v in data.items() if v})


def _ref(message: _Replied | None) -> str:
    return ref_of(message.chat.id, message.message_id) if message else ""


def addressed(chat: str, reply_to: str, thread: str) -> dict[str, Any]:
    """Where a message of ours goes."""
    body: dict[str, Any] = {"chat_id": chat}
    if number := number_of(reply_to):
        body["reply_parameters"] = {"message_id": number, "allow_sending_without_reply": True}
    if number := number_of(thread):
        body["message_thread_id"] = number
    return body
