"""Header blocks of NATS, as bytes: made, looked into, told apart from what nobody published."""

from __future__ import annotations

from typing import Final

REFLECTED: Final = b"{}"
"""In place of the bytes of a message that is none of ours: no event and no value, so that it is told as such."""


_SAYS_WHERE: Final = b"\r\nNats-Stream: "


def header_block(*pairs: tuple[str, str | int]) -> bytes:
    """A NATS header block; names and values are ours and hold no line breaks."""
    return ("NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in pairs) + "\r\n").encode()


def header_value(header: bytes | None, name: bytes) -> bytes | None:
    """The first value of `name` in a header block, None if it isn't there."""
    if header is None:
        return None
    start = header.find(b"\r\n" + name + b": ")
    if start < 0:
        return None
    start += len(name) + 4
    return header[start : header.index(b"\r\n", start)]


def status_of(header: bytes | None) -> bytes | None:
    """The status in the first line of a header block (`NATS/1.0 404 ...`), None without one."""
    if header is None or header[8:9] != b" ":
        return None
    return header[9:12]


def is_reflected(header: bytes | None, *, as_direct: bool = False) -> bool:
    """Whether a stored message was never published: the answer to a request that named a foreign subject as its inbox.

    NATS delivers an answer wherever the question says, past the permissions of who asks. What is read from a stream by
    direct get says where it stood in the header `Nats-Stream`, which nothing that is published has. `as_direct`: it
    came by direct get or RePublish, which add one themselves.
    """
    return header is not None and header.count(_SAYS_WHERE) > as_direct


def by_the_server(header: bytes | None) -> bytes | None:
    """The part of a header that direct get or RePublish added, behind whatever was stored."""
    return header[max(0, header.rfind(_SAYS_WHERE)) :] if header else header
