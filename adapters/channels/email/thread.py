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

from adapters.channels.email import headers, languages
from adapters.channels.email.mime import Part
from adapters.channels.email.settings import Account
from backbone.channel import same
from backbone.domains import ascii_domain
from backbone.ids import key_hash, thread_key

MAC_CHARS: Final = 10
MOST_LOCAL_CHARS: Final = 64
MOST_REFERENCES: Final = 21
"""In a mail of ours: the first, which names the thread, and the last 20."""

LIFE_S: Final = 400 * 86_400
SENT_LIFE_S: Final = 7 * 86_400
"""How long a bounce that names no id may come: servers try for 5 days (RFC 5321, 4.5.4.1)."""

_ANSWERS: Final = (*languages.ANSWERS, "antwort", "resp", "ad", "σχετ", "на")
"""And words that may begin any subject: no evidence that a mail answers, but enough where two subjects are compared."""

_ANSWER: Final = re.compile(rf"\s*(?:{'|'.join(_ANSWERS)})(?:\s?[\[(]\d{{1,3}}[\])])?\s?[:：]", re.IGNORECASE)
"""What mail programs put before the subject of an answer; `Re[2]:` counts."""

_PLACES: Final = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_KEY: Final = re.compile(r"[a-z2-7]{26}")
_OURS: Final = re.compile(r"<([0-9a-f]{32})@([^<>@\s]+)>")
_BRACKETS: Final = re.compile(r"<([^<>]{1,990})>")
_BARE: Final = re.compile(r"(?<![^\s\"',;])[^\s<>\"',;@]{1,500}@[^\s<>\"',;@]{1,490}(?![^\s\"',;])")
_MARK: Final = "t:"


def key_of(message_id: str) -> str:
    """The key of the thread that a mail begins."""
    return thread_key(message_id)


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


def of_address(part: Part, acc: Account, places: Sequence[str] = _PLACES) -> str:
    """The thread that a plus address names, empty if none does with a good mac."""
    values = (value for place in places for value in part.every(place))
    found = (each.address for value in values for each in headers.addresses(value))
    return next(filter(None, (of_plus(address, acc) for address in found)), "")


def of_plus(address: str, acc: Account) -> str:
    """The thread that this address of ours names, empty if it is none or its mac isn't good."""
    local = acc.address.lower().partition("@")[0]
    found, _, at = address.lower().partition("@")
    thread, _, mac = found.removeprefix(f"{local}+").partition(".")
    is_ours = ascii_domain(at) == acc.domain and found.startswith(f"{local}+") and _KEY.fullmatch(thread)
    return thread if acc.thread_secret and is_ours and same(mac, _mac(acc, thread)) else ""


def answered(part: Part) -> list[str]:
    """Message-IDs that the mail answers, the likeliest first: In-Reply-To, then References from the right."""
    found = named(part.first("in-reply-to")) + named(part.first("references"))[::-1]
    return list(dict.fromkeys(found))[: 2 * MOST_REFERENCES]


def named(raw: bytes) -> list[str]:
    """Message-IDs in a header with their brackets, in order: also as encoded words, which Python's own library makes of
    long ones, with a fold inside, or without brackets.
    """
    found = headers.ids(raw)
    if found:
        return found
    text = headers.words(raw)
    inside = [f"<{''.join(each.split())}>" for each in _BRACKETS.findall(text)]
    return [each for each in inside if "@" in each] or [f"<{each}>" for each in _BARE.findall(text)]


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


def place_in(thread: str) -> str:
    """Where the last mail of ours in a thread is remembered."""
    return f"sent:{key_hash(thread)}"


def place_for(recipient: str, subject: str) -> str:
    """Where the last mail of ours to somebody under a subject is remembered."""
    return f"to:{key_hash(f'{recipient.lower()} {bare(subject)}')}"


def is_answer(subject: str) -> bool:
    """Whether a subject begins as that of an answer, in whatever language."""
    return _ANSWER.match(subject) is not None


def bare(subject: str) -> str:
    """A subject without what answers put before it, for comparing."""
    for _ in range(10):
        found = _ANSWER.match(subject)
        if found is None:
            break
        subject = subject[found.end() :]
    return " ".join(subject.split()).casefold()


def _mac(acc: Account, thread: str) -> str:
    digest = hmac.digest(acc.thread_secret.encode(), thread.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:MAC_CHARS]
