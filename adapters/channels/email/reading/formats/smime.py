"""What S/MIME signs or packs without hiding it (CMS, RFC 5652 and 3274): opened without a key. Pure, bounded.

A walk over BER as far as the content: lengths that aren't known and octets in pieces, as Outlook and Java write them.
Whether the signature holds isn't asked: the mail counts for what DMARC says of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

_DATA: Final = bytes.fromhex("2a864886f70d010701")
_SIGNED: Final = bytes.fromhex("2a864886f70d010702")
_COMPRESSED: Final = bytes.fromhex("2a864886f70d0109100109")
_SEQUENCE: Final = 0x30
_OID: Final = 0x06
_OCTETS: Final = 0x04
_OCTETS_IN_PIECES: Final = 0x24
_CONTENT: Final = 0xA0
MOST_BYTES: Final = 64 * 1024 * 1024
MOST_PIECES: Final = 100_000
MOST_DEPTH: Final = 8


class _Value(NamedTuple):
    """A tag, where its content begins and ends, and where the next value begins."""

    tag: int
    begin: int
    end: int
    after: int


def opened(raw: bytes) -> bytes:
    """The content that is signed or packed; empty where it is encrypted, apart, or can't be read."""
    content = raw
    for _ in range(MOST_DEPTH):
        inner = _content(content)
        if not inner:
            break
        content = inner
    return b"" if content is raw else content


def _content(raw: bytes) -> bytes:
    try:
        info = _children(raw, _value(raw, 0))
        kind = _oid(raw, next(info))
        if kind not in {_SIGNED, _COMPRESSED}:
            return b""
        body = _children(raw, next(_children(raw, next(info))))
        # The version, and the set of digests or the algorithm, stand before the content.
        within = next(each for each in body if each.tag == _SEQUENCE and _is_content(raw, each))
        parts = _children(raw, within)
        next(parts)
        packed = b"".join(_octets(raw, next(_children(raw, next(parts))), 0))
        return _inflated(packed) if kind == _COMPRESSED else packed
    except (IndexError, StopIteration, ValueError):
        return b""


def _is_content(raw: bytes, value: _Value) -> bool:
    """Whether it is an EncapsulatedContentInfo that holds content: an algorithm has a name as well."""
    parts = list(_children(raw, value))
    return len(parts) == 2 and parts[0].tag == _OID and parts[1].tag == _CONTENT


def _oid(raw: bytes, value: _Value) -> bytes:
    return raw[value.begin : value.end] if value.tag == _OID else b""


def _value(raw: bytes, at: int) -> _Value:
    tag, length = raw[at], raw[at + 1]
    begin = at + 2
    if length == 0x80:
        end = _end(raw, begin)
        return _Value(tag, begin, end, end + 2)
    if length > 0x80:
        width = length & 0x7F
        if width > 8:
            raise ValueError(width)
        length = int.from_bytes(raw[begin : begin + width], "big")
        begin += width
    return _Value(tag, begin, min(begin + length, len(raw)), begin + length)


def _end(raw: bytes, at: int) -> int:
    """Where a value of unknown length ends: at the two zeros of its own, behind those of the values in it."""
    open_values = 1
    for _ in range(MOST_PIECES):
        tag, length = raw[at], raw[at + 1]
        if not tag and not length:
            open_values -= 1
            if not open_values:
                return at
            at += 2
        elif length == 0x80:
            open_values += 1
            at += 2
        else:
            at = _value(raw, at).after
    raise ValueError(at)


def _children(raw: bytes, value: _Value) -> Iterator[_Value]:
    at = value.begin
    for _ in range(MOST_PIECES):
        if at >= value.end:
            return
        child = _value(raw, at)
        yield child
        at = child.after


def _octets(raw: bytes, value: _Value, depth: int) -> Iterator[bytes]:
    if value.tag == _OCTETS:
        yield raw[value.begin : value.end]
    elif value.tag == _OCTETS_IN_PIECES and depth < MOST_DEPTH:
        for child in _children(raw, value):
            yield from _octets(raw, child, depth + 1)


def _inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, MOST_BYTES)
    except zlib.error:
        return b""
