"""What a message of the Messenger Platform says: its kind, words, files, and what was entered or chosen; pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from backbone.channel import Kind, Media
from backbone.channel.leaves import leaves, without_empty
from backbone.events import Data, Row

FILES: Final[dict[str, Kind]] = {
    "image": "image",
    "sticker": "image",
    "video": "video",
    "audio": "audio",
    "file": "file",
}
SHARED: Final[dict[str, tuple[Kind, str]]] = {
    "reel": ("video", "A shared reel"),
    "ig_reel": ("video", "A shared reel"),
    "post": ("image", "A shared post"),
    "ig_post": ("image", "A shared post"),
    "share": ("image", "A shared post"),
    "story_mention": ("image", "A story that mentions the account"),
}
"""What is shared: as what kind of file it is fetched, and the words for it where it has no title."""

KNOWN: Final = frozenset({"template", "appointment_booking"})
"""What has no form of its own here, and titles that say what it is."""

LIKES: Final = frozenset({"369239263222822", "369239343222814", "369239383222810"})
"""Messenger's thumb in its three sizes."""

UNSUPPORTED: Final = "A message that Meta doesn't hand on"
UNKNOWN: Final = "A message of an unknown kind"

DATA: Final = {
    "source": "by what somebody came: an advertisement, a link, a code, a shop",
    "referer": "address of the page that led here",
    "post_id": "id of the post behind the advertisement",
    "ad_media": "address of the advertisement's picture or video",
    "story": "the story that is answered or mentions the account: id, url",
    "sticker_id": "Meta's id of the sticker",
    "status": "what became of something: linked, unlinked, stopped",
    "frequency": "how often the customer wants to be notified",
    "timezone": "the customer's time zone",
    "previous_owner": "id of the app that had the conversation",
    "new_owner": "id of the app that has the conversation",
    "handover": "what the app says that hands the conversation over",
}
"""Names of data beside those of every channel."""


class Said(NamedTuple):
    """What a message says."""

    kind: Kind
    text: str = ""
    media: tuple[Media, ...] = ()
    data: Data | None = None


class AdsContext(Struct):
    """The advertisement that somebody came by."""

    ad_title: str = ""
    photo_url: str = ""
    video_url: str = ""
    post_id: str = ""


class Product(Struct):
    """A product of a shop."""

    id: str = ""


class Referral(Struct):
    """By what somebody came."""

    ref: str = ""
    source: str = ""
    ad_id: str = ""
    referer_uri: str = ""
    ads_context_data: AdsContext | None = None
    product: Product | None = None


class _QuickReply(Struct):
    payload: str = ""


class _Story(Struct):
    id: str = ""
    url: str = ""


class _ReplyTo(Struct):
    mid: str = ""
    story: _Story | None = None


class _Command(Struct):
    name: str = ""


class _Attachment(Struct):
    type: str = ""
    title: str = ""
    url: str = ""
    payload: dict[str, Any] | None = None


class Body(Struct, kw_only=True):
    """A message's parts that say something."""

    text: str = ""
    attachments: list[_Attachment] = []
    quick_reply: _QuickReply | None = None
    reply_to: _ReplyTo | None = None
    referral: Referral | None = None
    commands: list[_Command] = []
    is_unsupported: bool = False


class _Part(Struct, frozen=True):
    """What one attachment says."""

    kind: Kind
    line: str = ""
    media: Media | None = None
    data: Data = {}


def said(body: Body) -> Said:
    """What a message says. Of what this version doesn't know all leaves are kept as a `card`."""
    parts = [_part(one) for one in _once(body.attachments)]
    text = "\n".join(filter(None, [body.text, *(part.line for part in parts)]))
    media = tuple(part.media for part in parts if part.media)
    data = _beside(body)
    for part in parts:
        _merge(data, part.data)
    if body.is_unsupported or not (text or media):
        return Said("unsupported", text or UNSUPPORTED, media, data)
    return Said(_kind([part.kind for part in parts]), text, media, data)


def referred(referral: Referral | None) -> Data:
    """By what somebody came, as data."""
    if referral is None:
        return {}
    ad = referral.ads_context_data or AdsContext()
    data: Data = {}
    data |= without_empty(
        {
            "scene": referral.ref,
            "source": referral.source,
            "referer": referral.referer_uri,
            "ad_id": referral.ad_id,
            "ad_title": ad.ad_title,
            "ad_media": ad.photo_url or ad.video_url,
            "post_id": ad.post_id,
        }
    )
    if referral.product and referral.product.id:
        data["product"] = {"id": referral.product.id}
    return data


def _once(attachments: list[_Attachment]) -> list[_Attachment]:
    """A sticker comes as a picture, too, while Meta moves to a type of its own."""
    stickers = {_text(one, "url") for one in attachments if one.type == "sticker"}
    return [one for one in attachments if one.type != "image" or _text(one, "url") not in stickers]


def _kind(kinds: list[Kind]) -> Kind:
    return next((kind for kind in kinds if kind != "text"), "text")


def _merge(data: Data, more: Data) -> None:
    """Several of one name become rows; a single value is the first's."""
    for name, value in more.items():
        there = data.get(name)
        if there is None:
            data[name] = value
        elif isinstance(there, dict | list) and isinstance(value, dict | list):
            data[name] = _rows(there) + _rows(value)


def _rows(value: Row | list[Row]) -> list[Row]:
    return value if isinstance(value, list) else [value]


def _beside(body: Body) -> Data:
    """What comes with any kind: what was tapped, which story it answers, by what the customer came."""
    data: Data = referred(body.referral)
    choice = body.quick_reply.payload if body.quick_reply else next((one.name for one in body.commands), "")
    data |= without_empty({"choice": choice})
    story = body.reply_to.story if body.reply_to else None
    if story and (story.id or story.url):
        data["story"] = {**without_empty({"id": story.id, "url": story.url})}
    return data


def _part(one: _Attachment) -> _Part:
    if one.type in FILES and _text(one, "url"):
        return _file(one)
    if one.type in FILES and _text(one, "sticker_id"):
        return _Part("text", "A sticker", data={"sticker_id": _text(one, "sticker_id")})
    if one.type in SHARED and _address(one):
        return _shared(one)
    if one.type == "location" and (place := _place(one)):
        return place
    if one.type == "fallback":
        return _link(one)
    return _card(one)


def _file(one: _Attachment) -> _Part:
    kind, url, sticker = FILES[one.type], _text(one, "url"), _text(one, "sticker_id")
    name = unquote(urlsplit(url).path.rpartition("/")[2]) if kind == "file" else ""
    data: Data = {}
    data |= without_empty({"sticker_id": sticker, "emoji": "👍" if sticker in LIKES else ""})
    return _Part(kind, "👍" if sticker in LIKES else "", Media(kind, url, name=name), data)


def _shared(one: _Attachment) -> _Part:
    kind, words = SHARED[one.type]
    url, title = _address(one), one.title or _text(one, "title")
    data: Data = {"links": [{"text": title or words, "url": url}]}
    if more := {name: value for name, value in leaves(one.payload).items() if name not in {"url", "title"}}:
        data["card"] = {"title": title or words, **more}
    if one.type == "story_mention":
        data["story"] = {"url": url}
    return _Part(kind, title or words, Media(kind, url), data)


def _place(one: _Attachment) -> _Part | None:
    found = (one.payload or {}).get("coordinates")
    lat, long = (found.get("lat"), found.get("long")) if isinstance(found, dict) else (None, None)
    if not isinstance(lat, int | float) or not isinstance(long, int | float):
        return None
    data: Data = {"latitude": lat, "longitude": long}
    data |= without_empty({"place": one.title})
    if one.url:
        data["links"] = [{"text": one.title or "Map", "url": one.url}]
    return _Part("location", "\n".join(filter(None, [one.title, f"{lat}, {long}"])), data=data)


def _link(one: _Attachment) -> _Part:
    """A shared link. What Messenger can't share comes without any."""
    url, title = _address(one), one.title or _text(one, "title")
    if not url and not title:
        return _Part("unsupported", UNSUPPORTED)
    return _Part(
        "card", "\n".join(filter(None, [title, url])), data={"card": without_empty({"title": title, "url": url})}
    )


def _card(one: _Attachment) -> _Part:
    """A template, products, an appointment, or a kind that nobody knows yet: its titles, and all that it came with."""
    payload = one.payload or {}
    if rows := _products(payload):
        return _Part("card", "\n".join(_titles(payload)), data={"product": rows})
    row: Row = {**without_empty({"title": one.title, "url": one.url}), **leaves(payload)}
    words = "\n".join(dict.fromkeys(filter(None, [one.title, *_titles(payload)])))
    return _Part("card" if one.type in KNOWN else "unsupported", words or UNKNOWN, data={"card": row} if row else {})


def _products(payload: dict[str, Any]) -> list[Row]:
    product = payload.get("product")
    elements = product.get("elements") if isinstance(product, dict) else None
    return [leaves(each) for each in elements] if isinstance(elements, list) else []


def _titles(found: Any, deep: int = 4) -> list[str]:
    """The words that a person sees of a template: titles and texts, in order."""
    if isinstance(found, list):
        return [line for each in found[:100] for line in _titles(each, deep - 1)] if deep else []
    if not isinstance(found, dict) or not deep:
        return []
    own = [found[name] for name in ("text", "title", "subtitle") if isinstance(found.get(name), str)]
    return own + [line for each in found.values() if isinstance(each, dict | list) for line in _titles(each, deep - 1)]


def _address(one: _Attachment) -> str:
    return _text(one, "url") or one.url


def _text(one: _Attachment, name: str) -> str:
    """A field of an attachment's payload; Meta's ids are numbers at times."""
    value = (one.payload or {}).get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
