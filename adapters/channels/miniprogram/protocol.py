"""What events of a mini program mean; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from adapters.channels import wechat_callbacks as callbacks
from adapters.channels.miniprogram.settings import Account
from backbone.channel import Event, Reply, Request, Signal, Stored

ENTERED: Final = "user_enter_tempsession"

NO_SESSION: Final = frozenset({"", "wxapp"})
"""What a button without `session-from` carries."""

ROUTINE: Final = re.compile(rf"(trade_manage|channels_ec|wx_verify|add_express)_\w+|{callbacks.ROUTINE}")
"""Names of events in lower case that say nothing of what a customer wants: of orders, parcels, audits, notices."""


def reply(events: Sequence[Event], acc: Account, stored: Sequence[Stored]) -> Reply:
    """What WeChat recommends; of any other words it tells the customer that nobody serves them."""
    del events, acc, stored
    return Reply(body=b"success")


def signal_of(came: callbacks.Callback) -> Signal:
    """What an event means."""
    low, scene = came.found.get("Event", "").lower(), came.found.get("SessionFrom", "")
    if low == ENTERED:
        # Who only looks in asks for nothing; a button that says where it stands does.
        is_told = scene not in NO_SESSION
        return callbacks.signal(came, "enter", {"scene": scene if is_told else ""}, asks=is_told)
    return callbacks.signal(came, "ignored" if ROUTINE.fullmatch(low) else "unknown", {}, asks=False)


def parse(req: Request, acc: callbacks.Keys) -> list[Event]:
    """The one event of a verified callback. Raises MalformedError."""
    return callbacks.parse(req, acc, signal_of)
