"""Templates: texts that a platform has approved, which may be sent where its window is closed. Pure.

A place in a text is `{{1}}`, `{{2}}` or `{{name}}`. A message carries its template as the first of
`MessageAdded.parts`: name, language, and its values as JSON, a list for numbered places, an object for named ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from backbone.channel import Template

VALUE_MOST: Final = 1024
PLACE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


def places(text: str) -> list[str]:
    """The names of a text's places, each once, in the order in which their values are given."""
    found = list(dict.fromkeys(PLACE.findall(text)))
    return sorted(found, key=int) if _are_numbered(found) else found


def problem(template: Template, values: Sequence[str]) -> str:
    """What is wrong with values, as a sentence; empty if nothing is. Platforms take neither empty ones nor lines."""
    wanted = places(template.text)
    if len(values) != len(wanted):
        return f"The template takes {len(wanted)} values."
    for place, value in zip(wanted, values, strict=True):
        if not value.strip() or len(value) > VALUE_MOST or any(sign in value for sign in "\n\r\t\0"):
            return f"{place}: one line of 1 to {VALUE_MOST} characters."
    return ""


def filled(template: Template, values: Sequence[str]) -> str:
    """The text as the customer reads it."""
    by_place = dict(zip(places(template.text), values, strict=True))
    return PLACE.sub(lambda place: by_place[place[1]], template.text)


def part(template: Template, values: Sequence[str]) -> dict[str, str]:
    """The template as a message carries it."""
    wanted = places(template.text)
    kept = list(values) if _are_numbered(wanted) else dict(zip(wanted, values, strict=True))
    return {
        "name": template.name,
        "language": template.language,
        "parameters": msgspec.json.encode(kept).decode(),
    }


def _are_numbered(found: Sequence[str]) -> bool:
    return all(place.isascii() and place.isdigit() for place in found)
