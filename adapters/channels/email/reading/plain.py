"""The text of a mail's HTML, for reading, searching and cutting quotes: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from adapters.channels.email.reading import attribution, visible
from adapters.channels.email.reading.markup import End, Start, Text, Token, tokens

QUOTE: Final = "\x1e"
"""A line of this alone begins what a mail program marked as quoted. No text of a mail has the character."""

UNQUOTE: Final = "\x1d"
"""The same where that ends, as far as its element says."""

MOST_CHARS: Final = 2_000_000

_BLOCKS: Final = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt"}
    | {"fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"}
    | {"html", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul"}
)
_APART: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "table"})
_CELLS: Final = frozenset({"td", "th"})
_BEHIND: Final = "> "
_INDENT: Final = "    "
MOST_DEPTH: Final = 20
_HOLDS: Final = re.compile(
    r"\b(gmail_quote|gmail_quote_container|yahoo_quoted|protonmail_quote|tutanota_quote|netease_quote)\b"
)
"""Classes of elements that hold all of a quotation; others only begin it."""

_BULLET: Final = "- "
_SPACES: Final = re.compile(r"[ \t\n\r\f]+")
_QUOTE_CLASS: Final = re.compile(
    r"\b(gmail_quote|gmail_quote_container|moz-cite-prefix|yahoo_quoted|protonmail_quote|zmail_extra|"
    r"ntes-mailmaster-quote|tutanota_quote|netease_quote|OutlookMessageHeader)\b"
)
_QUOTE_ID: Final = re.compile(
    r"(divRplyFwdMsg|appendonsend|isReplyContent|isForwardContent|reply-intro|ntes-pcmail-quote|mail-editor-reference-message"
    r"-container|OLK_SRC_BODY_SECTION)"
)


def without_marks(text: str) -> str:
    """A text without the characters that mark quotations."""
    return text.replace(QUOTE, "").replace(UNQUOTE, "")


def text_of(source: str) -> str:
    """The text that somebody sees, in lines. What stands in a quotation begins with `> `, as in a plain mail."""
    source = source[:MOST_CHARS]
    shown = _written(visible.tokens(tokens(source), visible.Sheet(source)))
    # Where all of it is hidden, somebody's judgement is wrong, maybe ours.
    return shown if shown.strip(f" \n{QUOTE}{UNQUOTE}") else _written(tokens(source))


def _written(found: Iterable[Token]) -> str:
    writer = _Writer()
    for token in found:
        if isinstance(token, Text):
            writer.write(token.text)
        elif isinstance(token, Start):
            writer.start(token)
        else:
            writer.end(token)
    return writer.text()


class _Writer:
    """Puts lines together as a browser would break them. A line is kept in pieces: one of a megabyte may have many."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._pieces: list[str] = []
        self._is_blank = True
        self._verbatim = 0
        self._link: tuple[str, int] | None = None
        self._blocks: list[str] = []
        """Open blockquotes, by what stands before their lines: those of formatting are indented."""

        self._marks: list[tuple[str, int]] = []
        """Elements that hold a quotation: their name, and how many of that name are open in them."""

    def write(self, text: str) -> None:
        """Characters between tags."""
        text = without_marks(text)
        if self._verbatim:
            first, *rest = text.split("\n")
            self._put(first)
            for line in rest:
                self._break()
                self._put(line)
            return
        text = _SPACES.sub(" ", text)
        if not self._pieces or self._pieces[-1].endswith(" "):
            text = text.lstrip(" ")
        self._put(text.replace("\xa0", " "))

    def start(self, tag: Start) -> None:
        """A tag that begins an element."""
        if tag.name == "br":
            self._break()
        elif tag.name in _BLOCKS:
            self._end_line()
        if tag.name in _APART:
            self._space()
        if _is_quote(tag):
            self._end_line()
            self._mark(tag)
        if tag.name == "blockquote" and len(self._blocks) < MOST_DEPTH:
            is_quoted = bool(self._marks) or attribution.introduces(self._last())
            self._blocks.append(_BEHIND if is_quoted else _INDENT)
        if self._marks and self._marks[-1][0] == tag.name:
            self._marks[-1] = (tag.name, self._marks[-1][1] + 1)
        self._verbatim += tag.name == "pre"
        self._begin(tag)

    def _begin(self, tag: Start) -> None:
        """What an element puts before its text, or in its place."""
        if tag.name == "li":
            self._pieces = [_BULLET]
        elif tag.name in _CELLS and not self._is_blank:
            self._put(" | ")
        elif tag.name == "a":
            self._link = (tag.attributes.get("href", "").strip(), len(self._pieces))
        elif tag.name == "img":
            self.write(tag.attributes.get("alt", "").strip())

    def end(self, tag: End) -> None:
        """A tag that ends one."""
        if tag.name == "a" and self._link:
            self._end_link(*self._link)
        if tag.name in _BLOCKS:
            self._end_line()
        if tag.name in _APART:
            self._space()
        if tag.name == "blockquote":
            del self._blocks[-1:]
        elif tag.name == "pre":
            self._verbatim = max(0, self._verbatim - 1)
        if self._marks and self._marks[-1][0] == tag.name:
            self._unmark()

    def _mark(self, tag: Start) -> None:
        """A quotation begins: to the end, where it isn't in an element of its own."""
        if not self._marks:
            self._lines.append(QUOTE)
        if _HOLDS.search(tag.attributes.get("class", "")) or tag.name == "blockquote" or self._marks:
            if len(self._marks) < MOST_DEPTH:
                self._marks.append((tag.name, 0))
        else:
            self._marks.append(("", 0))

    def _unmark(self) -> None:
        name, count = self._marks[-1]
        if count > 1:
            self._marks[-1] = (name, count - 1)
            return
        del self._marks[-1]
        self._end_line()
        if not self._marks:
            self._lines.append(UNQUOTE)

    def _last(self) -> str:
        """The last line with words."""
        for line in self._lines[:-4:-1]:
            if line.strip():
                return line
        return ""

    def text(self) -> str:
        """All lines, never more than one empty line between them."""
        self._end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def _put(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._is_blank = self._is_blank and not text.strip()

    def _end_link(self, href: str, since: int) -> None:
        """The address behind words that don't show it."""
        self._link = None
        shown = "".join(self._pieces[since:]).strip()
        is_shown = href.partition(":")[2].strip("/") in shown or shown.strip("/") in href
        if href.lower().startswith(("http://", "https://")) and shown and not is_shown:
            self._put(f" <{href}>")

    def _break(self) -> None:
        self._lines.append((self._prefix() + "".join(self._pieces)).rstrip())
        self._pieces, self._is_blank, self._link = [], True, None

    def _end_line(self) -> None:
        if not self._is_blank:
            self._break()
        elif self._pieces != [_BULLET]:
            self._pieces, self._link = [], None

    def _space(self) -> None:
        if self._lines and self._lines[-1].strip("> ") and self._lines[-1] not in {QUOTE, UNQUOTE}:
            self._lines.append(self._prefix().rstrip())

    def _prefix(self) -> str:
        return "".join(self._blocks)


def _is_quote(tag: Start) -> bool:
    attributes = tag.attributes
    return bool(
        _QUOTE_CLASS.search(attributes.get("class", ""))
        or _QUOTE_ID.search(attributes.get("id", ""))
        or (tag.name == "blockquote" and attributes.get("type", "").lower() == "cite")
    )
