"""WebSocket frames against the `websockets` library's own reading and writing of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from node.protocol import framing


def by_library(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def read_by_library(data: bytes) -> Frame:
    client = ClientProtocol(parse_uri("ws://localhost/"), max_size=None, state=State.OPEN)
    client.receive_data(data)
    (frame,) = client.events_received()
    assert isinstance(frame, Frame)
    return frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_both_read_what_the_other_wrote(size: int) -> None:
    text = b"x" * size
    frame = read_by_library(framing.text_frame(text))
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.TEXT, text, True)
    written = by_library(Opcode.TEXT, text)
    assert framing.cut(written, 0, 1 << 20) == (framing.TEXT, text, len(written))


@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_frames_come_out_whole_wherever_the_bytes_are_cut(texts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(by_library(Opcode.TEXT, text) for text in texts)
    upto = data.draw(st.integers(0, len(whole)))
    found, start = [], 0
    while frame := framing.cut(whole[:upto], start, 1000):
        found.append(frame.payload)
        start = frame.end
    rest = whole[start:]
    start = 0
    while frame := framing.cut(rest, start, 1000):
        found.append(frame.payload)
        start = frame.end
    assert found == texts
    assert start == len(rest)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x01x", 1002),  # not masked
        (b"\xc1\x81abcdx", 1002),  # reserved bit
        (b"\x89\xfe\x00\x7eabcd", 1002),  # a long ping
        (b"\x09\x80abcd", 1002),  # a ping in parts
        (b"\x81\xfe\x04\x00abcd", 1009),  # 1,024 bytes
        (b"\x81\xff\x00\x00\x00\x01\x00\x00\x00\x00abcd", 1009),  # 4 GiB, announced only
    ],
)
def test_what_breaks_the_rules_is_named_before_it_is_whole(data: bytes, code: int) -> None:
    with pytest.raises(framing.FramingError) as refused:
        framing.cut(data, 0, 1000)
    assert refused.value.code == code


@pytest.mark.parametrize(("payload", "code"), [(b"", 1005), (b"\x03\xe8", 1000), (b"\x0f\xa1bye", 4001)])
def test_close_codes(payload: bytes, code: int) -> None:
    assert framing.close_code(payload) == code


@pytest.mark.parametrize("payload", [b"\x03", b"\x00\x00", b"\x03\xed", b"\x03\xe8\xff"])
def test_a_close_frame_that_may_not_be_sent(payload: bytes) -> None:
    with pytest.raises(framing.FramingError):
        framing.close_code(payload)


def test_a_long_reason_is_cut_at_a_character() -> None:
    frame = read_by_library(framing.close_frame(4408, "慢" * 100))
    assert frame.opcode is Opcode.CLOSE
    assert frame.data[2:].decode() == "慢" * 41
