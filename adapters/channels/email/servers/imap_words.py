"""Names and days as IMAP writes them. Pure."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def mailbox_name(name: str) -> str:
    """A folder's name in modified UTF-7 (RFC 3501, 5.1.3)."""
    out = ""
    pending = ""
    for character in name + "\0":
        if " " <= character <= "~" or character == "\0":
            if pending:
                coded = b64encode(pending.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
                out, pending = f"{out}&{coded}-", ""
            out += "&-" if character == "&" else character
        else:
            pending += character
    return out[:-1]


def day_before(now: float, days: int) -> str:
    """A day as IMAP writes it, such as 2-Jan-2024, so many before now."""
    day = datetime.fromtimestamp(now, UTC) - timedelta(days=days)
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"
