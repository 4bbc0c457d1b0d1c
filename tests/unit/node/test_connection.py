"""A connection after the handshake, between the bytes of a client and what is told to its receiver."""

from __future__ import annotations

import asyncio

import pytest
from websockets.frames import Frame, Opcode

from node.protocol import framing
from node.protocol.connection import FRAGMENTS_MOST, Connection
from node.protocol.frames import BAD_FRAME, TOO_LARGE, TOO_SLOW

pytestmark = pytest.mark.anyio

MOST = 1000


class Wire(asyncio.Transport):
    """What a client would read, held back while it doesn't."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.reads = True
        self.held = 0
        self.ended = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Out."""
        if self.ended:
            raise RuntimeError("the handler is closed")
        self.written.append(bytes(data))
        if not self.reads:
            self.held += len(data)

    def get_write_buffer_size(self) -> int:
        """What the client hasn't read."""
        return self.held

    def is_closing(self) -> bool:
        """Closed or aborted."""
        return bool(self.ended)

    def close(self) -> None:
        """After what was written."""
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        """At once."""
        self.ended = "aborted"


class Told:
    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.left = 0

    def on_text(self, payload: bytes) -> None:
        """In."""
        self.texts.append(payload)

    def on_left(self) -> None:
        """The end."""
        self.left += 1


def connected() -> tuple[Wire, Connection, Told]:
    wire, told = Wire(), Told()
    connection = Connection(wire, MOST, MOST)
    connection.begin(told, b"")
    return wire, connection, told


def client(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


async def test_texts_are_told_whatever_the_cut() -> None:
    _, connection, told = connected()
    whole = client(Opcode.TEXT, b"one") + client(Opcode.TEXT, "二".encode() * 100)
    for byte in whole:
        connection.data_received(bytes((byte,)))
    assert told.texts == [b"one", "二".encode() * 100]


async def test_what_came_before_the_receiver_is_told_first() -> None:
    told = Told()
    connection = Connection(Wire(), MOST, MOST)
    connection.begin(told, client(Opcode.TEXT, b"early"))
    connection.data_received(client(Opcode.TEXT, b"late"))
    assert told.texts == [b"early", b"late"]


async def test_fragments_with_a_ping_between_them_are_one_message() -> None:
    wire, connection, told = connected()
    connection.data_received(
        client(Opcode.TEXT, b"a", fin=False)
        + client(Opcode.PING, b"?")
        + client(Opcode.CONT, b"b", fin=False)
        + client(Opcode.CONT, b"c")
        + client(Opcode.TEXT, b"next")
    )
    assert told.texts == [b"abc", b"next"]
    assert wire.written == [framing.pong_frame(b"?")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (client(Opcode.BINARY, b"x"), BAD_FRAME),
        (client(Opcode.CONT, b"x"), 1002),
        (client(Opcode.TEXT, b"x", fin=False) + client(Opcode.TEXT, b"y"), 1002),
        (client(Opcode.TEXT, b"x" * (MOST + 1)), TOO_LARGE),
        (client(Opcode.TEXT, b"x" * MOST, fin=False) + client(Opcode.CONT, b"y"), TOO_LARGE),
        (client(Opcode.TEXT, b"", fin=False) + client(Opcode.CONT, b"", fin=False) * FRAGMENTS_MOST, TOO_LARGE),
        (b"\x83\x80abcd", 1002),
    ],
    # A frame of a client is masked by chance.
    ids=["binary", "goes on with nothing", "begins within another", "long", "long in two", "many pieces", "no opcode"],
)
async def test_what_may_not_be_sent_ends_it_with_a_code_and_nothing_more_is_told(data: bytes, code: int) -> None:
    wire, connection, told = connected()
    connection.data_received(data + client(Opcode.TEXT, b"after"))
    assert connection.close_code == code
    assert wire.written[-1][2:4] == code.to_bytes(2, "big")
    assert (told.texts, told.left) == ([], 1)


async def test_a_slow_reader_is_closed_and_nothing_is_dropped_in_between() -> None:
    wire, connection, told = connected()
    wire.reads = False
    frames = [framing.text_frame(b"%0100d" % n) for n in range(20)]
    for frame in frames:
        connection.push(frame)
    sent = wire.written[:-1]
    assert sent == frames[: len(sent)]
    assert wire.held <= MOST + 102 + len(wire.written[-1])
    assert (connection.close_code, told.left) == (TOO_SLOW, 1)


async def test_the_client_closes_and_is_answered() -> None:
    wire, connection, told = connected()
    connection.data_received(client(Opcode.CLOSE, b"\x0f\xa1"))
    assert wire.written == [framing.close_frame(4001, "")]
    assert (wire.ended, told.left) == ("closed", 1)
    connection.push(b"late")
    connection.connection_lost(None)
    assert (len(wire.written), told.left) == (1, 1)


async def test_what_is_said_after_the_client_has_gone_is_said_to_nobody() -> None:
    wire, connection, told = connected()
    wire.abort()
    connection.connection_lost(ConnectionResetError())
    connection.push(framing.text_frame(b"late"))
    connection.close(4500, "late")
    connection.pause()
    connection.resume()
    assert (wire.written, told.left) == ([], 1)


async def test_we_close_and_the_client_answers() -> None:
    wire, connection, told = connected()
    connection.close(1012, "bye")
    assert told.left == 1
    connection.data_received(client(Opcode.CLOSE, b"\x03\xf4"))
    assert (len(wire.written), wire.ended, told.left) == (1, "closed", 1)


async def test_a_receiver_of_what_was_closed_already_is_told_so() -> None:
    told = Told()
    connection = Connection(Wire(), MOST, MOST)
    connection.close(4429, "full")
    connection.begin(told, b"")
    assert told.left == 1
