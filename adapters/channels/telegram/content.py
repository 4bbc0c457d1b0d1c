"""What a message of Telegram says: its kind, words, files, and what was entered or chosen beside them; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct, field

from backbone.channel import Kind, Media
from backbone.channel.leaves import answers, leaves, without_empty
from backbone.events import Data, Row

SERVICE: Final = frozenset(
    {
        "new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo",
        "group_chat_created", "supergroup_chat_created", "channel_chat_created", "message_auto_delete_timer_changed",
        "pinned_message", "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
        "general_forum_topic_hidden", "general_forum_topic_unhidden", "write_access_allowed",
        "proximity_alert_triggered", "boost_added", "chat_background_set", "video_chat_scheduled",
        "video_chat_started", "video_chat_ended", "video_chat_participants_invited", "connected_website", "gift",
        "gift_upgrade_sent", "unique_gift", "giveaway_created", "giveaway_completed", "checklist_tasks_added",
        "checklist_tasks_done", "paid_message_price_changed", "direct_message_price_changed", "chat_owner_changed",
        "chat_owner_left", "managed_bot_created", "poll_option_added", "poll_option_deleted", "refunded_payment",
        "suggested_post_approval_failed", "suggested_post_approved", "suggested_post_declined",
        "suggested_post_paid", "suggested_post_refunded",
    }
)  # fmt: skip
"""Fields of messages that say what happened to a chat (Bot API 9.5); nobody wrote them."""

CARDS: Final = {
    "game": "A game",
    "story": "A story",
    "invoice": "An invoice",
    "successful_payment": "A payment",
    "paid_media": "Paid media",
    "checklist": "A checklist",
    "giveaway": "A giveaway",
    "giveaway_winners": "Winners of a giveaway",
    "users_shared": "Contacts that were shared",
    "chat_shared": "A chat that was shared",
    "passport_data": "Documents of Telegram Passport",
}
"""What is told by its fields, and how it is called."""

TITLES: Final = ("title", "description", "text", "question", "name")
"""Fields that say in words what a card is."""

UNKNOWN: Final = "A message of an unknown kind"

DATA: Final = {
    "quoted_from": "what the words that it answers are of, where that is another chat",
    "contact_id": "Telegram's id of a shared contact",
    "vcard": "a shared contact as a vCard",
}
"""Names of data beside those of every channel."""

Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class User(Struct):
    """Who wrote."""

    id: Number
    first_name: str = ""
    last_name: str = ""
    username: str = ""

    @property
    def name(self) -> str:
        """As others see it."""
        return f"{self.first_name} {self.last_name}".strip() or self.username or str(self.id)


class Chat(Struct):
    """A person's chat with the bot, or a group."""

    id: Number
    type: str = "private"
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    username: str = ""

    @property
    def name(self) -> str:
        """As others see it."""
        return self.title or f"{self.first_name} {self.last_name}".strip() or self.username


class _File(Struct):
    file_id: str
    file_unique_id: str = ""
    file_size: Count = 0
    mime_type: str = ""
    file_name: str = ""


class _Sticker(_File):
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
    user_id: Number = 0
    vcard: str = ""


class _Option(Struct):
    text: str = ""


class _Poll(Struct):
    question: str = ""
    options: list[_Option] = []


class _Dice(Struct):
    emoji: str = ""
    value: int = 0


class _WebApp(Struct):
    data: str = ""
    button_text: str = ""


class _Entity(Struct):
    type: str = ""
    offset: int = 0
    length: int = 0
    url: str = ""
    user: User | None = None


class _Quote(Struct):
    text: str = ""


class _Origin(Struct):
    type: str = ""
    sender_user: User | None = None
    sender_user_name: str = ""
    sender_chat: Chat | None = None
    chat: Chat | None = None

    @property
    def name(self) -> str:
        """Whose words they were."""
        whose = self.sender_user or self.sender_chat or self.chat
        return whose.name if whose else self.sender_user_name


class _External(Struct):
    origin: _Origin | None = None
    chat: Chat | None = None


class Body(Struct):
    """A message's parts that say something."""

    chat: Chat
    sender: User | None = field(name="from", default=None)
    sender_chat: Chat | None = None
    text: str | None = None
    caption: str = ""
    entities: list[_Entity] = []
    caption_entities: list[_Entity] = []
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
    poll: _Poll | None = None
    dice: _Dice | None = None
    web_app_data: _WebApp | None = None
    quote: _Quote | None = None
    external_reply: _External | None = None
    forward_origin: _Origin | None = None
    media_group_id: str = ""


class Said(NamedTuple):
    """What a message says."""

    kind: Kind
    text: str = ""
    media: tuple[Media, ...] = ()
    data: Data | None = None


def said(body: Body, raw: bytes) -> Said | None:
    """What a message says; None where nobody wrote it. What this version doesn't know keeps all it came with."""
    found = _said(body)
    if found is None:
        fields = msgspec.json.decode(raw)
        card = next((name for name in CARDS if name in fields), "")
        if not card and SERVICE & fields.keys():
            return None
        row = leaves(fields, card)
        text = "\n".join([CARDS[card], *_titles(row)]) if card else UNKNOWN
        found = Said("card" if card else "unsupported", text, data={"card": row})
    return found._replace(data={**(found.data or {}), **_beside(body)})


def _titles(row: Row) -> list[str]:
    return [value for path, value in row.items() if isinstance(value, str) and path.rpartition(".")[2] in TITLES]


def _said(body: Body) -> Said | None:  # noqa: PLR0911 - a return a kind
    if body.text is not None:
        return Said("text", body.text, data=_links(body.text, body.entities))
    if body.sticker is not None:
        return _sticker(body.sticker)
    if file := _file(body):
        return Said(file[0], body.caption, (file[1],), _links(body.caption, body.caption_entities))
    if place := body.venue.location if body.venue else body.location:
        named = [body.venue.title, body.venue.address] if body.venue else ["", ""]
        where: Data = {"latitude": place.latitude, "longitude": place.longitude}
        lines = [*filter(None, named), f"{place.latitude}, {place.longitude}"]
        return Said("location", "\n".join(lines), data=where | without_empty({"place": named[0], "address": named[1]}))
    if contact := body.contact:
        name = f"{contact.first_name} {contact.last_name}".strip()
        known = {"contact_id": str(contact.user_id) if contact.user_id else "", "vcard": contact.vcard}
        row: Row = {"name": name, "phone": contact.phone_number}
        text = "\n".join(filter(None, (name, contact.phone_number)))
        data: Data = {"contact": row}
        return Said("card", text, data=data | without_empty(known))
    if body.poll is not None and body.poll.question:
        options = [option.text for option in body.poll.options]
        text = "\n".join([body.poll.question, *(f"- {option}" for option in options)])
        return Said("card", text, data={"poll": {"question": body.poll.question, "options": ", ".join(options)}})
    if body.dice is not None and body.dice.emoji:
        return Said("text", f"{body.dice.emoji} {body.dice.value}")
    return _web_app(body.web_app_data) if body.web_app_data else None


def _web_app(sent: _WebApp) -> Said:
    """What a mini app handed over: the button that opened it, and its answers."""
    form = answers(sent.data)
    lines = [f"{question}: {answer}" for question, answer in form.items()]
    return Said("card", "\n".join([sent.button_text, *lines]), data={"form": form, "choice_text": sent.button_text})


def _sticker(sticker: _Sticker) -> Said:
    shown: Kind = "file" if sticker.is_animated else "video" if sticker.is_video else "image"
    mime = {"file": "application/x-tgsticker", "video": "video/webm", "image": "image/webp"}[shown]
    # An animated one is a file that no browser draws: its sign says what was meant.
    return Said(shown, sticker.emoji, (_media(shown, sticker, mime),), without_empty({"emoji": sticker.emoji}))


def _file(body: Body) -> tuple[Kind, Media] | None:
    if body.photo:
        # The sizes of one picture; the last is the largest.
        return "image", _media("image", body.photo[-1], "image/jpeg")
    # An animation is told as a document as well.
    for kind, file, mime in (
        ("video", body.animation or body.video or body.video_note, "video/mp4"),
        ("audio", body.voice, "audio/ogg"),
        ("audio", body.audio, "audio/mpeg"),
    ):
        if file is not None:
            typed: Kind = "video" if kind == "video" else "audio"
            return typed, _media(kind, file, mime)
    if body.document is not None:
        is_image = body.document.mime_type in {"image/jpeg", "image/png", "image/webp", "image/gif"}
        shown: Kind = "image" if is_image else "file"
        return shown, _media(shown, body.document, "application/octet-stream")
    return None


def _media(kind: str, file: _File, mime: str) -> Media:
    return Media(
        kind, file.file_id, file.mime_type or mime, file.file_name, file.file_size, fingerprint=file.file_unique_id
    )


def _links(text: str, entities: Sequence[_Entity]) -> Data:
    """Addresses that stand behind words. Offsets count UTF-16 units."""
    wide = text.encode("utf-16-le", "surrogatepass")
    links: list[Row] = [
        {
            "text": wide[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le", "replace"),
            "url": one.url or f"tg://user?id={one.user.id if one.user else ''}",
        }
        for one in entities
        if one.offset >= 0 and one.length > 0 and (one.url or one.user)
    ]
    return {"links": links} if links else {}


def _beside(body: Body) -> Data:
    """What comes with any kind: who of a group wrote, whose words they were, what they answer."""
    found = {"album": body.media_group_id}
    if body.sender_chat is not None and body.sender_chat.id != body.chat.id:
        found |= {"author": body.sender_chat.name, "author_id": str(body.sender_chat.id)}
    elif body.sender is not None and body.sender.id != body.chat.id:
        found |= {"author": body.sender.name, "author_id": str(body.sender.id)}
    if body.quote is not None:
        found["quoted"] = body.quote.text
    if external := body.external_reply:
        whose = external.origin.name if external.origin else ""
        found["quoted_from"] = whose or (external.chat.name if external.chat else "")
    data: Data = {**without_empty(found)}
    if body.forward_origin is not None:
        data |= {"forwarded": True} | without_empty({"forwarded_from": body.forward_origin.name})
    return data
