"""RTF to text, packed as Outlook packs it (MS-OXRTFCP) or as it is. Pure, bounded."""

from __future__ import annotations

import re
import struct
from typing import Final

from striprtf.striprtf import rtf_to_text

_PACKED: Final = b"LZFu"
_PLAIN: Final = b"MELA"
_WINDOW: Final = 4096
_FIRST: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the window holds at first."""

_BEGIN: Final = b"{\\rtf"
_HIGH: Final = re.compile(rb"[\x80-\xff]")
MOST_BYTES: Final = 2_000_000


def unpacked(raw: bytes) -> bytes:
    """The RTF of the property PR_RTF_COMPRESSED; empty where it is none."""
    if len(raw) < 16:
        return b""
    size, kind = struct.unpack_from("<I4s", raw, 4)
    if kind == _PLAIN:
        return raw[16 : 16 + size]
    return _lzfu(raw, min(size, MOST_BYTES)) if kind == _PACKED else b""


def _lzfu(raw: bytes, size: int) -> bytes:
    window = bytearray(_FIRST.ljust(_WINDOW, b"\0"))
    write = len(_FIRST)
    out = bytearray()
    at = 16
    while at < len(raw) and len(out) < size:
        flags = raw[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                if at + 2 > len(raw):
                    return bytes(out)
                reference = raw[at] << 8 | raw[at + 1]
                at += 2
                offset, count = reference >> 4, (reference & 15) + 2
                if offset == write:
                    return bytes(out)
                for step in range(count):
                    byte = window[(offset + step) % _WINDOW]
                    window[write] = byte
                    write = (write + 1) % _WINDOW
                    out.append(byte)
            else:
                if at >= len(raw):
                    return bytes(out)
                window[write] = raw[at]
                write = (write + 1) % _WINDOW
                out.append(raw[at])
                at += 1
    return bytes(out)


def text_of(raw: bytes) -> str:
    """The words of RTF; empty where it is none. Bytes beyond ASCII, which RTF doesn't have, count as Windows-1252."""
    if not raw.lstrip().startswith(_BEGIN):
        return ""
    source = _HIGH.sub(lambda found: b"\\'%02x" % found[0][0], raw[:MOST_BYTES]).decode("ascii")
    try:
        said: str = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]
    except (ValueError, LookupError, IndexError, OverflowError):
        return ""
    return "\n".join(line.rstrip() for line in said.split("\n")).strip("\n")
