"""WebSocket frames as bytes (RFC 6455, section 5): pure. Text frames of a client are cut out of what came in;
frames of ours are made whole, so that one made once goes out on any number of sockets.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from websockets.frames import Close, CloseCode
from websockets.speedups import apply_mask

TEXT: Final = 0x81
"""First byte of a text frame that is a whole message."""

FRAGMENT, CONTINUED, BINARY, CLOSING, PING, PONG = 0x01, 0x00, 0x02, 0x08, 0x09, 0x0A
CONTROL_MOST: Final = 125

_SHORT: Final = [bytes((TEXT, size)) for size in range(126)]


class Cut(NamedTuple):
    """One frame: its first byte (FIN, reserved bits, opcode), its unmasked payload, and where the next begins."""

    first: int
    payload: bytes
    end: int


class FramingError(Exception):
    """The client broke RFC 6455; `code` closes the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def text_frame(payload: bytes) -> bytes:
    """The frame of a server for a text message."""
    size = len(payload)
    if size < 126:
        return _SHORT[size] + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; the reason is cut to what a control frame holds."""
    words = reason.encode()[: CONTROL_MOST - 2].decode(errors="ignore").encode()
    return bytes((0x80 | CLOSING, 2 + len(words))) + code.to_bytes(2, "big") + words


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping."""
    return bytes((0x80 | PONG, len(payload))) + payload


def cut(data: bytes, start: int, most: int) -> Cut | None:
    """The frame at `start`, None while it isn't whole. Raises FramingError: unmasked, reserved bits, over `most`."""
    have = len(data) - start
    if have < 2:
        return None
    first, second = data[start], data[start + 1]
    size = second & 0x7F
    if first & 0x70 or not second & 0x80:
        raise FramingError(CloseCode.PROTOCOL_ERROR, "frames of clients are masked and use no reserved bits")
    if first & 0x08 and (size > CONTROL_MOST or not first & 0x80):
        raise FramingError(CloseCode.PROTOCOL_ERROR, "control frames are short and whole")
    at = start + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        if have < 2 + width:
            return None
        size = int.from_bytes(data[at : at + width], "big")
        at += width
    if size > most:
        raise FramingError(CloseCode.MESSAGE_TOO_BIG, f"frames have {most} bytes at most")
    end = at + 4 + size
    if end > len(data):
        return None
    return Cut(first, apply_mask(data[at + 4 : end], data[at : at + 4]), end)


def close_code(payload: bytes) -> int:
    """What a client's close frame says; 1005 without a code. Raises FramingError for what may not be sent."""
    if not payload:
        return CloseCode.NO_STATUS_RCVD
    try:
        said = Close.parse(payload)
        said.check()
    except Exception as wrong:  # websockets raises ProtocolError and UnicodeDecodeError here
        raise FramingError(CloseCode.PROTOCOL_ERROR, "not a close frame") from wrong
    return said.code
