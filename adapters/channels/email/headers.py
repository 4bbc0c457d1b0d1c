"""Headers of a mail as people and programs wrote them: words, parameters, addresses, ids, dates. Pure, never raises."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from adapters.channels.email import charset, mailboxes, structured

_WORD: Final = re.compile(r"=\?([^?\s*]{1,64})(?:\*[^?\s]*)?\?([bBqQ])\?((?:[^?=]|\?(?!=)|=(?!\?[^=]))*)\?=")
_PADDING: Final = re.compile(rb"=+")
_STRANGE: Final = re.compile(rb"[^A-Za-z0-9+/\s]")
_NO_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_SAMPLE_BYTES: Final = 4000
_MOST_STRANGE: Final = 2
"""Bytes of a line in base64 that may be broken."""

_WORDS: Final = re.compile(rb"[^\s] [^\s]")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_BETWEEN: Final = re.compile(r"\s*")
_SPACES: Final = re.compile(r"\s+")
_ID: Final = re.compile(r"<[^<>\s]{1,990}>")
_DATE: Final = re.compile(
    r"(\d{1,2})[ -]+([A-Za-z]{3})[a-z]*\.?[ -]+(\d{2,4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|[A-Za-z]{1,5})?"
)
_FORGOTTEN: Final = re.compile(
    r"(?<=[\s,])(?:charset|boundary|name|filename|format|delsp|type)\*?[0-9]?\*?[ \t]?=", re.IGNORECASE
)
"""A parameter whose semicolon is missing, as scripts write `text/html charset=utf-8`."""

_TOKENS: Final = frozenset({"charset", "boundary", "format", "delsp", "smime-type", "report-type", "method", "type"})
"""Parameters whose values are single words: what stands behind is a comment, or a parameter without its semicolon."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES: Final = {"est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420}
MOST_CHARS: Final = 100_000
"""Of one header; what is beyond is no header that anybody meant."""


class Address(NamedTuple):
    """A mailbox: the name as shown, and the address in lower case; `written` with its capitals, where it has any."""

    name: str
    address: str
    written: str = ""


def words(raw: bytes) -> str:
    """A header's text in one line: RFC 2047, also where a character is cut between two words, or plain 8-bit."""
    text = charset.decode(raw[:MOST_CHARS])
    parts: list[str] = []
    pending, label, at = b"", "", 0
    for word in _WORD.finditer(text):
        follows = bool(pending) and _BETWEEN.fullmatch(text, at, word.start()) is not None
        content = _content(word[2], word[3])
        if not (follows and word[1].lower() == label):
            parts.append(charset.decode(pending, label))
            parts.append("" if follows else text[at : word.start()])
            pending, label = b"", word[1].lower()
        pending += content
        at = word.end()
    parts += [charset.decode(pending, label), text[at:]]
    return _SPACES.sub(" ", "".join(parts)).strip()


def parameters(raw: bytes) -> tuple[str, dict[str, str]]:
    """The value before the first semicolon in lower case, and the parameters: RFC 2231, and the words that many
    write in its place.
    """
    text = charset.decode(raw[:MOST_CHARS]).replace("\n", " ")
    value, *further = (piece for piece, _ in structured.pieces(text, ";"))
    value, forgotten = _token(value)
    rest = ";".join([forgotten, *further])
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, given in _pairs(rest):
        base, _, number = name.rstrip("*").partition("*")
        if "*" not in name:
            plain.setdefault(name, words(given.encode()))
        elif len(number) < 4:
            index = int(number) if number.isascii() and number.isdecimal() else 0
            pieces.setdefault(base, {}).setdefault(index, (given, name.endswith("*")))
    for name, found in pieces.items():
        plain[name] = _joined([found[index] for index in sorted(found)])
    return value, plain


def _token(text: str) -> tuple[str, str]:
    """A value in lower case, without quotes and comments, and what stands behind it without a semicolon."""
    words = _comments_out(text).replace('"', " ").strip().split(maxsplit=1)
    forgotten = _FORGOTTEN.search(text)
    return (words[0] if words else "").rstrip(",").lower(), text[forgotten.start() :] if forgotten else ""


def addresses(raw: bytes) -> list[Address]:
    """The mailboxes of an address list, in order; what has no address in it is left out."""
    # Some encode names and addresses together, which no standard allows.
    return _mailboxes(charset.decode(raw[:MOST_CHARS]).replace("\n", " ")) or _mailboxes(words(raw))


def _mailboxes(text: str) -> list[Address]:
    return [
        Address(words(_unquoted(name).encode()), address, written if written != address else "")
        for name, address, written in mailboxes.read(text)
    ]


def ids(raw: bytes) -> list[str]:
    """Message-IDs with their brackets, in order."""
    return _ID.findall(charset.decode(raw[:MOST_CHARS]))


def own_id(raw: bytes) -> str:
    """The id that a mail gives itself, with brackets, empty if none; some leave them out or put spaces inside."""
    found = ids(raw)
    bare = _SPACES.sub("", charset.decode(raw[:990])).strip("<>")
    return found[0] if found else f"<{bare}>" if bare else ""


def timestamp_ms(raw: bytes) -> int:
    """UTC milliseconds of a date, 0 where it can't be read."""
    found = _DATE.search(charset.decode(raw[:1000]))
    if not found or found[2].lower() not in _MONTHS:
        return 0
    year = int(found[3])
    year += 2000 if year < 50 else 1900 if year < 1000 else 0
    month = _MONTHS.index(found[2].lower()) + 1
    try:
        there = datetime(year, month, int(found[1]), int(found[4]), int(found[5]), int(found[6] or 0), tzinfo=UTC)
        return max(0, int((there - timedelta(minutes=_zone(found[7] or ""))).timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def _zone(text: str) -> int:
    """Minutes east of Greenwich; unknown names count as none (RFC 5322, 4.3)."""
    if text[:1] in {"+", "-"}:
        minutes = int(text[1:3]) * 60 + int(text[3:5])
        return -minutes if text[0] == "-" else minutes
    return _ZONES.get(text.lower(), 0)


def _content(kind: str, text: str) -> bytes:
    if kind in "qQ":
        return binascii.a2b_qp(text.encode(), header=True)
    return base64(text.encode())


def base64(raw: bytes) -> bytes:
    """What base64 says, also if it is cut, badly padded, in pieces with padding of their own, or mixed with what isn't
    base64; a text below it, such as a list's, ends it.
    """
    try:
        if _STRANGE.search(raw.rstrip(b"= \t\r\n")) is None:
            return binascii.a2b_base64(raw)
    except binascii.Error:
        pass
    found = bytearray()
    for piece in _PADDING.split(_coded(raw)):
        kept = _NO_BASE64.sub(b"", piece)
        kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
        found += binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    return bytes(found)


def is_base64(raw: bytes) -> bool:
    """Whether most of it are lines of base64: a label of a text that was never encoded is refuted by its words."""
    lines = [line.strip() for line in raw[:_SAMPLE_BYTES].splitlines() if line.strip()]
    odd = sum(
        len(line)
        for line in lines
        if len(_WORDS.findall(line)) > 1 or len(_STRANGE.findall(line.rstrip(b"="))) > _MOST_STRANGE
    )
    return 2 * odd <= sum(map(len, lines))


def _coded(raw: bytes) -> bytes:
    """The lines up to the last padding that have no words between; all of it where there is no padding."""
    end = raw.rfind(b"=")
    below = raw[end + 1 :] if end >= 0 else b""
    return raw[: end + 1] if end >= 0 and _WORDS.search(below) else raw


def _pairs(text: str) -> list[tuple[str, str]]:
    """`name=value` of parameters; values may be quoted, and hold semicolons then."""
    found: list[tuple[str, str]] = []
    for piece, _ in structured.pieces(text, ";"):
        name, sign, value = piece.partition("=")
        name = _comments_out(name).strip().lower()
        if sign and name:
            value, forgotten = _value(name, value.strip())
            found.append((name, value))
            if forgotten:
                found += [pair for pair in [_pair(forgotten)] if pair[0]]
    return found


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), _value(name.strip().lower(), value.strip())[0]


def _value(name: str, text: str) -> tuple[str, str]:
    """A parameter's value, and the parameter behind it whose semicolon is missing."""
    if text.startswith('"'):
        quoted = _QUOTED.match(text)
        behind = text[quoted.end() :] if quoted else ""
        forgotten = _FORGOTTEN.search(behind)
        return _unquoted(quoted[0] if quoted else text), behind[forgotten.start() :] if forgotten else ""
    if name.rstrip("*0123456789") not in _TOKENS:
        return text, ""
    forgotten = _FORGOTTEN.search(text)
    words = _comments_out(text[: forgotten.start()] if forgotten else text).split(maxsplit=1)
    word = words[0].strip("'") if words else ""
    return word, text[forgotten.start() :] if forgotten else ""


def _joined(pieces: list[tuple[str, bool]]) -> str:
    """Pieces of an RFC 2231 value; the first names the charset if it is encoded."""
    label = ""
    if pieces[0][1] and pieces[0][0].count("'") >= 2:
        label, _, first = pieces[0][0].split("'", 2)
        pieces = [(first, True), *pieces[1:]]
    runs = [(coded, "".join(text for text, _ in run)) for coded, run in groupby(pieces, key=lambda piece: piece[1])]
    # Joined first: some cut within the two digits behind a percent sign.
    raw = b"".join(unquote_to_bytes(text) if coded else text.encode() for coded, text in runs)
    return charset.decode(raw, label) if label or any(coded for _, coded in pieces) else words(raw)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip('"') if text.startswith('"') else text


def _comments_out(text: str) -> str:
    return re.sub(r"\([^()]*\)?", " ", text)
