"""Safe HTML of a mail: own lists of what may stay, judged last by nh3. Pure.

Nothing in it runs, and nothing is loaded: remote images wait in `data-src` until somebody asks for them, and images
of the mail itself are named `cid:`, for the console to put its links there.
"""

from __future__ import annotations

import hashlib
import html
import re
from typing import Final
from urllib.parse import unquote

import nh3

from adapters.channels.email.reading import visible
from adapters.channels.email.reading.markup import VOID, End, Start, Text, ended_by, tokens

MOST_CHARS: Final = 2_000_000
MOST_DEPTH: Final = 200
"""Elements inside each other; deeper ones leave their content. A parser's time grows with the depth."""

MOST_TAGS: Final = 50_000
MOST_PIECE_CHARS: Final = 8000

_TAGS: Final = frozenset(
    {"a", "abbr", "address", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code"}
    | {"col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q"}
    | {"s", "samp", "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td"}
    | {"tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"}
)
_ATTRIBUTES: Final = {
    "*": {"align", "dir", "lang", "style", "title", "valign", "width", "height", "bgcolor"},
    "a": {"href"},
    "img": {"src", "alt", "border"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value"},
}
_STYLES: Final = frozenset(
    {"background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style"}
    | {"border-bottom-width", "border-collapse", "border-color", "border-left", "border-left-color"}
    | {"border-left-style", "border-left-width", "border-radius", "border-right", "border-right-color"}
    | {"border-right-style", "border-right-width", "border-spacing", "border-style", "border-top"}
    | {"border-top-color", "border-top-style", "border-top-width", "border-width", "clear", "color", "direction"}
    | {"display", "float", "font", "font-family", "font-size", "font-style", "font-variant", "font-weight"}
    | {"height", "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom", "margin-left"}
    | {"margin-right", "margin-top", "max-height", "max-width", "min-height", "min-width", "overflow", "padding"}
    | {"padding-bottom", "padding-left", "padding-right", "padding-top", "table-layout", "text-align"}
    | {"text-decoration", "text-indent", "text-transform", "unicode-bidi", "vertical-align", "white-space"}
    | {"width", "word-break", "word-spacing", "word-wrap"}
)
_DECLARATION: Final = re.compile(r"[\w\s#%.,+\-!'\"]*(?:rgba?\([\d\s%.,/]*\)[\w\s#%.,+\-!'\"]*)*", re.IGNORECASE)
_PICTURE: Final = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_LINK: Final = re.compile(r"\s*(?:https?://|mailto:|tel:)", re.IGNORECASE)
_REMOTE: Final = re.compile(r"https?://[^\s]+", re.IGNORECASE)
_CID: Final = re.compile(r"cid:\s*(\S.*)", re.IGNORECASE | re.DOTALL)


def clean(source: str) -> str:
    """The HTML that may be shown."""
    source = source[:MOST_CHARS]
    # A name that nobody can have written into this very mail.
    mark = "remote-" + hashlib.sha256(source.encode()).hexdigest() + ":"

    def judge(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "style":
            return _style(value)
        if attribute == "href":
            return value if _LINK.match(value) else None
        return _source(value, mark) if (tag, attribute) == ("img", "src") else value

    safe = nh3.clean(
        _balanced(source),
        tags=set(_TAGS),
        clean_content_tags={"script", "style"},
        attributes={name: set(allowed) for name, allowed in _ATTRIBUTES.items()},
        attribute_filter=judge,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return safe.replace(f' src="{mark}', ' data-src="')


def cids(safe: str) -> set[str]:
    """The parts that safe HTML refers to."""
    return {html.unescape(found) for found in re.findall(r' src="cid:([^"]*)"', safe)}


def from_text(text: str) -> str:
    """A text as HTML that looks the same."""
    lines = html.escape(text).replace("  ", "&nbsp; ").split("\n")
    return "<div>" + "<br>\n".join(lines) + "</div>" if text else ""


def _balanced(source: str) -> str:
    """The same with known tags and attributes alone, each closed where it must be, none deeper than may be.

    What a parser makes of it then can't differ from what stands there.
    """
    out: list[str] = []
    open_tags: list[str] = []
    tags = 0
    sheet = visible.Sheet(source)
    for token in tokens(source):
        if isinstance(token, Text):
            out.append(_text(token.text))
        elif isinstance(token, End):
            if token.name in open_tags:
                _close(len(open_tags) - 1 - open_tags[::-1].index(token.name), open_tags, out)
        elif token.name in _TAGS and tags < MOST_TAGS:
            tags += 1
            _close(ended_by(token.name, open_tags), open_tags, out)
            if token.name in VOID:
                out.append(_tag(token))
            elif len(open_tags) < MOST_DEPTH:
                out.append(_tag(_as_hidden(token, sheet)))
                open_tags.append(token.name)
    _close(0, open_tags, out)
    return "".join(out)


def _close(stay: int, open_tags: list[str], out: list[str]) -> None:
    while len(open_tags) > stay:
        out.append(f"</{open_tags.pop()}>")


def _text(text: str) -> str:
    """Escaped, with comments between: a parser's time for one piece of text grows with the square of its `&`."""
    pieces = (text[at : at + MOST_PIECE_CHARS] for at in range(0, len(text), MOST_PIECE_CHARS))
    return "<!---->".join(html.escape(piece, quote=False) for piece in pieces)


def _tag(token: Start) -> str:
    allowed = _ATTRIBUTES["*"] | _ATTRIBUTES.get(token.name, set())
    kept = (
        f' {name}="{html.escape(value)}"'
        for name, value in token.attributes.items()
        if name in allowed and (len(value) <= MOST_PIECE_CHARS or _PICTURE.fullmatch(value))
    )
    return f"<{token.name}{''.join(kept)}>"


def _as_hidden(token: Start, sheet: visible.Sheet) -> Start:
    """An element that the mail's own styles hide says so itself, since they don't stay."""
    if "hidden" not in token.attributes and not sheet.hides(token):
        return token
    return Start(token.name, {**token.attributes, "style": token.attributes.get("style", "") + ";display:none"})


def _style(value: str) -> str | None:
    """Declarations of known properties, whose values can't refer to anything."""
    kept: list[str] = []
    for declaration in value.split(";"):
        name, colon, given = declaration.partition(":")
        if colon and name.strip().lower() in _STYLES and _DECLARATION.fullmatch(given):
            kept.append(f"{name.strip().lower()}:{given.strip()}")
    return ";".join(kept) or None


def _source(value: str, mark: str) -> str | None:
    """Where an image comes from."""
    if own := _CID.fullmatch(value.strip()):
        return "cid:" + unquote(own[1]).strip("<>")
    if _PICTURE.fullmatch(value):
        return value
    remote = value.strip()
    return mark + remote if _REMOTE.fullmatch(remote) else None
