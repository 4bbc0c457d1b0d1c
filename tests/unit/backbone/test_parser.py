"""NATS's protocol, cut anywhere: every message arrives whole, once, in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ProtocolError

from backbone.nats.wire.parser import LONGEST_LINE, BatchParser, RawCallback

pytestmark = pytest.mark.anyio

HEADER = b"NATS/1.0\r\nNats-Sequence: 7\r\n\r\n"


class FakeLink:
    """Records what a link is told."""

    def __init__(self) -> None:
        self.got: list[tuple[Any, ...]] = []
        self.raw_callbacks: dict[bytes, RawCallback] = {b"1": self.take, b"3": self.fail}
        self.parser: BatchParser

    def take(self, subject: bytes, reply: bytes, header: bytes | None, data: bytes) -> None:
        """A raw message."""
        self.got.append((subject, reply, header, data))

    def fail(self, *_message: object) -> None:
        """A callback with a fault."""
        raise ZeroDivisionError

    async def process_message(self, sid: int, subject: bytes, reply: bytes, data: bytes, header: bytes | None) -> None:
        """A message of one of nats-py's own."""
        self.got.append((sid, subject, reply, header, data))

    async def _process_ping(self) -> None:
        self.got.append(("PING",))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.got.append(("INFO", info["x"]))
        if info["x"] == "reset":
            self.parser.reset()


def linked() -> FakeLink:
    link = FakeLink()
    link.parser = BatchParser(link)  # type: ignore[arg-type]
    return link


STREAM = (
    b"MSG a.b 1 5\r\nhello\r\n"
    b"PING\r\n"
    b"HMSG a.c 1 _R.1 %d %d\r\n%bbody\r\n"
    % (len(HEADER), len(HEADER) + 4, HEADER)
    + b'INFO {"x":"y"}\r\n'
    + b"MSG a.d 2 0\r\n\r\n"
    + b"HMSG a.e 1 %d %d\r\n%b\r\n" % (len(HEADER), len(HEADER), HEADER)
    + b"MSG a.f 1 7\r\nMSG x\r\n\r\n"
)
MESSAGES = [
    (b"a.b", b"", None, b"hello"),
    ("PING",),
    (b"a.c", b"_R.1", HEADER, b"body"),
    ("INFO", "y"),
    (2, b"a.d", b"", None, b""),
    (b"a.e", b"", HEADER, b""),
    (b"a.f", b"", None, b"MSG x\r\n"),
]


@given(st.lists(st.integers(1, 40), max_size=40))
async def test_every_message_arrives_whole_wherever_the_bytes_are_cut(sizes: list[int]) -> None:
    link = linked()
    start = 0
    for size in [*sizes, len(STREAM)]:
        await link.parser.parse(STREAM[start : start + size])
        start += size
    assert link.got == MESSAGES


async def test_a_large_payload_in_many_chunks() -> None:
    link = linked()
    body = bytes(range(256)) * 4096
    whole = b"MSG big 1 %d\r\n%b\r\nPING\r\n" % (len(body), body)
    for start in range(0, len(whole), 32_768):
        await link.parser.parse(whole[start : start + 32_768])
    assert link.got == [(b"big", b"", None, body), ("PING",)]


async def test_a_callback_that_fails_harms_nobody_else() -> None:
    link = linked()
    await link.parser.parse(b"MSG a 3 1\r\nx\r\nMSG b 1 1\r\ny\r\n")
    assert link.got == [(b"b", b"", None, b"y")]


async def test_what_another_connection_left_is_forgotten() -> None:
    link = linked()
    await link.parser.parse(b'INFO {"x":"reset"}\r\nMSG a 1 1\r\nx\r\n')
    await link.parser.parse(b"PING\r\n")
    assert link.got == [("INFO", "reset"), ("PING",)]


@pytest.mark.parametrize("junk", [b"MSG a\r\n", b"MSG a 1 x\r\n", b"NONSENSE\r\n", b"X" * (LONGEST_LINE + 1)])
async def test_what_is_not_the_protocol(junk: bytes) -> None:
    with pytest.raises(ProtocolError):
        await linked().parser.parse(junk)
