"""Which thread a mail belongs to: the token in a plus address of ours, else what it answers. Never its subject. Pure.

A thread's key is a hash of its first mail's Message-ID. Which thread a Message-ID belongs to is remembered under
`mid:<hash>`, for mails in and out alike.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final

from adapters.channels.email import headers
from adapters.channels.email.mime import Part
from adapters.channels.email.settings import Account
from backbone.channel import same
from backbone.ids import key_hash

KEY_CHARS: Final = 26
MAC_CHARS: Final = 10
MOST_LOCAL_CHARS: Final = 64
MOST_REFERENCES: Final = 21
"""In a mail of ours: the first, which names the thread, and the last 20."""

LIFE_S: Final = 400 * 86_400
_PLACES: Final = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_KEY: Final = re.compile(r"[a-z2-7]{26}")
_OURS: Final = re.compile(r"<([0-9a-f]{32})@([^<>@\s]+)>")
_MARK: Final = "t:"


def key_of(message_id: str) -> str:
    """The key of the thread that a mail begins."""
    return key_hash(message_id)[:KEY_CHARS]


def place_of(message_id: str) -> str:
    """Where the thread of a Message-ID is remembered."""
    return f"mid:{key_hash(message_id)}"


def remembered(thread: str) -> str:
    """What is remembered there; a conversation without a thread is one too."""
    return _MARK + thread


def recalled(value: str) -> str | None:
    """The thread, None where nothing was remembered."""
    return value.removeprefix(_MARK) if value.startswith(_MARK) else None


def plus_address(acc: Account, thread: str) -> str:
    """Our address with the thread in it; the plain one where none fits or no secret is set."""
    local, _, domain = acc.address.partition("@")
    token = f"{local}+{thread}.{_mac(acc, thread)}"
    return f"{token}@{domain}" if acc.thread_secret and thread and len(token) <= MOST_LOCAL_CHARS else acc.address


def of_address(part: Part, acc: Account) -> str:
    """The thread that a plus address names, empty if none does with a good mac."""
    local, _, domain = acc.address.lower().partition("@")
    if not acc.thread_secret:
        return ""
    for place in _PLACES:
        for value in part.every(place):
            for _, address in headers.addresses(value):
                found, _, at = address.partition("@")
                thread, _, mac = found.removeprefix(f"{local}+").partition(".")
                is_ours = at == domain and found.startswith(f"{local}+") and _KEY.fullmatch(thread)
                if is_ours and same(mac, _mac(acc, thread)):
                    return thread
    return ""


def answered(part: Part) -> list[str]:
    """Message-IDs that the mail answers, the likeliest first: In-Reply-To, then References from the right."""
    found = headers.ids(part.first("in-reply-to")) + headers.ids(part.first("references"))[::-1]
    return list(dict.fromkeys(found))[: 2 * MOST_REFERENCES]


def chain(references: Iterable[str], newest: Sequence[str]) -> list[str]:
    """References of an answer: all known in order, `newest` last, without the middle of a long one."""
    last = list(dict.fromkeys(newest))
    found = [each for each in dict.fromkeys(references) if each not in last] + last
    return found if len(found) <= MOST_REFERENCES else [found[0], *found[1 - MOST_REFERENCES :]]


def message_id(key: str, acc: Account) -> str:
    """The Message-ID of a part that is sent: the same at every try."""
    return f"<{key}@{acc.domain}>"


def sent_key(found: str, acc: Account) -> str:
    """The key of the part that we sent with this Message-ID, empty where it isn't ours."""
    ours = _OURS.fullmatch(found)
    return ours[1] if ours and ours[2].lower() == acc.domain else ""


def _mac(acc: Account, thread: str) -> str:
    digest = hmac.digest(acc.thread_secret.encode(), thread.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:MAC_CHARS]
