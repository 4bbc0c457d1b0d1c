"""A provider's JSON as one row of values: for kinds whose fields nobody knows yet, so that nothing is lost."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from backbone.events import Row

MOST: Final = 64
DEEPEST: Final = 8


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
