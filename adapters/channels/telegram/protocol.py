"""Updates of Telegram as events: pure."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct, field

from adapters.channels.telegram import content
from adapters.channels.telegram.settings import Account
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

SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name

WANTED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
"""Kinds of update that we ask for; Telegram keeps the others to itself."""

IGNORED: Final = frozenset({"channel_post", "edited_channel_post", "chat_member", "poll", "poll_answer"})
"""Kinds of update that no customer is behind."""

GONE: Final = frozenset({"kicked", "left"})
"""States of the bot in a chat that takes nothing of it."""

Seconds = Annotated[int, Meta(ge=0, le=2**40)]

S = TypeVar("S")


class _Replied(Struct):
    message_id: content.Number
    chat: content.Chat


class _Message(content.Body, kw_only=True):
    message_id: content.Number
    date: Seconds = 0
    reply_to_message: _Replied | None = None
    message_thread_id: content.Number = 0
    is_topic_message: bool = False
    migrate_to_chat_id: content.Number = 0
    migrate_from_chat_id: content.Number = 0


class _Callback(Struct):
    id: str
    sender: content.User = field(name="from")
    data: str = ""
    message: _Replied | None = None


class _Member(Struct):
    status: str


class _Membership(Struct):
    chat: content.Chat
    new_chat_member: _Member
    old_chat_member: _Member | None = None


class _Update(Struct):
    update_id: content.Number
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
        return _edit(key, edited)
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
    update_id: content.Number


def _decode(raw: bytes, wanted: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None


def _fields(raw: bytes) -> set[str]:
    return set(_decode(raw, dict[str, Raw]))


def _peer(chat: content.Chat, *also: int) -> Peer:
    """The chat, which is the person unless it is a group."""
    alias = {"username": chat.username} if chat.username else {}
    return Peer(str(chat.id), chat.name, alias, also=tuple(str(one) for one in also))


def _message(key: str, raw: bytes) -> Event:
    told = _decode(raw, _Message)
    peer, at = _peer(told.chat), told.date * 1000
    if told.migrate_to_chat_id or told.migrate_from_chat_id:
        return _migrated(told)
    command, _, payload = (told.text or "").partition(" ")
    if command == "/start" and told.chat.type == "private":
        data = {"scene": payload} if payload else {}
        return Signal(key=key, name="enter", peer=peer, data=data, at=at, asks=True)
    said = content.said(told, raw)
    if said is None:
        return Signal(key=key, name="ignored", peer=peer)
    return Message(
        key=key,
        peer=peer,
        kind=said.kind,
        text=said.text,
        media=list(said.media),
        at=at,
        thread=str(told.message_thread_id) if told.is_topic_message else "",
        reply_to=_ref(told.reply_to_message),
        ref=ref_of(told.chat.id, told.message_id),
        attributes=said.data or {},
        raw=raw if said.kind == "unsupported" else b"",
    )


def _migrated(told: _Message) -> Signal:
    """A group became a supergroup, which has another id; both chats say so, and it is one event."""
    old = told.chat.id if told.migrate_to_chat_id else told.migrate_from_chat_id
    new = told.migrate_to_chat_id or told.chat.id
    chat = content.Chat(new, "supergroup", told.chat.title)
    data = {"from": str(old), "to": str(new)}
    return Signal(key=f"moved:{old}:{new}", name="moved", peer=_peer(chat, old), data=data, at=told.date * 1000)


def _edit(key: str, raw: bytes) -> Signal:
    told = _decode(raw, _Message)
    said = content.said(told, raw)
    if said is None or said.kind not in {"text", "image", "file", "audio", "video"}:
        # A live location is edited every few seconds.
        return Signal(key=key, name="ignored", peer=_peer(told.chat))
    data = {"ref": ref_of(told.chat.id, told.message_id), "text": said.text}
    return Signal(key=key, name="edit", peer=_peer(told.chat), data=data, media=list(said.media))


def _moved(key: str, moved: _Membership) -> Signal:
    """The bot was blocked or thrown out, or let in again."""
    is_gone = moved.new_chat_member.status in GONE
    was_gone = moved.old_chat_member is not None and moved.old_chat_member.status in GONE
    return Signal(key=key, name="blocked" if is_gone else "enter" if was_gone else "ignored", peer=_peer(moved.chat))


def _tap(key: str, tapped: _Callback) -> Signal:
    """A button under a message of ours; the message is missing where it is too old."""
    who = tapped.sender
    itself = content.Chat(who.id, first_name=who.first_name, last_name=who.last_name, username=who.username)
    chat = tapped.message.chat if tapped.message else itself
    data = {"code": tapped.id, "choice": tapped.data, "ref": _ref(tapped.message)}
    if chat.id != who.id:
        data |= {"author": who.name, "author_id": str(who.id)}
    return Signal(key=key, name="menu", peer=_peer(chat), data=without_empty(data), asks=True)


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
