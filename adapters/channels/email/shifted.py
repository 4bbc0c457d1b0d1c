"""ISO-2022-JP as mail programs write it (JIS X 0208 with the rows of Microsoft, half-width kana, JIS X 0212): pure.

Python's codecs refuse the rows that NEC and IBM added (①, 髙), which cp932 has: each pair is moved there by the
formula of Shift_JIS.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(rb"\x1b(\$[@B]|\$\([DOQ]|\([BJHI])")
_BEGINS: Final = re.compile(rb"\x1b(?:\$[@B]|\$\(D|\([JI])")
_KANJI: Final = frozenset({b"$@", b"$B", b"$(O", b"$(Q"})


def is_japanese(raw: bytes) -> bool:
    """Whether it switches to a set of Japanese characters, as nothing else in 7 bits does."""
    return b"\x1b" in raw and _BEGINS.search(raw) is not None


def decode(raw: bytes) -> str:
    """The text; what is no character is U+FFFD. A line's end goes back to ASCII."""
    out: list[str] = []
    for line in raw.splitlines(keepends=True):
        mode = b"(B"
        pieces = _ESCAPE.split(line)
        for index, piece in enumerate(pieces):
            if index % 2:
                mode = piece
            elif piece:
                out.append(_piece(piece, mode))
    return "".join(out)


def _piece(raw: bytes, mode: bytes) -> str:
    if mode in _KANJI:
        end = len(raw.rstrip(b"\r\n"))
        return _kanji(raw[:end]) + raw[end:].decode("ascii")
    if mode == b"$(D":
        end = len(raw.rstrip(b"\r\n"))
        pairs = (raw[at : at + 2] for at in range(0, end, 2))
        high = b"".join(b"\x8f" + bytes(byte | 0x80 for byte in pair) for pair in pairs)
        return high.decode("euc_jp", "replace") + raw[end:].decode("ascii")
    if mode == b"(I":
        return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in raw).decode("cp932", "replace")
    return raw.decode("ascii", "replace")


def _kanji(raw: bytes) -> str:
    moved = bytearray()
    at = 0
    while at < len(raw):
        row, cell = raw[at], raw[at + 1] if at + 1 < len(raw) else 0
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
            # A space or a byte of another set between the pairs.
            moved += raw[at : at + 1] if row < 0x80 else b"?"
            at += 1
            continue
        moved.append(((row - 0x21) >> 1) + (0x81 if row < 0x5F else 0xC1))
        offset = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
        moved.append(offset)
        at += 2
    return moved.decode("cp932", "replace")
