"""What LINE finds wrong with a message that it is to send: developers.line.biz, Message objects."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

TYPES = ("text", "sticker", "image", "video", "audio", "location", "imagemap", "template", "flex")
TEXT_UNITS = 5000
ADDRESS_CHARACTERS = 2000
MESSAGES_MOST = 5


def problems(messages: Any, chat: str, quote_tokens: Mapping[str, str]) -> list[dict[str, str]]:
    """The details of an error answer; none if all is well. `quote_tokens`: of which chat each is."""
    if not isinstance(messages, list) or not 1 <= len(messages) <= MESSAGES_MOST:
        return [{"message": "Size must be between 1 and 5", "property": "messages"}]
    return [
        {"message": why, "property": f"messages[{number}].{field}"}
        for number, one in enumerate(messages)
        for field, why in itertools.chain(_content(one), _quote(one, chat, quote_tokens))
    ]


def _content(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    match one.get("type"):
        case "text":
            if not one.get("text"):
                yield "text", "May not be empty"
            elif len(one["text"].encode("utf-16-le")) // 2 > TEXT_UNITS:
                yield "text", "Length must be between 0 and 5000"
        case "image" | "video":
            yield from _addresses(one, "originalContentUrl", "previewImageUrl")
        case "audio":
            yield from _addresses(one, "originalContentUrl")
            if not isinstance(one.get("duration"), int) or one["duration"] < 1:
                yield "duration", "Must be greater than or equal to 1"
        case kind if kind not in TYPES:
            yield "type", f"Must be one of the following values: [{', '.join(TYPES)}]"


def _addresses(one: dict[str, Any], *fields: str) -> Iterator[tuple[str, str]]:
    for field in fields:
        address = one.get(field, "")
        if not address.startswith("https://"):
            yield field, "Must be a valid HTTPS URL"
        elif len(address) > ADDRESS_CHARACTERS:
            yield field, f"Length must be between 0 and {ADDRESS_CHARACTERS}"


def _quote(one: dict[str, Any], chat: str, quote_tokens: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    token = one.get("quoteToken")
    if token is None:
        return
    if one.get("type") not in {"text", "sticker"}:
        yield "quoteToken", "Unknown property"
    elif quote_tokens.get(token) != chat:
        yield "quoteToken", "Invalid quote token"
