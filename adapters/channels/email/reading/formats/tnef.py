"""What Outlook packs into winmail.dat (MS-OXTNEF), as far as it is simple: the words and the files. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from adapters.channels.email import charset
from adapters.channels.email.reading.formats import rtf

_SIGNATURE: Final = b"\x78\x9f\x3e\x22"
_BODY: Final = 0x0002800C
_CODEPAGE: Final = 0x00069007
_PROPERTIES: Final = 0x00069003
_FILE: Final = 0x00069002
_TITLE: Final = 0x00018010
_DATA: Final = 0x0006800F
_FILE_PROPERTIES: Final = 0x00069005
_BODY_TAG: Final = 0x1000
_HTML_TAG: Final = 0x1013
_RTF_TAG: Final = 0x1009
_FILE_TAG: Final = 0x3701
_LONG_NAME_TAG: Final = 0x3707
_UNICODE: Final = 0x001F
_STRING8: Final = 0x001E
_BINARY: Final = 0x0102
_OBJECT: Final = 0x000D
_MANY: Final = 0x1000
_WIDTHS: Final = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of a property's value by its type, padded to four."""

MOST_FILES: Final = 100


class Packed(NamedTuple):
    """The words, as text, HTML or RTF, whichever there are, and (name, bytes) of each file."""

    text: str
    html: str
    rtf: bytes
    files: list[tuple[str, bytes]]


def unpack(raw: bytes) -> Packed:
    """What is in it; nothing where it can't be read."""
    text, html, packed, label = "", "", b"", "windows-1252"
    names: list[str] = []
    contents: list[bytes] = []
    for attribute, value in _attributes(raw):
        if attribute == _CODEPAGE and len(value) >= 4:
            label = f"cp{int.from_bytes(value[:4], 'little')}"
        elif attribute == _BODY:
            text = charset.decode(value, label)
        elif attribute == _PROPERTIES:
            text = _said(value, _BODY_TAG, label) or text
            html = _said(value, _HTML_TAG, label) or html
            packed = _property(value, _RTF_TAG)[0] or packed
        elif attribute == _FILE and len(names) < MOST_FILES:
            names.append("")
            contents.append(b"")
        elif names and attribute == _TITLE:
            names[-1] = names[-1] or charset.decode(value, label)
        elif names and attribute == _DATA:
            contents[-1] = value
        elif names and attribute == _FILE_PROPERTIES:
            names[-1] = _said(value, _LONG_NAME_TAG, label) or names[-1]
            contents[-1] = contents[-1] or _property(value, _FILE_TAG)[0]
    files = [(name, content) for name, content in zip(names, contents, strict=True) if content]
    return Packed(text.strip("\n "), html, rtf.unpacked(packed), files)


def _attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Each attribute: level, id, length, value, checksum; up to where it is cut."""
    if not raw.startswith(_SIGNATURE):
        return
    at = 6
    while at + 9 <= len(raw):
        _level, attribute, length = struct.unpack_from("<BII", raw, at)
        if at + 9 + length > len(raw):
            return
        yield attribute, raw[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _said(raw: bytes, wanted: int, label: str) -> str:
    value, kind = _property(raw, wanted)
    return charset.decode(value, "utf-16-le" if kind == _UNICODE else label)


def _property(raw: bytes, wanted: int) -> tuple[bytes, int]:
    """A value among MAPI properties and its type; nothing if it isn't there or one before it is of no known type."""
    try:
        (count,) = struct.unpack_from("<I", raw, 0)
        at = 4
        for _ in range(min(count, 10_000)):
            kind, tag = struct.unpack_from("<HH", raw, at)
            at = _after_name(raw, at + 4, tag)
            if kind in _WIDTHS:
                at += _WIDTHS[kind]
                continue
            # Of a type with several values each has a length of its own.
            values = struct.unpack_from("<I", raw, at)[0]
            at += 4
            if kind & ~_MANY in _WIDTHS and kind & _MANY:
                at += _WIDTHS[kind & ~_MANY] * values
                continue
            if kind & ~_MANY not in {_UNICODE, _STRING8, _BINARY, _OBJECT}:
                return b"", 0
            for _value in range(min(values, 10_000)):
                (length,) = struct.unpack_from("<I", raw, at)
                if tag == wanted:
                    return raw[at + 4 : at + 4 + length], kind
                at += 4 + (length + 3) // 4 * 4
    except struct.error:
        return b"", 0
    return b"", 0


def _after_name(raw: bytes, at: int, tag: int) -> int:
    """Where the value begins: properties from 0x8000 on have a name before it."""
    if tag < 0x8000:
        return at
    is_named, length = struct.unpack_from("<II", raw, at + 16)
    return at + 24 + (int(length) + 3) // 4 * 4 if is_named else at + 24
