"""The client's side of WebSocket (RFC 6455) as bytes: what a generator that talks to its own servers needs."""

from __future__ import annotations

import struct
from collections.abc import Mapping

TEXT, CLOSE, PING = 0x81, 0x88, 0x89
MASKED = 0x80
NO_MASK = b"\0\0\0\0"
"""A client must mask; masking with zeros changes nothing and costs nothing."""


def handshake(path: str, host: str, headers: Mapping[str, str]) -> bytes:
    """The request that opens a WebSocket."""
    lines = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    return "".join([f"GET {path} HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in lines.items()), "\r\n"]).encode()


def head_of(size: int) -> bytes:
    """What stands before a text of `size` bytes from a client."""
    if size < 126:
        return bytes((TEXT, MASKED | size)) + NO_MASK
    if size < 1 << 16:
        return struct.pack("!BBH", TEXT, MASKED | 126, size) + NO_MASK
    return struct.pack("!BBQ", TEXT, MASKED | 127, size) + NO_MASK


def text_frame(text: bytes) -> bytes:
    """A whole text frame of a client."""
    return head_of(len(text)) + text


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames of a server in `data` as (first byte, payload), and the bytes of one that isn't whole."""
    frames, place, end = [], 0, len(data)
    while end - place >= 2:
        first, size = data[place], data[place + 1]
        begin = place + 2
        if size == 126:
            begin += 2
            size = int.from_bytes(data[place + 2 : begin]) if end >= begin else end
        elif size == 127:
            begin += 8
            size = int.from_bytes(data[place + 2 : begin]) if end >= begin else end
        if end < begin + size:
            break
        frames.append((first, data[begin : begin + size]))
        place = begin + size
    return frames, data[place:]
