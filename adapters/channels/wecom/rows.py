"""Rows of `kf/sync_msg` as events: what customers said, what agents typed in WeCom, and what happened; pure."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from adapters.channels.wecom.faults import SEND_FAILS
from backbone.channel import Event, Media, Message, Peer, Receipt, Signal

CUSTOMER: Final = 3
SYSTEM: Final = 4

MEDIA: Final = {
    "image": ("image", "image/jpeg"),
    "voice": ("audio", "audio/amr"),
    "video": ("video", "video/mp4"),
    "file": ("file", ""),
}

CARDS: Final = {
    "link": ("title", "desc", "url"),
    "miniprogram": ("title", "pagepath"),
    "business_card": ("userid",),
}
"""Kinds that are shown as lines of these fields."""

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
    said["attributes"] = said.get("attributes", {}) | ({"servicer": servicer} if servicer else {})
    return Message(
        key=key,
        peer=Peer(peer),
        at=_seconds(row) * 1000,
        echo=origin != CUSTOMER,
        automatic=origin == SYSTEM,
        **said,
    )


def _content(kind: str, content: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """The arguments of a Message that its kind decides."""
    if kind == "text":
        tapped = _text(content, "menu_id")
        return {"text": _text(content, "content"), "attributes": {"menu_id": tapped} if tapped else {}}
    if kind in MEDIA and _text(content, "media_id"):
        ours, mime = MEDIA[kind]
        return {"kind": ours, "media": [Media(kind=ours, ref=_text(content, "media_id"), mime=mime)]}
    if kind == "location":
        place = {name: _text(content, name) for name in ("latitude", "longitude")}
        return {"kind": "location", "text": _lines(content, "name", "address"), "attributes": place}
    if kind in CARDS:
        return {"kind": "card", "text": _lines(content, *CARDS[kind])}
    if kind == "msgmenu":
        return {"text": _menu(content)}
    return {"kind": "unsupported", "text": f"(unsupported: {kind[:40]})", "raw": raw}


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
        )
    if name == "enter_session":
        code = _text(content, "welcome_code")
        return Signal(key=key, name="enter", peer=peer, data=data | ({"code": code} if code else {}))
    if name in {"user_recall_msg", "servicer_recall_msg"}:
        return Signal(key=key, name="recall", peer=peer, data={"ref": _text(content, "recall_msgid")})
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
