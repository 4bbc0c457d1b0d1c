"""A nats-server that calls itself an older one: the real one behind a door that changes a word of its greeting."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator

from tests.harness.nats import NatsServer

_VERSION = re.compile(rb'"version":"[^"]*"')


@contextlib.contextmanager
def calls_itself(nats: NatsServer, version: str) -> Iterator[str]:
    """The address of a door to `nats` behind which it says that it is of `version`."""
    door = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(door, nats.port, version.encode()), daemon=True).start()
    try:
        yield f"nats://127.0.0.1:{door.getsockname()[1]}"
    finally:
        door.close()


def _accept(door: socket.socket, port: int, version: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = door.accept()
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=_carry, args=(server, client, version), daemon=True).start()
            threading.Thread(target=_carry, args=(client, server, b""), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, version: bytes) -> None:
    """Every byte from one side to the other; `version` goes into the first that come."""
    with contextlib.suppress(OSError), source, target:
        while data := source.recv(65536):
            target.sendall(_VERSION.sub(b'"version":"' + version + b'"', data, count=1) if version else data)
            version = b""
