"""Mailboxes of an address header (RFC 5322, 3.4), also as programs write them that never read it: pure, linear."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from adapters.channels.email import structured

_ADDRESS: Final = re.compile(r"(?<![^\s<>()\[\]\\,;:\"@])[^\s<>()\[\]\\,;:\"@]+@[^\s<>()\[\]\\,;:\"@]+")
_QUOTED: Final = re.compile(r"\"((?:[^\"\\]|\\.){1,64})\"@([^\s<>()\[\]\\,;:\"@]{1,253})")
"""A local part in quotes, which holds what RFC 5322 lets nobody write without: `"taro..yamada."@docomo.example`."""

_PLAIN: Final = re.compile(r"[^\s<>()\[\]\\,;:\"@\x00-\x1f\x7f]+")
_ATOM: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOTTED: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_SEPARATORS: Final = ",;:"
"""`;` and `:` end groups."""

_APOSTROPHES: Final = "'’‘‚´`“”„"
_COMMENT: Final = re.compile(r"\([^()]*\)")


class Mailbox(NamedTuple):
    """A mailbox: its name as it stands in the header; the address by which it is known, in lower case and without
    quotes that it doesn't need; the same with the capitals that it was written in.
    """

    name: str
    address: str
    written: str


def read(text: str) -> list[Mailbox]:
    """The mailboxes of a list, in order; what has no address in it is left out.

    A piece without one, before one with a bracket, is the first half of a name with a comma (`Weber, Anna <anna@…>`).
    """
    found: list[Mailbox] = []
    before: list[str] = []
    for piece, end in structured.pieces(text, _SEPARATORS):
        at = _bracket_of(piece)
        rest = piece[at + 1 :] if at >= 0 else _COMMENT.sub(" ", piece)
        written = _address_in(rest)
        if written:
            name = piece[:at].strip() if at >= 0 else "".join(_COMMENT.findall(piece)[:1])[1:-1].strip()
            name = ", ".join([*before, name]) if at >= 0 and name else name
            local, _, domain = written.rpartition("@")
            found.append(Mailbox(name, written.lower(), f"{local}@{domain.lower()}"))
        before = [*before, piece.strip()] if not written and end == "," and piece.strip() and len(before) < 3 else []
    return found


def quoted(address: str) -> str:
    """An address as it goes over the wire: its local part in quotes where it needs them."""
    local, _, domain = address.rpartition("@")
    # Dots at its ends or two of them in a row, as Japanese phones have them (RFC 5321, 4.1.2).
    return f'"{local}"@{domain}' if _DOTTED.fullmatch(local) and not _ATOM.fullmatch(local) else address


def _address_in(text: str) -> str:
    quoted_one = _QUOTED.search(text)
    plain = _ADDRESS.search(text)
    if quoted_one and (plain is None or quoted_one.start() <= plain.start()):
        local = re.sub(r"\\(.)", r"\1", quoted_one[1])
        local = local if _PLAIN.fullmatch(local) else f'"{quoted_one[1]}"'
        return f"{local}@{quoted_one[2].rstrip(f'.{_APOSTROPHES}')}"
    if plain is None:
        return ""
    address = plain[0].rstrip(".")
    bare = address.rstrip(_APOSTROPHES)
    # No domain ends with an apostrophe; a name before the @ may begin with one.
    return (bare.lstrip(_APOSTROPHES) if bare != address else bare).rstrip(".")


def _bracket_of(piece: str) -> int:
    """Where the last `<` stands outside of quotes, -1 if nowhere."""
    at = piece.rfind("<")
    if at >= 0 and '"' not in piece:
        return at
    found, is_quoted, is_escaped = -1, False, False
    for index, character in enumerate(piece):
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == '"':
            is_quoted = not is_quoted
        elif character == "<" and not is_quoted:
            found = index
    # A quote that nobody closes hides nothing.
    return at if found < 0 and is_quoted else found
