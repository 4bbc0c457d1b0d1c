"""The approved templates of a WhatsApp Business Account, and how one is sent: pure.

The places of a title are `{{title.1}}` to us and the end of a button's address is `{{button.1}}`, by its number:
WhatsApp counts the places of each component by itself, and buttons from 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from backbone.channel import MalformedError, Template

FIELDS: Final = "name,language,status,components"
PLACE: Final = "{{"
ANY_PLACE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
ENDS: Final = re.compile(r"^[^{]*\{\{\s*1\s*\}\}$")
FILES: Final[dict[str, Literal["image", "video", "file"]]] = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "file"}
"""By the format of a header: our kind of the file that stands there."""

BUTTONS: Final = frozenset({"QUICK_REPLY", "PHONE_NUMBER", "URL"})
"""Those that need nothing of who sends, but the end of an address with a place in it."""


class _Button(Struct):
    type: str = ""
    text: str = ""
    url: str = ""


class _Component(Struct):
    type: str
    format: str = "TEXT"
    text: str = ""
    buttons: list[_Button] = []


class _Template(Struct):
    name: str
    language: str
    status: str = ""
    components: list[_Component] = []


class _Cursors(Struct):
    after: str = ""


class _Paging(Struct):
    cursors: _Cursors = field(default_factory=_Cursors)
    next: str = ""


class _Page(Struct):
    data: list[_Template]
    paging: _Paging = field(default_factory=_Paging)


def read(body: bytes) -> tuple[list[Template], str]:
    """The templates of a page that can be sent with values and a file, and where the next page begins.

    Raises MalformedError.
    """
    try:
        page = msgspec.json.decode(body, type=_Page)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None
    after = page.paging.cursors.after if page.paging.next else ""
    return [_template(one) for one in page.data if one.status == "APPROVED" and _can_be_sent(one)], after


def _template(one: _Template) -> Template:
    parts = {part.type: part for part in one.components}
    lines: list[str] = []
    header = parts.get("HEADER")
    if header is not None:
        # Its places are counted from 1 as those of the body are.
        lines.append(ANY_PLACE.sub(r"{{title.\1}}", header.text))
    lines += [parts[name].text for name in ("BODY", "FOOTER") if name in parts]
    if "BUTTONS" in parts:
        for n, button in enumerate(parts["BUTTONS"].buttons, 1):
            if PLACE in button.url:
                lines.append(f"{button.text}: {button.url[: button.url.index(PLACE)]}{{{{button.{n}}}}}")
    return Template(
        name=one.name,
        language=one.language,
        text="\n".join(filter(None, lines)),
        file=FILES.get(header.format, "") if header else "",
    )


def _can_be_sent(one: _Template) -> bool:
    """Whether values and a file are all that it wants: no place on a map, no coupon, no form."""
    for part in one.components:
        if part.type not in {"HEADER", "BODY", "FOOTER", "BUTTONS"}:
            return False
        if part.format != "TEXT" and (part.type != "HEADER" or part.format not in FILES):
            return False
        for button in part.buttons:
            # WhatsApp puts what is given at the end of the address.
            if button.type not in BUTTONS or (PLACE in button.url and not ENDS.search(button.url)):
                return False
    return any(part.type == "BODY" and part.text for part in one.components)


def content(told: Mapping[str, str], header: Mapping[str, Any] | None) -> dict[str, Any]:
    """A template as a message carries it (`Out.template`), with the file of its header as a parameter.

    Raises MalformedError where its parameters aren't a JSON list or object of texts.
    """
    try:
        given = msgspec.json.decode(told.get("parameters") or "[]", type=list[str] | dict[str, str])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise MalformedError("parameters of a template are a JSON list or object of texts") from None
    values = given if isinstance(given, dict) else {str(n): value for n, value in enumerate(given, 1)}
    title = [header] if header else _texts(_after("title.", values))
    body = _texts({place: value for place, value in values.items() if "." not in place})
    parts = [{"type": name, "parameters": each} for name, each in (("header", title), ("body", body)) if each]
    parts += [
        {"type": "button", "sub_type": "url", "index": str(int(n) - 1), "parameters": [{"type": "text", "text": value}]}
        for n, value in _after("button.", values).items()
        if n.isascii() and n.isdigit()
    ]
    template: dict[str, Any] = {"name": told.get("name", ""), "language": {"code": told.get("language", "")}}
    return {"type": "template", "template": {**template, "components": parts} if parts else template}


def _after(word: str, values: Mapping[str, str]) -> dict[str, str]:
    return {place.removeprefix(word): value for place, value in values.items() if place.startswith(word)}


def _texts(values: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Values by number in their order, or by name: a template has either."""
    if all(place.isascii() and place.isdigit() for place in values):
        return [{"type": "text", "text": values[place]} for place in sorted(values, key=int)]
    return [{"type": "text", "parameter_name": place, "text": value} for place, value in values.items()]
