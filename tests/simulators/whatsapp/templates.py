"""Templates of a WhatsApp Business Account as Meta has them: what is refused of one that is sent, and how it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
FILES = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}

Components = Sequence[Mapping[str, Any]]


def body(text: str) -> dict[str, Any]:
    """The component that each template has."""
    return {"type": "BODY", "text": text}


TEMPLATES: dict[tuple[str, str], Components] = {
    ("order_ready", "en"): [body("Your order {{1}} is ready, {{2}}.")],
    ("order_ready", "zh_CN"): [body("{{2}}您好，您的订单 {{1}} 已备好。")],
    ("parcel", "en"): [
        {"type": "HEADER", "format": "TEXT", "text": "Parcel {{number}}"},
        body("Hi {{name}}, it comes on {{day}}."),
        {"type": "FOOTER", "text": "Tea house"},
    ],
    ("summer", "en"): [
        {"type": "HEADER", "format": "IMAGE"},
        body("New teas, {{1}}!"),
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "No more of this"},
                {"type": "URL", "text": "See them", "url": "https://tea.example/new/{{1}}"},
            ],
        },
    ],
}

UNSENDABLE: dict[tuple[str, str], Components] = {
    ("visit", "en"): [{"type": "HEADER", "format": "LOCATION"}, body("Come and see us")]
}
"""Approved, and it wants more than values and a file."""


def refusal(
    template: Components, content: Mapping[str, Any], files: Mapping[str, str], *, is_named: bool
) -> tuple[int, str] | None:
    """Meta's code and details for parameters that don't fit. `files`: MIME types of uploads by id."""
    given = {(part["type"], str(part.get("index", ""))): part["parameters"] for part in content.get("components", [])}
    for where, wanted in _wanted(template).items():
        sent = given.pop(where, [])
        if isinstance(wanted, str):
            kind = sent[0]["type"] if sent else "unknown"
            if kind != wanted:
                return 132012, f"header: Format mismatch, expected {wanted.upper()}, received {kind.upper()}"
            if len(sent) != 1 or sent[0][kind].get("id") not in files:
                return 100, "Media id is not found or expired"
        elif len(sent) != len(wanted):
            return 132000, f"{where[0]}: number of parameters ({len(sent)}) does not match ({len(wanted)})"
        elif any(one["type"] != "text" or not one["text"] for one in sent):
            return 132012, f"{where[0]}: Format mismatch, expected TEXT"
        elif is_named and where[0] != "button" and [one.get("parameter_name") for one in sent] != wanted:
            return 100, "Parameter name is missing or empty"
    extra = [where for where, sent in given.items() if sent]
    return (132000, f"{extra[0][0]}: number of parameters does not match (0)") if extra else None


def _wanted(template: Components) -> dict[tuple[str, str], list[str] | str]:
    """By component, and a button's number: the places, or the kind of a file."""
    wanted: dict[tuple[str, str], list[str] | str] = {}
    for part in template:
        if part["type"] == "HEADER":
            wanted["header", ""] = FILES.get(part["format"]) or _places(part.get("text", ""))
        if part["type"] == "BODY":
            wanted["body", ""] = _places(part["text"])
        for n, button in enumerate(part.get("buttons", [])):
            if places := _places(button.get("url", "")):
                wanted["button", str(n)] = places
    return wanted


def _places(text: str) -> list[str]:
    return list(dict.fromkeys(PLACE.findall(text)))


def is_named(template: Components) -> bool:
    """Whether its places have names: those of an address never have."""
    texts = [part.get("text", "") for part in template]
    return any(not place.isdigit() for text in texts for place in _places(text))


def rendered(template: Components, content: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The text that the customer reads, and the addresses of its buttons."""
    given = {(part["type"], str(part.get("index", ""))): part["parameters"] for part in content.get("components", [])}
    lines = [_filled(part["text"], given.get((part["type"].lower(), ""), [])) for part in template if part.get("text")]
    addresses = [
        _filled(button["url"], given.get(("button", str(n)), []))
        for part in template
        for n, button in enumerate(part.get("buttons", []))
        if "url" in button
    ]
    return "\n".join(lines), addresses


def _filled(text: str, parameters: Sequence[Mapping[str, Any]]) -> str:
    values = {str(one.get("parameter_name", n)): str(one.get("text", "")) for n, one in enumerate(parameters, 1)}
    return PLACE.sub(lambda place: values.get(place[1], place[0]), text)


def file_of(content: Mapping[str, Any]) -> dict[str, str]:
    """What the header says of its file: the upload's id, a document's name; empty if there is none."""
    headers = (part["parameters"] for part in content.get("components", []) if part["type"] == "header")
    return next((dict(one[one["type"]]) for one in chain(*headers) if one["type"] in FILES.values()), {})
