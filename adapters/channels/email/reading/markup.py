"""HTML of mails as a stream of texts and tags: pure, never raises, in time that grows with the size alone.

It reads as loosely as mail programs do and judges nothing: what is safe, `html.clean` says.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class Text(NamedTuple):
    """Characters, entities resolved."""

    text: str


class Start(NamedTuple):
    """A tag that begins an element; names in lower case, entities resolved."""

    name: str
    attributes: dict[str, str]


class End(NamedTuple):
    """A tag that ends an element."""

    name: str


Token = Text | Start | End

VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_RAW: Final = frozenset({"script", "style", "title", "iframe", "noembed", "noframes", "xmp", "plaintext", "textarea"})
"""Elements whose content is no markup; one that isn't closed hides the rest, as in a browser."""

SILENT: Final = _RAW | {"noscript", "object", "template", "select", "svg", "math"}
"""Elements whose content is no text of the mail: left out with all that is in them."""

_BEGIN: Final = re.compile(r"<(?=[A-Za-z/!?])")
_TAG: Final = re.compile(r"<(/?)([A-Za-z][^\s/>]{0,60})[^\s/>]*")
_ATTRIBUTE: Final = re.compile(
    r"[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|(\"|')|([^\s>\"'][^\s>]*)?))?"
)
_CLOSE: Final = re.compile(r"[\s/]*>")
_CLOSES: Final = {name: re.compile(rf"</{name}(?=[\s/>])[^>]*>?", re.IGNORECASE) for name in SILENT}
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,40});")
MOST_ATTRIBUTES: Final = 50

_ENDS: Final = {
    "p": {"p"},
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tr": {"tr", "td", "th", "caption", "colgroup"},
    "tbody": {"thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup"},
    "tfoot": {"thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup"},
    "thead": {"thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup"},
}
"""Elements that one ends by beginning, as far as it stands in the same list or table."""

_BARRIERS: Final = frozenset({"table", "ul", "ol", "dl", "blockquote"})


def tokens(source: str) -> Iterator[Token]:
    """The stream. Comments, declarations and silent elements are left out; a tag that is cut off ends it."""
    at = 0
    endless: set[str] = set()
    while at < len(source):
        found = _BEGIN.search(source, at)
        begin = found.start() if found else len(source)
        if begin != at:
            yield Text(html.unescape(source[at:begin]))
        if not found:
            return
        at, token = _markup(source, begin)
        if isinstance(token, Start) and token.name in SILENT:
            at = _after(source, at, token.name, endless)
        elif token is not None:
            yield token


def _markup(source: str, begin: int) -> tuple[int, Token | None]:
    """What begins with the `<` at `begin`, and where it ends."""
    tag = _TAG.match(source, begin)
    if not tag:
        return _after_comment(source, begin), None
    at = tag.end()
    attributes: dict[str, str] = {}
    while not (close := _CLOSE.match(source, at)):
        one = _ATTRIBUTE.match(source, at)
        if not one or one[4] or one.end() == at:
            # A quote that isn't closed, or the end: a browser drops the tag and all that follows.
            return len(source), None
        if len(attributes) < MOST_ATTRIBUTES:
            attributes.setdefault(one[1].lower(), _value(one[2] or one[3] or one[5] or ""))
        at = one.end()
    name = tag[2].lower()
    return close.end(), End(name) if tag[1] else Start(name, attributes)


def _after_comment(source: str, begin: int) -> int:
    if source.startswith("<!--", begin):
        # Conditional comments of Outlook hide content from all others: hidden here as well.
        end = source.find("-->", begin + 2)
        return len(source) if end < 0 else end + 3
    end = source.find(">", begin)
    return len(source) if end < 0 else end + 1


def _after(source: str, at: int, name: str, endless: set[str]) -> int:
    """Where a silent element ends. `endless` holds names that no end follows any more, so that each is sought once."""
    if source[at - 2 : at] == "/>" and name in {"svg", "math"}:
        return at
    end = None
    if name not in endless:
        end = _CLOSES[name].search(source, at)
    if end:
        return end.end()
    endless.add(name)
    return len(source) if name in _RAW else at


def _value(text: str) -> str:
    """An attribute's value; `&para=1` in an address is no entity, as one there must end with a semicolon."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def ended_by(name: str, open_tags: list[str]) -> int:
    """How many of the open elements stay open where `name` begins."""
    stay = len(open_tags)
    ends = _ENDS.get(name, set())
    for index in range(len(open_tags) - 1, -1, -1):
        if open_tags[index] in ends:
            stay = index
        elif not ends or open_tags[index] in _BARRIERS or (name == "p" and open_tags[index] in {"td", "th", "div"}):
            break
    return stay
