"""Rows of `kf/sync_msg` as events: what customers said, what agents typed in WeCom, and what happened; pure."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from adapters.channels import wechat_crypto as crypto
from adapters.channels.wecom.faults import SEND_FAILS, SEND_FAULTS
from backbone.channel import Event, Media, Message, Peer, Receipt, Signal
from backbone.channel.leaves import leaves

CUSTOMER: Final = 3
SYSTEM: Final = 4

MEDIA: Final = {
    "image": ("image", "image/jpeg"),
    "voice": ("audio", "audio/amr"),
    "video": ("video", "video/mp4"),
    "file": ("file", ""),
}

CARDS: Final = {
    "link": ("card", ("title", "desc", "url")),
    "miniprogram": ("card", ("title", "pagepath")),
    "business_card": ("contact", ("userid",)),
    "channels": ("card", ("nickname", "title")),
    "channels_shop_product": ("product", ("title", "price", "shop_nickname")),
    "channels_shop_order": ("order", ("product_titles", "price_wording", "state", "order_id", "shop_nickname")),
    "meeting": ("card", ("title",)),
    "schedule": ("card", ("title",)),
}
"""Kinds that are shown as lines of these fields, and the name of data under which all of theirs stand."""

DATA: Final = {
    "servicer": "who of the company typed it in WeCom",
    "scene_param": "parameter of the link by which somebody came",
}
"""Names of data beside those of every channel."""

KEPT: Final = (
    "scene",
    "scene_param",
    "change_type",
    "old_servicer_userid",
    "new_servicer_userid",
    "msg_code",
    "status",
)
"""Fields of events that are kept as they are."""


def event_of(raw: bytes) -> Event:
    """The event of one row. It never raises: a row that can't be read is kept as unknown, and the others go on."""
    try:
        row = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return Signal(key=hashlib.sha256(raw).hexdigest(), name="unknown", raw=raw)
    key = _text(row, "msgid") or hashlib.sha256(msgspec.json.encode(row, order="sorted")).hexdigest()
    kind = _text(row, "msgtype")
    body = row.get(kind)
    content: dict[str, Any] = body if isinstance(body, dict) else {}
    if kind == "event":
        return _happened(key, content, raw)
    peer = _text(row, "external_userid")
    if not peer or not kind:
        return Signal(key=key, name="unknown", raw=raw)
    origin = row.get("origin")
    servicer = _text(row, "servicer_userid")
    said = _content(kind, content, raw)
    if servicer:
        said["attributes"] = {**said.get("attributes", {}), "servicer": servicer}
    return Message(
        key=key,
        peer=Peer(peer),
        at=_seconds(row) * 1000,
        echo=origin != CUSTOMER,
        automatic=origin == SYSTEM,
        **said,
    )


def _content(kind: str, content: dict[str, Any], raw: bytes) -> dict[str, Any]:  # noqa: PLR0911 - a return a kind
    """The arguments of a Message that its kind decides."""
    if kind == "text":
        tapped = _text(content, "menu_id")
        return {"text": _text(content, "content"), "attributes": {"choice": tapped} if tapped else {}}
    if kind in MEDIA and _text(content, "media_id"):
        ours, mime = MEDIA[kind]
        return {"kind": ours, "media": [Media(kind=ours, ref=_text(content, "media_id"), mime=mime)]}
    if kind == "location":
        return crypto.place(*(_text(content, name) for name in ("name", "address", "latitude", "longitude")))
    if kind in CARDS:
        name, shown = CARDS[kind]
        card = leaves(_priced(content))
        return {
            "kind": "card",
            "text": "\n".join(str(card[one]) for one in shown if card.get(one)),
            "attributes": {name: card},
        }
    if kind == "msgmenu":
        return {"text": _menu(content)}
    if kind == "merged_msg":
        return {"kind": "card", "text": _merged(content), "attributes": {"card": leaves(content)}}
    data = {"card": leaves(content)}
    return {"kind": "unsupported", "text": f"(unsupported: {kind[:40]})", "attributes": data, "raw": raw}


def _priced(content: dict[str, Any]) -> dict[str, Any]:
    """A product's price is told in cents."""
    cents = _text(content, "sales_price")
    if not (cents.isascii() and cents.isdigit() and len(cents) < 15):
        return content
    return {**content, "price": f"¥{int(cents) // 100}.{int(cents) % 100:02}"}


def _merged(content: dict[str, Any]) -> str:
    """Messages of a chat that were passed on together, as lines."""
    items = content.get("item")
    lines = [_text(content, "title")]
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            inside = leaves(_text(item, "msg_content").encode(errors="replace"))
            words = str(next(iter(inside.values()), "")) or f"({_text(item, 'msgtype')})"
            lines.append(f"{_text(item, 'sender_name')}: {words}")
    return "\n".join(filter(None, lines))


def _menu(content: dict[str, Any]) -> str:
    """A menu that was shown to the customer, as lines."""
    items = content.get("list")
    lines = [_text(content, "head_content")]
    for item in items if isinstance(items, list) else []:
        shown = item.get(_text(item, "type")) if isinstance(item, dict) else None
        if isinstance(shown, dict):
            lines.append("- " + _text(shown, "content"))
    return "\n".join(line for line in [*lines, _text(content, "tail_content")] if line)


def _happened(key: str, content: dict[str, Any], raw: bytes) -> Event:
    name = _text(content, "event_type")
    peer_id = _text(content, "external_userid")
    peer = Peer(peer_id) if peer_id else None
    data = {field: _text(content, field) for field in KEPT if _text(content, field)}
    if name == "msg_send_fail":
        code = _text(content, "fail_type")
        reason = SEND_FAILS.get(int(code), "") if code.isascii() and code.isdigit() and len(code) < 6 else ""
        return Receipt(
            key=key,
            ref=_text(content, "fail_msgid"),
            status="failed",
            peer=peer,
            code=code,
            reason=reason or f"WeCom couldn't deliver it ({code[:10]}).",
            fault=SEND_FAULTS.get(code),
        )
    if name == "enter_session":
        code = _text(content, "welcome_code")
        return Signal(key=key, name="enter", peer=peer, data=data | ({"code": code} if code else {}))
    if name in {"user_recall_msg", "servicer_recall_msg"}:
        ref = {"ref": _text(content, "recall_msgid")}
        return Signal(key=key, name="recall", peer=peer, data=ref, echo=name == "servicer_recall_msg")
    if name == "reject_customer_msg_switch_change":
        refuses = _text(content, "reject_switch") == "1"
        return Signal(key=key, name="blocked" if refuses else "enter", peer=peer, data={"event": name})
    if name in {"session_status_change", "servicer_status_change"}:
        return Signal(key=key, name="ignored", peer=peer, data={"event": name, **data})
    return Signal(key=key, name="unknown", peer=peer, data={"event": name[:40]}, raw=raw)


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _lines(found: dict[str, Any], *names: str) -> str:
    return "\n".join(line for name in names if (line := _text(found, name)))


def _seconds(row: dict[str, Any]) -> int:
    at = row.get("send_time")
    return at if isinstance(at, int) and 0 <= at < 10**11 else 0
