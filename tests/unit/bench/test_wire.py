"""WebSocket's bytes as the generator reads and writes them, against the library that the node uses."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.bench.loadgen.wire import CLOSE, TEXT, handshake, split, text_frame

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 70000]


def _from_server(opcode: Opcode, payload: bytes) -> bytes:
    return Frame(opcode, payload).serialize(mask=False)


@pytest.mark.parametrize("size", SIZES)
def test_a_server_reads_what_the_generator_writes(size: int) -> None:
    server = ServerProtocol(max_size=None)
    server.receive_data(handshake("/ws", "127.0.0.1:1", {"Origin": "http://127.0.0.1:1"}))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    server.receive_data(text_frame(b"x" * size))
    (frame,) = server.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, bytes(frame.data)) == (Opcode.TEXT, b"x" * size)


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_of_any_length_is_read(size: int) -> None:
    data = _from_server(Opcode.TEXT, b"x" * size)
    assert split(data) == ([(TEXT, b"x" * size)], b"")
    assert split(data[:-1])[0] == []


def test_the_end_of_a_connection_is_read() -> None:
    assert split(_from_server(Opcode.CLOSE, b"\x11\x38slow"))[0] == [(CLOSE, b"\x11\x38slow")]


@given(payloads=st.lists(st.binary(max_size=300), max_size=8), cuts=st.lists(st.integers(0, 2500), max_size=6))
def test_frames_come_whole_and_in_order_however_the_bytes_are_cut(payloads: list[bytes], cuts: list[int]) -> None:
    data = b"".join(_from_server(Opcode.TEXT, payload) for payload in payloads)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    frames, rest = [], b""
    for begin, end in itertools.pairwise(places):
        whole, rest = split(rest + data[begin:end])
        frames += whole
    assert (frames, rest) == ([(TEXT, payload) for payload in payloads], b"")
