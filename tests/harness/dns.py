"""A DNS server on loopback whose one name has the addresses that a test says, from one question to the next."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Final

A: Final = 1
IN: Final = 1
TTL_S: Final = 1
HEADER: Final = struct.Struct("!6H")


class Dns:
    """Answers in a thread; every name has `addresses`, and there are no other records than A."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ()
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self._is_closed = False
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._is_closed = True
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while not self._is_closed:
            try:
                asked, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            self.questions += 1
            self._socket.sendto(answer(asked, self.addresses), client)


def answer(asked: bytes, addresses: tuple[str, ...]) -> bytes:
    """What a question is answered with: all addresses, or no record of another type."""
    number, *_ = HEADER.unpack_from(asked)
    end = HEADER.size
    while asked[end]:
        end += 1 + asked[end]
    kind, _ = struct.unpack_from("!2H", asked, end + 1)
    question = asked[HEADER.size : end + 5]
    records = [
        b"\xc0\x0c" + struct.pack("!2HIH", A, IN, TTL_S, 4) + socket.inet_aton(address)
        for address in (addresses if kind == A else ())
    ]
    return HEADER.pack(number, 0x8580, 1, len(records), 0, 0) + question + b"".join(records)


@contextlib.contextmanager
def serving() -> Iterator[Dns]:
    """A server for as long as the block lasts."""
    dns = Dns()
    try:
        yield dns
    finally:
        dns.close()
