"""What events of 微信公众号 mean, and what the platform takes; pure."""

from __future__ import annotations

import re
from typing import Final

from adapters.channels import wechat_callbacks as callbacks
from adapters.channels.wechat_platform import IMAGES
from backbone.channel import Event, Request, Signal, SignalKind

SIGNALS: Final[dict[str, SignalKind]] = {
    "subscribe": "menu",
    "scan": "menu",
    "click": "menu",
    "scancode_push": "menu",
    "scancode_waitmsg": "menu",
    "unsubscribe": "blocked",
}
"""Events by name in lower case. Those that open the minute of three messages are `menu`."""

ROUTINE: Final = re.compile(
    r"location|view|view_miniprogram|pic_(sysphoto|photo_or_album|weixin)|location_select|guide_\w+|\w*jobfinish"
    r"|(user|card|submit|update|giftcard)_\w+|merchant_order|wificonnected|poi_check_notify|shakearound\w+"
    rf"|\w+_verify_(success|fail)|annual_renew|verify_expired|{callbacks.ROUTINE}"
)
"""Names of events in lower case that say nothing of what a customer wants: of pages, cards, jobs, other staff."""

UPLOADS: Final = {
    "image": IMAGES,
    "audio": ("voice", frozenset({"audio/amr", "audio/mpeg", "audio/mp3"})),
    "video": ("video", frozenset({"video/mp4"})),
}
"""By our kind: WeChat's name of it, and the types that it takes."""

QR_SCENE: Final = "qrscene_"

DATA: Final = {**callbacks.DATA, "scanned": "what stood in a code that was scanned by a menu"}
"""Names of data beside those of every channel."""


def signal_of(came: callbacks.Callback) -> Signal:
    """What an event means."""
    found = came.found
    low, key = found.get("Event", "").lower(), found.get("EventKey", "")
    name = SIGNALS.get(low) or ("ignored" if ROUTINE.fullmatch(low) else "unknown")
    is_code = low in {"subscribe", "scan"}
    data = {
        "scene": key.removeprefix(QR_SCENE) if is_code else "",
        "choice": "" if is_code else key,
        "scanned": found.get("ScanCodeInfo.ScanResult", ""),
        **{name.lower(): found.get(name, "") for name in ("Latitude", "Longitude", "Precision")},
    }
    # Who only follows asks for nothing; a code with a scene and a tapped menu do.
    return callbacks.signal(came, name, data, asks=name == "menu" and bool(key))


def parse(req: Request, acc: callbacks.Keys) -> list[Event]:
    """The one event of a verified callback. Raises MalformedError."""
    return callbacks.parse(req, acc, signal_of)
