"""How much of a mail isn't shown in its message, and the words themselves, for the search: pure."""

from __future__ import annotations

from typing import Final

import msgspec

from backbone.events.data import TEXT_MOST, Data, Row

MOST_BYTES: Final = 24 * 1024
"""Of the words, as JSON: a message's data has 32 KiB in all."""

NAMES: Final = {
    "hidden": "characters of the mail that its text leaves out: quotations and signatures, which its HTML shows",
    "quoted_text": "the words that were left out, as far as they have 24 KiB",
}


def said(cut: str) -> Data:
    """What is said of the words that were cut; nothing where none were."""
    if not cut:
        return {}
    rows: list[Row] = []
    room = MOST_BYTES
    for at in range(0, len(cut), TEXT_MOST):
        row: Row = {"text": cut[at : at + TEXT_MOST]}
        room -= len(msgspec.json.encode(row)) + 1
        if room < 0:
            break
        rows.append(row)
    is_short = len(rows) == 1 and len(cut) <= TEXT_MOST
    return {"hidden": len(cut), "quoted_text": cut if is_short else rows}
