"""A provider's JSON as rows of values: kinds whose fields nobody knows yet, and forms, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from backbone.events import Row

MOST: Final = 64
DEEPEST: Final = 8

V = TypeVar("V")


def leaves(found: Any, part: str = "") -> Row:
    """Every text, number and truth in `found` (JSON, as bytes or decoded) by its path, such as `items.0.name`.

    `part`: of that field of an object only, where it has it. At most 64, of 8 levels; what can't be read gives none.
    """
    if isinstance(found, bytes):
        try:
            found = msgspec.json.decode(found)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return {}
    if part and isinstance(found, dict) and part in found:
        found = found[part]
    row: Row = {}
    _gather(found, "", row, DEEPEST)
    return row


def answers(text: str) -> Row:
    """A form's answers by question, of the JSON in a text; one `answer` where that is no object or list."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        found = None
    if isinstance(found, dict | list):
        return leaves(found)
    return {"answer": text} if text else {}


def without_empty(found: Mapping[str, V]) -> dict[str, V]:
    """What of `found` has a value: providers send fields that nobody filled in."""
    return {name: value for name, value in found.items() if value}


def _gather(found: Any, path: str, row: Row, deep: int) -> None:
    if len(row) >= MOST or deep < 0:
        return
    if isinstance(found, dict):
        for name, value in found.items():
            _gather(value, f"{path}.{name}" if path else str(name), row, deep - 1)
    elif isinstance(found, list):
        for n, value in enumerate(found):
            _gather(value, f"{path}.{n}" if path else str(n), row, deep - 1)
    elif isinstance(found, str | int | float):
        row[path or "value"] = found
