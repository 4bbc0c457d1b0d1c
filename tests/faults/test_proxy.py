"""The proxy does to a connection what it says, and to nothing else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.proxy import Proxy, Wire, running_proxy
from tests.harness.ports import free_port

WITHIN_S = 30.0
SILENT_S = 0.3
CHUNK = b"0123456789abcdef" * 64


class Echo:
    """A server that sends back what it gets, after `banner`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.got = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """No further connections."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                self.got += len(data)
                connection.sendall(data)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with running_proxy() as running:
        yield running


@pytest.fixture
def wire(proxy: Proxy, echo: Echo) -> Wire:
    return proxy.wire("echo", echo.address)


def dial(wire: Wire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=WITHIN_S)


def ask(connection: socket.socket, data: bytes = CHUNK) -> bytes:
    connection.sendall(data)
    return receive(connection, len(data))


def receive(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (more := connection.recv(size - len(found))):
        found += more
    return found


def is_silent(connection: socket.socket) -> bool:
    """Whether nothing comes for a while."""
    connection.settimeout(SILENT_S)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(WITHIN_S)
    return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_healthy_wire_carries_everything_both_ways(wire: Wire) -> None:
    with dial(wire) as one, dial(wire) as two:
        assert ask(one, CHUNK * 500) == CHUNK * 500
        assert ask(two) == CHUNK
    until(lambda: wire.passed.open == 0)
    assert wire.passed.connections == 2
    assert wire.passed.up == wire.passed.down == len(CHUNK) * 501


def test_cut_by_reset_is_an_error_and_by_fin_an_end(wire: Wire) -> None:
    with dial(wire) as one:
        ask(one)
        assert wire.cut(reset=True) == 1
        with pytest.raises(ConnectionResetError):
            one.recv(1)
    with dial(wire) as two:
        ask(two)
        assert wire.cut(reset=False) == 1
        assert two.recv(1) == b""
    with dial(wire) as three:
        assert ask(three) == CHUNK
    assert wire.passed.cuts == 2


def test_cut_mid_frame_lets_half_of_it_through(wire: Wire, echo: Echo) -> None:
    with dial(wire) as one:
        ask(one)
        before = echo.got
        wire.cut_mid_frame("up")
        one.sendall(CHUNK)
        with pytest.raises(ConnectionResetError):
            receive(one, len(CHUNK))
    until(lambda: echo.got == before + len(CHUNK) // 2)
    assert wire.passed.cuts_mid_frame == 1
    with dial(wire) as two:
        assert ask(two) == CHUNK


def test_stalled_both_ways_nothing_is_told_and_nothing_is_lost(wire: Wire, echo: Echo) -> None:
    with dial(wire) as one:
        ask(one)
        before = echo.got
        wire.stall()
        one.sendall(CHUNK)
        assert is_silent(one)
        assert echo.got == before
        wire.heal()
        assert receive(one, len(CHUNK)) == CHUNK


def test_stalled_one_way_the_other_way_goes_on(wire: Wire, echo: Echo) -> None:
    with dial(wire) as one:
        ask(one)
        before = echo.got
        wire.stall("down")
        one.sendall(CHUNK)
        until(lambda: echo.got == before + len(CHUNK))
        assert is_silent(one)
        wire.heal()
        assert receive(one, len(CHUNK)) == CHUNK


def test_a_new_connection_over_a_stalled_wire_hangs(wire: Wire) -> None:
    wire.stall()
    with dial(wire) as one:
        one.sendall(CHUNK)
        assert is_silent(one)
        wire.heal()
        assert receive(one, len(CHUNK)) == CHUNK


def test_slow_takes_as_long_as_it_says(wire: Wire) -> None:
    with dial(wire) as one:
        ask(one)
        wire.slow(len(CHUNK) * 10)
        began = time.monotonic()
        assert ask(one) == CHUNK
        # A tenth of a second there and a tenth back: least times, no bound on the machine's speed.
        assert time.monotonic() - began >= 0.2
        wire.heal()
        assert ask(one) == CHUNK


def test_refused_until_it_heals_on_the_same_port(wire: Wire) -> None:
    with dial(wire) as one:
        ask(one)
        wire.refuse()
        with pytest.raises(ConnectionResetError):
            one.recv(1)
        with pytest.raises(ConnectionRefusedError):
            dial(wire)
    wire.heal()
    with dial(wire) as two:
        assert ask(two) == CHUNK


def test_a_dead_target_ends_who_connects(proxy: Proxy) -> None:
    wire = proxy.wire("dead", ("127.0.0.1", free_port()))
    # The end may come before or after the connection stands.
    with pytest.raises(ConnectionResetError), dial(wire) as one:
        one.recv(1)
