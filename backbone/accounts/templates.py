"""Templates: texts that a platform has approved, which may be sent where its window is closed. Pure.

A place in a text is `{{1}}`, `{{2}}`, `{{name}}` or `{{title.1}}`. A message carries its template as the first of
`MessageAdded.parts`: name, language, the kind of its file if it has one, and its values as JSON, a list where all
places are numbers, else an object by place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from backbone import events as ev
from backbone.channel import Template

VALUE_MOST: Final = 1024
FILES: Final = {"image": "a picture", "video": "a video", "file": "a document"}
PLACE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_.]+)\s*\}\}")


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


def file_problem(
    template: Template, file: ev.Attachment | None, types: Mapping[str, Sequence[str]], most_bytes: Mapping[str, int]
) -> str:
    """What is wrong with the file above the text, as a sentence; empty if nothing is. `types` and `most_bytes` by kind
    are the channel's (`Caps.media_types`, `Caps.media_bytes`).
    """
    kind = template.file
    if not kind:
        return "The template takes no file." if file else ""
    if file is None:
        return f"The template wants {FILES[kind]} above its text."
    if kind != "file" and not file.mime.startswith(f"{kind}/"):
        return f"The template wants {FILES[kind]} above its text, not {file.name}."
    if file.mime not in types.get(kind, (file.mime,)):
        return f"The channel takes no files such as {file.name} as {FILES[kind]}: {', '.join(types[kind])}."
    if file.bytes > (most := most_bytes.get(kind, file.bytes)):
        return f"{file.name} is too large: at most {most // 1024**2} MiB as {FILES[kind]}."
    return ""


def filled(template: Template, values: Sequence[str]) -> str:
    """The text as the customer reads it."""
    by_place = dict(zip(places(template.text), values, strict=True))
    return PLACE.sub(lambda place: by_place[place[1]], template.text)


def part(template: Template, values: Sequence[str]) -> dict[str, str]:
    """The template as a message carries it."""
    wanted = places(template.text)
    kept = list(values) if _are_numbered(wanted) else dict(zip(wanted, values, strict=True))
    told = {
        "name": template.name,
        "language": template.language,
        "parameters": msgspec.json.encode(kept).decode(),
    }
    return {**told, "file": template.file} if template.file else told


def _are_numbered(found: Sequence[str]) -> bool:
    return all(place.isascii() and place.isdigit() for place in found)
