"""Signatures that are sure: what follows `-- `, contact data below a drawn line, `Sent from my ...`, pure."""

from __future__ import annotations

import re
from typing import Final

from adapters.channels.email import languages
from adapters.channels.email.reading.attribution import MAILBOX

MOST_LINES: Final = 10
MOST_CHARS: Final = 500
_RULE: Final = re.compile(r"[-_—=]{8,}")
_BEGINS: Final = ("-", "_", "—", "=")
_ASKS: Final = re.compile(r"[?？]")
_PHONE: Final = re.compile(r"(?<![\d+])\+?\d[\d ()/.-]{6,20}")
_LINK: Final = re.compile(r"https?://|www\.", re.IGNORECASE)
_LABEL: Final = re.compile(r"\s*([^\W\d_][^:：]{0,20})[:：]")
_CONTACT: Final = re.compile(
    r"(?:tel|telefon|telephone|phone|fax|mobile?|cell|handy|mobil|e-?mail|mail|web|www|skype|wechat|whatsapp|qq|http|https|"
    r"t|f|m|p|e|w|tél|电话|電話|手机|手機|邮箱|郵箱|传真|地址|网址|微信|公司)\W*",
    re.IGNORECASE,
)
_SENT_BY: Final = re.compile("|".join(map(re.escape, languages.SENT_BY)), re.IGNORECASE)
_DEVICES: Final = re.compile("|".join(map(re.escape, languages.DEVICES)), re.IGNORECASE)
MOST_DEVICE_CHARS: Final = 80
MOST_CLOSE_CHARS: Final = 30
"""Of such a line right below words, without an empty one between."""


def without(lines: list[str], *, is_below: bool = False) -> list[str]:
    """The lines without a signature at their end. At least one line with words stays, but below other words."""
    # What is below is short: so near to the end are few lines.
    for index in range(max(0, len(lines) - 3 * MOST_LINES - 1), len(lines)):
        line = lines[index]
        if not line.lstrip().startswith(_BEGINS):
            continue
        above, below = lines[:index], lines[index + 1 :]
        if (is_below or any(map(str.strip, above))) and _is_mark(line, above, below):
            lines = above
            break
    lines = _trimmed(lines)
    while len(lines) > (not is_below) and _is_device(lines):
        lines = _trimmed(lines[:-1])
    return lines


def _is_mark(line: str, above: list[str], below: list[str]) -> bool:
    if line == "-- ":
        return _is_short(below, most_chars=100)
    if line.rstrip() == "--":
        # Twice it is a divider.
        return not any(each.rstrip() == "--" for each in above) and _is_short(below, most_chars=60)
    if not _RULE.fullmatch(line.strip()):
        return False
    # A line of = or - is a heading as often: then what it draws apart belongs to the words above.
    said = next((each.strip() for each in reversed(above) if each.strip()), "")
    return not said.endswith((":", "：")) and _is_short(below, most_chars=60) and _is_contact(below)


def _is_short(lines: list[str], most_chars: int) -> bool:
    if len(lines) > 3 * MOST_LINES:
        return False
    said = [line for line in lines if line.strip()]
    return (
        0 < len(said) <= MOST_LINES
        and sum(map(len, said)) <= MOST_CHARS
        and all(len(line) < most_chars and not _ASKS.search(line) and line.rstrip() != "--" for line in said)
    )


def _is_contact(lines: list[str]) -> bool:
    """Whether it says how to reach somebody, and nothing else with a label, as a form does."""
    labels = (_LABEL.match(line) for line in lines)
    return not any(label and not _CONTACT.fullmatch(label[1]) for label in labels) and any(
        pattern.search(line) for line in lines for pattern in (_PHONE, MAILBOX, _LINK)
    )


def _is_device(lines: list[str]) -> bool:
    """A line that stands alone, begins as a sentence does, and names what it was sent from."""
    last = lines[-1].strip()
    return (
        len(last) <= (MOST_DEVICE_CHARS if len(lines) == 1 or not lines[-2].strip() else MOST_CLOSE_CHARS)
        and (not last[0].islower() or _DEVICES.match(last) is not None)
        and _SENT_BY.search(last) is not None
        and _DEVICES.search(last) is not None
    )


def _trimmed(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]
