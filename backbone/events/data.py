"""What a customer entered or chose beside words: typed values of a message, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

Scalar = str | int | float | bool
Row = dict[str, Scalar]
"""A form's answers by question, a card's fields, one line of an order."""

Data = dict[str, Scalar | Row | list[Row]]

NAMES: Final[Mapping[str, str]] = {
    "latitude": "degrees north",
    "longitude": "degrees east",
    "place": "name of a place",
    "address": "address of a place",
    "author": "who of a group wrote",
    "author_id": "the platform's id of who of a group wrote",
    "forwarded": "whether it was passed on",
    "forwarded_from": "whose words it passes on",
    "quoted": "the words that it answers",
    "form": "answers by question",
    "order": "an order: id, title, price, state",
    "items": "lines of an order: name, quantity, price, currency, id",
    "product": "a product: id, title, price",
    "card": "a card: title, text, url",
    "poll": "a poll: question, and its options",
    "contact": "a contact: name, phone, e-mail address",
    "choice": "id of the button, menu entry or row that was tapped",
    "choice_text": "what stood on it",
    "scene": "parameter of the QR code or link by which somebody came",
    "event": "the platform's name of what happened",
    "ad": "address of the advertisement that led here",
    "ad_title": "its title",
    "ad_id": "its id",
    "reaction": "whether the text is a sign put under another message",
    "emoji": "the sign that a sticker stands for",
    "links": "addresses behind words: text, url",
    "album": "pictures of one album share it",
    "cut": "whether something was left out because it was too much",
}
"""Names that every channel may use, in English for who reads the log; a channel declares further ones
(`Caps.data`). The console has words for them in its languages, and shows others as they are.
"""

NAME_MOST: Final = 64
VALUES_MOST: Final = 64
ROWS_MOST: Final = 100
TEXT_MOST: Final = 4000
BYTES_MOST: Final = 32 * 1024
ELLIPSIS: Final = "…"


def bounded(data: Mapping[str, Any]) -> Data:
    """`data` within its bounds: longer texts are cut, what is too much is left out and told by `cut`. Pure.

    At most 64 values, 100 rows in a list, 4,000 characters in a text, 32 KiB together as JSON. Empty texts, and what
    is no value of `Data`, are left out.
    """
    found: Data = {}
    is_cut = False
    room = BYTES_MOST
    for name, value in data.items():
        kept, is_whole = _value(value)
        if kept is None:
            is_cut = is_cut or not is_whole
            continue
        size = len(msgspec.json.encode({name[:NAME_MOST]: kept}))
        if size > room or len(found) == VALUES_MOST:
            is_cut = True
            continue
        room -= size
        found[name[:NAME_MOST]] = kept
        is_cut = is_cut or not is_whole
    if is_cut:
        found["cut"] = True
    return found


def words(data: Mapping[str, Any]) -> str:
    """Every text and number in `data`, one a line, for a search. Pure."""
    return "\n".join(_leaves(data))


def texts(data: Mapping[str, Any]) -> dict[str, str]:
    """The values of `data` that are one text or number, as texts. Pure."""
    return {name: _text(value) for name, value in data.items() if isinstance(value, Scalar)}


def _leaves(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [] if isinstance(value, bool) else [_text(value)]


def _text(value: Scalar) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _value(value: Any) -> tuple[Scalar | Row | list[Row] | None, bool]:
    """(what is kept of a value, whether that is all); None for nothing."""
    if isinstance(value, Mapping):
        return _row(value)
    if isinstance(value, list):
        rows = [_row(each) for each in value[:ROWS_MOST] if isinstance(each, Mapping)]
        is_whole = len(rows) == len(value) and all(whole for _, whole in rows)
        kept = [row for row, _ in rows if row]
        return kept or None, is_whole
    return _scalar(value)


def _row(row: Mapping[str, Any]) -> tuple[Row | None, bool]:
    found: Row = {}
    is_whole = len(row) <= VALUES_MOST
    for name, value in list(row.items())[:VALUES_MOST]:
        kept, whole = _scalar(value)
        is_whole = is_whole and whole
        if kept is not None:
            found[name[:NAME_MOST]] = kept
    return found or None, is_whole


def _scalar(value: Any) -> tuple[Scalar | None, bool]:
    if isinstance(value, str):
        is_whole = len(value) <= TEXT_MOST
        text = value if is_whole else value[: TEXT_MOST - 1] + ELLIPSIS
        return text.replace("\0", "\ufffd") or None, is_whole
    if isinstance(value, bool):
        return value, True
    if isinstance(value, int):
        return (value, True) if abs(value) < 2**53 else (str(value)[:NAME_MOST], True)
    if isinstance(value, float):
        # NaN and infinities are no JSON.
        return (value, True) if value - value == 0 else (None, True)
    return None, value is None
