"""What a message of LINE says: its kind, words, files, and what was entered or chosen beside them; pure."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from backbone.channel import Kind, Media
from backbone.channel.leaves import leaves, without_empty
from backbone.events import Data, Row

FILES: Final[dict[str, Kind]] = {"image": "image", "video": "video", "audio": "audio", "file": "file"}

UNKNOWN: Final = "A message of an unknown kind"
STICKER: Final = "A sticker"

DATA: Final = {
    "sticker": "a sticker: package, id and kind",
    "emojis": "LINE's own signs in the text: text, product, id",
    "mentions": "whom the text names: text, id",
    "album_place": "which of an album's pictures it is",
    "duration_ms": "how long it plays, in milliseconds",
    "picked_time": "a date or time that was picked",
    "rich_menu": "the menu that somebody turned to, and whether that went well",
    "beacon": "what happened at a beacon",
    "device_message": "what a beacon says of itself",
    "membership": "id of the paid membership",
    "link_nonce": "by what the company's server knows the account that was linked",
}
"""Names of data beside those of every channel."""

Count = Annotated[int, Meta(ge=0, le=2**53)]


class _Emoji(Struct, rename="camel"):
    index: int = 0
    length: int = 0
    product_id: str = ""
    emoji_id: str = ""


class _Mentionee(Struct, rename="camel"):
    type: str = ""
    index: int = 0
    length: int = 0
    user_id: str = ""


class _Mention(Struct):
    mentionees: list[_Mentionee] = []


class _Provider(Struct, rename="camel"):
    type: str = "line"
    original_content_url: str = ""


class _ImageSet(Struct):
    id: str = ""
    index: Count = 0
    total: Count = 0


class Body(Struct, rename="camel"):
    """A message's parts; which of them are there `type` tells."""

    id: str
    type: str
    quote_token: str = ""
    mark_as_read_token: str = ""
    quoted_message_id: str = ""
    text: str = ""
    emojis: list[_Emoji] = []
    mention: _Mention | None = None
    package_id: str = ""
    sticker_id: str = ""
    sticker_resource_type: str = ""
    keywords: list[str] = []
    content_provider: _Provider | None = None
    image_set: _ImageSet | None = None
    duration: Count = 0
    file_name: str = ""
    file_size: Count = 0
    title: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Said(NamedTuple):
    """What a message says."""

    kind: Kind
    text: str = ""
    media: tuple[Media, ...] = ()
    data: Data | None = None


def said(body: Body, raw: bytes) -> Said:
    """What a message says. One of a kind that this version doesn't know keeps all it came with as `card`."""
    if body.type == "text":
        return Said("text", body.text, data=_within(body))
    if body.type in FILES:
        return _file(body, FILES[body.type])
    if body.type == "sticker":
        return _sticker(body)
    if body.type == "location" and body.latitude is not None and body.longitude is not None:
        return _place(body, body.latitude, body.longitude)
    return Said("unsupported", UNKNOWN, data={"card": leaves(raw)})


def _within(body: Body) -> Data:
    """LINE's own signs in the text, and whom it names. Offsets count UTF-16 units."""
    wide = body.text.encode("utf-16-le", "surrogatepass")
    emojis: list[Row] = [
        {"text": _cut(wide, one.index, one.length), "product": one.product_id, "id": one.emoji_id}
        for one in body.emojis
    ]
    mentions: list[Row] = [
        {"text": _cut(wide, one.index, one.length), "id": one.user_id or one.type}
        for one in (body.mention.mentionees if body.mention else ())
    ]
    return {**without_empty({"emojis": emojis, "mentions": mentions})}


def _cut(wide: bytes, index: int, length: int) -> str:
    return wide[2 * index : 2 * (index + length)].decode("utf-16-le", "replace") if index >= 0 <= length else ""


def _file(body: Body, kind: Kind) -> Said:
    """`ref` is LINE's id of the message, by which its content is fetched, or the address of a file held elsewhere."""
    elsewhere = body.content_provider.original_content_url if body.content_provider else ""
    album = body.image_set or _ImageSet()
    data = without_empty({"duration_ms": body.duration})
    place = f"{album.index}/{album.total}" if album.total else ""
    beside = without_empty({"album": album.id, "album_place": place})
    return Said(
        kind,
        media=(Media(kind, elsewhere or body.id, name=body.file_name, size=body.file_size),),
        data={**data, **beside},
    )


def _sticker(body: Body) -> Said:
    """What was written on it, else words that describe it: its picture isn't the account's to have."""
    words = ", ".join(body.keywords)
    which = f"{body.package_id}/{body.sticker_id} {body.sticker_resource_type}".rstrip()
    return Said("text", body.text or words or STICKER, data={"sticker": which, **without_empty({"emoji": words})})


def _place(body: Body, latitude: float, longitude: float) -> Said:
    lines = (body.title, body.address, f"{latitude}, {longitude}")
    where: Data = {"latitude": latitude, "longitude": longitude}
    named = without_empty({"place": body.title, "address": body.address})
    return Said("location", "\n".join(filter(None, lines)), data={**where, **named})
