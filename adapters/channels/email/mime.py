"""A mail's bytes as a tree of parts: pure, never raises, in time that grows with the size alone.

Broken boundaries, missing blank lines and NUL are taken as mail programs take them: what can be shown is kept.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import Final

from adapters.channels.email import charset, headers, uuencode

MOST_PARTS: Final = 1000
MOST_DEPTH: Final = 30
MOST_HEADER_BYTES: Final = 1024 * 1024
MOST_MARKS: Final = 10_000
"""Lines that begin like a boundary; what comes after so many belongs to the last part."""

_BLANK: Final = re.compile(rb"\r?\n\r?\n")
_NAME: Final = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,100})[ \t]*:")
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")
_LETTERS: Final = re.compile(r"[^a-z0-9]+")
_ENCODINGS: Final = {
    "base64": "base64",
    "xbase64": "base64",
    "b": "base64",
    "quotedprintable": "quoted-printable",
    "quotedprintible": "quoted-printable",
    "quoteprintable": "quoted-printable",
    "qp": "quoted-printable",
    "q": "quoted-printable",
    "xuuencode": "x-uuencode",
    "uuencode": "x-uuencode",
    "xuue": "x-uuencode",
    "xuu": "x-uuencode",
    "uue": "x-uuencode",
}
"""By letters and figures alone."""

_TYPES: Final = {
    "text": "text/plain",
    "plain": "text/plain",
    "plain/text": "text/plain",
    "text/text": "text/plain",
    "text/txt": "text/plain",
    "text/ascii": "text/plain",
    "application/text": "text/plain",
    "html": "text/html",
    "html/text": "text/html",
    "text/htm": "text/html",
    "text/xhtml": "text/html",
    "application/html": "text/html",
    "application/xhtml+xml": "text/html",
    "image/jpg": "image/jpeg",
}
"""What programs write in the place of a type that everybody knows."""

_KNOWN: Final = frozenset(
    {"from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type", "reply-to", "return-path"}
    | {"content-transfer-encoding", "content-disposition", "received", "delivered-to", "in-reply-to", "references"}
    | {"sender", "dkim-signature", "authentication-results", "content-id", "x-mailer", "list-id"}
)
MOST_BAD_LINES: Final = 5
"""Lines among the headers that are none; with more of them they are a text."""

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,80}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}")
_MARK: Final = re.compile(rb"^--(?=\S)([^\r\n]{1,200})\r?\n(?=content-)", re.MULTILINE | re.IGNORECASE)
_LOOK_BYTES: Final = 20_000


class Part:
    """A part of a mail: a span of the mail's bytes, which are copied only where they are asked for."""

    __slots__ = ("_body", "_end", "_source", "_start", "children", "fields", "mime", "parameters")

    def __init__(self, source: bytes, start: int, end: int, default: str) -> None:
        self._source = source
        self._start = start
        self._end = end
        self.fields, self._body = _fields(source, start, end)
        self.children: list[Part] = []
        declared, self.parameters = headers.parameters(self.first("content-type"))
        declared = _TYPES.get(declared, declared)
        self.mime = declared if _TYPE.fullmatch(declared) else default

    @property
    def body(self) -> bytes:
        """What follows the headers, still encoded."""
        return self._source[self._body : self._end]

    @property
    def size(self) -> int:
        """Bytes of `body`."""
        return self._end - self._body

    def first(self, name: str) -> bytes:
        """The topmost field of that name, unfolded; empty if there is none."""
        return next((value for field, value in self.fields if field == name), b"")

    def every(self, name: str) -> list[bytes]:
        """All fields of that name from the top."""
        return [value for field, value in self.fields if field == name]

    def content(self) -> bytes:
        """The body decoded from its transfer encoding; one that isn't known is left as it is."""
        encoding = self.encoding
        if encoding == "base64":
            body = self.body
            return headers.base64(body) if headers.is_base64(body) else body
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        if encoding == "x-uuencode":
            return uuencode.decoded(self.body)
        return self.body

    @property
    def encoding(self) -> str:
        """The transfer encoding, whatever is written around it; empty for none and for one that isn't known."""
        written, _ = headers.parameters(self.first("content-transfer-encoding"))
        return _ENCODINGS.get(_LETTERS.sub("", written), "")

    def unwrap(self) -> bool:
        """A multipart that is encoded as a whole is read as what it encodes. Returns whether it was one.

        RFC 2045 forbids it, and gateways write it.
        """
        if self.encoding in {"", "x-uuencode"} or self._declared():
            return False
        inner = self.content()
        raw, begin, end = self._source, self._body, self._end
        self._source, self._body, self._end = b"\n" + inner, 1, len(inner) + 1
        if self._declared():
            return True
        self._source, self._body, self._end = raw, begin, end
        return False

    def text(self) -> str:
        """The content of a text."""
        return charset.decode(self.content(), self.parameters.get("charset", ""))

    def to_utf8(self, label: str) -> None:
        """Fields beyond ASCII, which say no charset, are taken for text of `label`."""
        if all(value.isascii() for _, value in self.fields):
            return
        self.fields = [
            (name, value if value.isascii() else charset.decode(value, label).encode()) for name, value in self.fields
        ]
        _, self.parameters = headers.parameters(self.first("content-type"))

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def end(self) -> int:
        """Where it ends, as `spans` counts."""
        return self._end

    def split(self, spans: list[tuple[int, int]], default: str) -> list[Part]:
        """Parts of these spans."""
        return [Part(self._source, start, end, default) for start, end in spans]

    def spans(self) -> list[tuple[int, int]]:
        """Begin and end of what stands between the boundaries; where the declared one is nowhere, by the first line
        that looks like one.
        """
        found = self._declared()
        if not found:
            looks = _MARK.search(self._source, self._body, min(self._end, self._body + _LOOK_BYTES))
            found = _spans(self._source, self._body, self._end, looks[1].rstrip()) if looks else []
        return found

    def _declared(self) -> list[tuple[int, int]]:
        boundary = self.parameters.get("boundary", "").encode().rstrip()
        return _spans(self._source, self._body, self._end, boundary) if boundary else []


def read(raw: bytes) -> Part:
    """The tree of a mail."""
    source = _begun(raw if b"\n" in raw else raw.replace(b"\r", b"\n"))
    root = Part(source, 0, len(source), "text/plain")
    parts = 1
    waiting = [(root, 0)]
    while waiting:
        part, depth = waiting.pop()
        if not part.mime.startswith("multipart/"):
            continue
        part.unwrap()
        below = "message/rfc822" if part.mime == "multipart/digest" else "text/plain"
        spans = part.spans()[: MOST_PARTS - parts] if depth < MOST_DEPTH else []
        if spans and len(spans) + parts == MOST_PARTS:
            # What is beyond belongs to the last one, as it came.
            spans[-1] = (spans[-1][0], part.end)
        part.children = part.split(spans, below)
        parts += len(spans)
        waiting += [(child, depth + 1) for child in part.children]
        if not spans:
            # Nothing tells its parts apart: it is shown as what it looks like.
            part.mime = "text/html" if b"<html" in part.body[:_LOOK_BYTES].lower() else "text/plain"
    _name_charset(root)
    return root


def _begun(source: bytes) -> bytes:
    """Without a byte order mark, and without empty lines above the first header."""
    source = source.removeprefix(b"\xef\xbb\xbf")
    rest = source[:_LOOK_BYTES].lstrip(b"\r\n")
    name = _NAME.match(rest)
    is_late = len(rest) < min(len(source), _LOOK_BYTES) and name and name[1].decode("ascii").lower() in _KNOWN
    return source.lstrip(b"\r\n") if is_late else source


def _name_charset(root: Part) -> None:
    """Headers beyond ASCII without a label are in the charset of the mail's text, if in any: they become UTF-8."""
    parts = list(root.walk())
    labels = (each.parameters.get("charset", "") for each in parts if each.mime.startswith("text/"))
    label = next(filter(None, labels), "")
    for part in parts:
        part.to_utf8(label)


def opened(part: Part) -> Part:
    """The mail within a part of type message/rfc822, or the headers of one (text/rfc822-headers)."""
    return read(part.content().lstrip(b"\r\n"))


def _fields(source: bytes, start: int, end: int) -> tuple[list[tuple[str, bytes]], int]:
    """Header fields (names in lower case), and where the body begins. A line that is no header ends them."""
    if source.startswith((b"\r\n", b"\n"), start, end):
        return [], source.index(b"\n", start, end) + 1
    blank = _BLANK.search(source, start, min(end, start + MOST_HEADER_BYTES))
    head = source[start : blank.start() if blank else min(end, start + MOST_HEADER_BYTES)]
    lines = _unfolded(head)
    names = [_NAME.match(line) for line in lines]
    last = _last_known(names)
    fields: list[tuple[str, bytes]] = []
    at = start
    bad = 0
    for index, (line, name) in enumerate(zip(lines, names, strict=True)):
        if name:
            fields.append((name[1].decode("ascii").lower(), _FOLD.sub(b"", line[name.end() :]).strip()))
        elif at > start or not line.startswith((b"From ", b">From ")):
            bad += 1
            # Where headers that everybody knows follow, it is a bad line and no end.
            if index >= last or bad > MOST_BAD_LINES or (not fields and start and not _is_head(names)):
                return fields, at
        at += len(line)
    return fields, blank.end() if blank else at


def _is_head(names: list[re.Match[bytes] | None]) -> bool:
    """Whether a part that begins with a bad line has headers all the same: two that everybody knows."""
    known = (name for name in names[: MOST_BAD_LINES + 3] if name and name[1].decode("ascii").lower() in _KNOWN)
    return next(known, None) is not None and next(known, None) is not None


def _last_known(names: list[re.Match[bytes] | None]) -> int:
    """The last line up to which all are headers but for some, and which is one that everybody knows."""
    bad, last = 0, -1
    for index, name in enumerate(names):
        bad += name is None
        if bad > MOST_BAD_LINES:
            break
        if name and name[1].decode("ascii").lower() in _KNOWN:
            last = index
    return last


def _unfolded(head: bytes) -> list[bytes]:
    """Lines with their ends, each with those that continue it."""
    lines: list[bytes] = []
    begin = 0
    while begin < len(head):
        end = head.find(b"\n", begin) + 1 or len(head)
        while head[end : end + 1] in {b" ", b"\t"}:
            end = head.find(b"\n", end) + 1 or len(head)
        lines.append(head[begin:end])
        begin = end
    return lines


def _spans(source: bytes, begin: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
    mark = b"\n--" + boundary
    found: list[tuple[int, int]] = []
    opened_at = -1
    # The body's first line may be a boundary: the newline before it belongs to the headers.
    at = source.find(mark, max(0, begin - 1), end)
    for _ in range(MOST_MARKS):
        if at < 0:
            break
        line_end = source.find(b"\n", at + len(mark), end)
        line_end = end if line_end < 0 else line_end + 1
        rest = source[at + len(mark) : min(line_end, at + len(mark) + 100)].strip()
        if rest in {b"", b"--"}:
            if opened_at >= 0:
                found.append((opened_at, max(opened_at, at - 1 if source[at - 1 : at] == b"\r" else at)))
            opened_at = line_end if not rest else -1
        at = source.find(mark, max(at + 1, line_end - 1), end)
    if opened_at >= 0:
        # The last boundary is missing: the rest is the last part.
        found.append((opened_at, end))
    return found
