"""Splits a text into parts that a channel takes, measured as the channel measures: pure.

At a paragraph's end, else a line's, a sentence's, a word's, else between graphemes. Joined, the parts are the text, but
for what would be a part of white space alone: platforms refuse such a one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from backbone.channel import Measure

_MEASURES: Final[dict[Measure, Callable[[str], int]]] = {
    "bytes": lambda text: len(text.encode()),
    "utf16": lambda text: len(text) + sum(1 for c in text if ord(c) > 0xFFFF),
    "chars": len,
}

_BREAKS: Final = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?。！？；…])[\"'”’）)]*\s*"),
    re.compile(r"(?<=[,，、;:：])\s*|\s+"),
)
"""From the best place to the least good; a break ends the part before it."""

_JOINER: Final = "\u200d"
_WORTH: Final = 0.5
"""A better kind of place is taken if it leaves at least this share of the part's room in use."""


def size(text: str, measure: Measure) -> int:
    """How much a text is, as a channel counts."""
    return _MEASURES[measure](text)


def split(text: str, most: int, measure: Measure) -> list[str]:
    """Parts of at most `most`, in order; one empty part for an empty text."""
    parts: list[str] = []
    rest = text
    while size(rest, measure) > most:
        end = _end(rest, _longest(rest, most, measure))
        parts.append(rest[:end])
        rest = rest[end:]
    said = [part for part in (*parts, rest) if part.strip()]
    return said or [text]


def _longest(text: str, most: int, measure: Measure) -> int:
    """The number of characters at the beginning that fit, at least one grapheme."""
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[:middle], measure) <= most:
            low = middle
        else:
            high = middle - 1
    return max(1, low)


def _end(text: str, fits: int) -> int:
    """Where the part ends: the best break within the first `fits` characters."""
    for pattern in _BREAKS:
        ends = [m.end() for m in pattern.finditer(text, 0, fits) if 0 < m.end() <= fits]
        if ends and ends[-1] >= fits * _WORTH:
            return ends[-1]
    end = fits
    while end > 1 and not _may_break(text, end):
        end -= 1
    # One grapheme larger than the limit is cut wherever it must be.
    return end if end > 1 or _may_break(text, 1) else fits


def _may_break(text: str, at: int) -> bool:
    """Whether a grapheme ends before the character at `at`."""
    if at >= len(text):
        return True
    after, before = text[at], text[at - 1]
    if before == "\r" and after == "\n":
        return False
    if _JOINER in {after, before} or unicodedata.category(after) in {"Mn", "Me", "Mc"}:
        return False
    if 0x1F3FB <= ord(after) <= 0x1F3FF or 0xE0020 <= ord(after) <= 0xE007F:
        return False
    if _is_flag(after) and _is_flag(before):
        run = at
        while run > 0 and _is_flag(text[run - 1]):
            run -= 1
        return (at - run) % 2 == 0
    return True


def _is_flag(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF
