"""The approved templates of a WhatsApp Business Account: pure."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct, field

from backbone.channel import MalformedError, Template

FIELDS: Final = "name,language,status,components"
PLACE: Final = "{{"
PLAIN_BUTTONS: Final = frozenset({"QUICK_REPLY", "PHONE_NUMBER", "URL"})
"""Those that need nothing of who sends, unless there is a place in their address."""


class _Button(Struct):
    type: str = ""
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
    """The templates of a page that can be sent with a text's values alone, and where the next page begins.

    Raises MalformedError.
    """
    try:
        page = msgspec.json.decode(body, type=_Page)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None
    after = page.paging.cursors.after if page.paging.next else ""
    return [_template(one) for one in page.data if one.status == "APPROVED" and _is_plain(one)], after


def _template(one: _Template) -> Template:
    parts = {part.type: part.text for part in one.components}
    text = "\n".join(filter(None, (parts.get("HEADER"), parts.get("BODY"), parts.get("FOOTER"))))
    return Template(name=one.name, language=one.language, text=text)


def _is_plain(one: _Template) -> bool:
    """Whether its places are all in its body: no picture to choose, no value in its title or in a button."""
    for part in one.components:
        is_body = part.type == "BODY"
        if part.type not in {"HEADER", "BODY", "FOOTER", "BUTTONS"} or part.format != "TEXT":
            return False
        if not is_body and PLACE in part.text:
            return False
        if any(button.type not in PLAIN_BUTTONS or PLACE in button.url for button in part.buttons):
            return False
    return any(part.type == "BODY" and part.text for part in one.components)
