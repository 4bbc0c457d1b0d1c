"""What a unit's main process tells systemd: a datagram socket that a test holds in systemd's place."""

from __future__ import annotations

import array
import contextlib
import secrets
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CREDENTIALS = struct.Struct("iII")


class Word(NamedTuple):
    """One datagram: when it came (monotonic), from which process, and what it said."""

    at: float
    pid: int
    text: str


class Systemd:
    """Listens at `address`, a path or an abstract name, until closed."""

    def __init__(self, path: Path | None = None) -> None:
        self.address = str(path) if path else f"@trunkline-test-{secrets.token_hex(8)}"
        self.words: list[Word] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(self.address if path else f"\0{self.address[1:]}")
        self._socket.settimeout(0.1)
        self._is_closing = False
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def environment(self, watchdog_s: float = 0) -> dict[str, str]:
        """What systemd puts into the environment of a unit with that WatchdogSec."""
        watchdog = {"WATCHDOG_USEC": str(int(watchdog_s * 1e6))} if watchdog_s else {}
        return {"NOTIFY_SOCKET": self.address, **watchdog}

    def said(self, text: str, since: float = 0) -> list[Word]:
        """Each time it was said."""
        return [word for word in self.words if word.text == text and word.at >= since]

    def wait_for(self, text: str, within_s: float = 60, since: float = 0) -> Word:
        """The first time it is said, after `since`."""
        deadline = time.monotonic() + within_s
        while not (found := self.said(text, since)):
            assert time.monotonic() < deadline, self.words
            time.sleep(0.02)
        return found[0]

    def close(self) -> None:
        """Nobody listens any more."""
        self._is_closing = True
        self._listening.join()
        self._socket.close()

    def _listen(self) -> None:
        room = socket.CMSG_SPACE(CREDENTIALS.size)
        while not self._is_closing:
            with contextlib.suppress(TimeoutError):
                data, extra, _flags, _address = self._socket.recvmsg(4096, room)
                (_level, _kind, credentials) = extra[0]
                pid, _uid, _gid = CREDENTIALS.unpack(array.array("b", credentials).tobytes()[: CREDENTIALS.size])
                self.words.append(Word(time.monotonic(), pid, data.decode()))


@contextlib.contextmanager
def systemd(path: Path | None = None) -> Iterator[Systemd]:
    """One for as long as the block lasts."""
    made = Systemd(path)
    try:
        yield made
    finally:
        made.close()
