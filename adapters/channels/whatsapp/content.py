"""What a message of WhatsApp says: its kind, words, files, and what was entered or chosen beside them; pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from msgspec import Struct, field

from backbone.channel import Kind, Media
from backbone.channel.leaves import answers, leaves, without_empty
from backbone.events import Data, Row

MEDIA: Final[dict[str, Kind]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "file",
    "sticker": "image",
}

UNSUPPORTED: Final = {"unsupported": "A message that WhatsApp doesn't hand on"}

DATA: Final = {
    "form_name": "name of the form (Flow) that was filled in",
    "ctwa_clid": "Meta's id of the click on an advertisement",
    "ad_text": "words of the advertisement that led here",
    "ad_kind": "what the advertisement was",
    "ad_media": "address of the advertisement's picture or video",
    "call_permission": "whether the customer lets the company call them",
    "catalog_id": "id of the catalogue that a product or order is of",
}
"""Names of data beside those of every channel."""


class File(Struct):
    """A file that Meta holds."""

    id: str = ""
    mime_type: str = ""
    caption: str = ""
    filename: str = ""
    sha256: str = ""


class Said(NamedTuple):
    """What a message says."""

    kind: Kind
    text: str = ""
    media: tuple[Media, ...] = ()
    data: Data | None = None


class _Text(Struct):
    body: str


class _Location(Struct):
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""
    url: str = ""


class _Button(Struct):
    text: str
    payload: str = ""


class _Choice(Struct):
    id: str = ""
    title: str = ""
    description: str = ""


class _Flow(Struct):
    body: str = ""
    name: str = ""
    response_json: str = ""


class _Interactive(Struct):
    type: str = ""
    button_reply: _Choice | None = None
    list_reply: _Choice | None = None
    nfm_reply: _Flow | None = None
    call_permission_reply: dict[str, Any] | None = None


class Reaction(Struct):
    """A sign put under a message."""

    message_id: str
    emoji: str = ""


class _Product(Struct):
    catalog_id: str = ""
    product_retailer_id: str = ""


class Context(Struct):
    """What a message answers or passes on."""

    id: str = ""
    forwarded: bool = False
    frequently_forwarded: bool = False
    referred_product: _Product | None = None


class _Referral(Struct):
    source_url: str = ""
    source_type: str = ""
    source_id: str = ""
    headline: str = ""
    body: str = ""
    image_url: str = ""
    video_url: str = ""
    ctwa_clid: str = ""


class _Item(Struct):
    product_retailer_id: str = ""
    quantity: float = 1
    item_price: float = 0
    currency: str = ""


class _Order(Struct):
    catalog_id: str = ""
    text: str = ""
    product_items: list[_Item] = []


class Body(Struct, kw_only=True):
    """A message's parts that say something; which of them is there `type` tells."""

    type: str
    text: _Text | None = None
    image: File | None = None
    video: File | None = None
    audio: File | None = None
    document: File | None = None
    sticker: File | None = None
    location: _Location | None = None
    contacts: list[dict[str, Any]] = []
    button: _Button | None = None
    interactive: _Interactive | None = None
    reaction: Reaction | None = None
    order: _Order | None = None
    context: Context = field(default_factory=Context)
    referral: _Referral | None = None


def said(body: Body, raw: bytes) -> Said:
    """What a message says. One of a kind that this version doesn't know keeps all it came with as `card`."""
    found = _said(body)
    if found is None:
        text = UNSUPPORTED.get(body.type, "A message of an unknown kind")
        found = Said("unsupported", text, data={"card": leaves(raw, body.type)})
    return found._replace(data={**(found.data or {}), **_beside(body)})


def _said(body: Body) -> Said | None:  # noqa: PLR0911 - a return a kind
    if file := _file(body):
        # Such as "audio/ogg; codecs=opus".
        mime = file.mime_type.partition(";")[0]
        kind = MEDIA[body.type]
        return Said(kind, file.caption, (Media(kind, file.id, mime, file.filename, fingerprint=file.sha256),))
    if body.type == "text" and body.text:
        return Said("text", body.text.body)
    if body.type == "location" and body.location:
        return _place(body.location)
    if body.type == "contacts" and body.contacts:
        return _cards(body.contacts)
    if body.type == "button" and body.button:
        return Said("text", body.button.text, data=without_empty({"choice": body.button.payload}))
    if body.type == "reaction" and body.reaction:
        return Said("text", body.reaction.emoji, data={"reaction": True})
    if body.type == "order" and body.order:
        return _order(body.order)
    return _chosen(body.interactive) if body.type == "interactive" and body.interactive else None


def _file(body: Body) -> File | None:
    file: File | None = getattr(body, body.type) if body.type in MEDIA else None
    return file if file and file.id else None


def _place(place: _Location) -> Said:
    lines = (place.name, place.address, f"{place.latitude}, {place.longitude}")
    data: Data = {"latitude": place.latitude, "longitude": place.longitude}
    data |= without_empty({"place": place.name, "address": place.address})
    if place.url:
        data["links"] = [{"url": place.url}]
    return Said("location", "\n".join(filter(None, lines)), data=data)


def _cards(cards: list[dict[str, Any]]) -> Said:
    rows = [leaves(card) for card in cards]
    return Said("card", "\n\n".join(_lines(card) for card in cards), data={"contact": rows})


def _lines(card: dict[str, Any]) -> str:
    """A contact as lines: the name, then what they can be reached by."""
    name = card.get("name")
    named = name.get("formatted_name", "") if isinstance(name, dict) else ""
    listed = [one for group in ("phones", "emails", "urls") for one in _listed(card.get(group))]
    org = card.get("org")
    company = org.get("company", "") if isinstance(org, dict) else ""
    found = [named, company, *(each.get(key, "") for each in listed for key in ("phone", "email", "url"))]
    return "\n".join(line for line in found if isinstance(line, str) and line)


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _order(order: _Order) -> Said:
    items: list[Row] = [
        {"id": one.product_retailer_id, "quantity": one.quantity, "price": one.item_price, "currency": one.currency}
        for one in order.product_items
    ]
    lines = [
        f"{one.quantity:g} × {one.product_retailer_id} {one.item_price:g} {one.currency}".strip()
        for one in order.product_items
    ]
    data: Data = {**without_empty({"catalog_id": order.catalog_id}), "items": items}
    return Said("card", "\n".join(filter(None, [order.text, *lines])), data=data)


def _chosen(interactive: _Interactive) -> Said | None:
    if choice := interactive.button_reply or interactive.list_reply:
        return Said("text", choice.title, data=without_empty({"choice": choice.id, "choice_text": choice.description}))
    if flow := interactive.nfm_reply:
        form = answers(flow.response_json)
        lines = [f"{question}: {answer}" for question, answer in form.items() if question != "flow_token"]
        return Said(
            "card", "\n".join([flow.body, *lines]), data={**without_empty({"form_name": flow.name}), "form": form}
        )
    if (reply := interactive.call_permission_reply) is not None:
        allows = reply.get("response") == "accept"
        text = "The customer allows calls." if allows else "The customer doesn't allow calls."
        return Said("card", text, data={"call_permission": leaves(reply)})
    return None


def _beside(body: Body) -> Data:
    """What comes with any kind: that it was passed on, what it is about, the advertisement that led here."""
    data: Data = {"forwarded": True} if body.context.forwarded or body.context.frequently_forwarded else {}
    if product := body.context.referred_product:
        data["product"] = {"id": product.product_retailer_id, "catalog_id": product.catalog_id}
    if ad := body.referral:
        data |= without_empty(
            {
                "ad": ad.source_url,
                "ad_title": ad.headline,
                "ad_text": ad.body,
                "ad_id": ad.source_id,
                "ad_kind": ad.source_type,
                "ad_media": ad.image_url or ad.video_url,
                "ctwa_clid": ad.ctwa_clid,
            }
        )
    return data
