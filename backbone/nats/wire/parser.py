"""NATS's client protocol, read a chunk at a time: messages of raw subscriptions are cut out of the chunk and
handed on within it, without a regular expression, a task switch or a copy of what follows.

Control lines (INFO, PING, -ERR, ...) are rare and go to nats-py's own parser, a whole line at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import structlog
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

LONGEST_LINE: Final = 64 * 1024
"""Control lines longer than this are no protocol; an INFO of a large cluster has some KB."""

_H, _M = ord("H"), ord("M")

_log = structlog.get_logger("backbone.nats.wire.parser")

RawCallback = Callable[[bytes, bytes, bytes | None, bytes], None]
"""(subject, reply, header block or None, payload); must not block."""


class Connection(Protocol):
    """What the parser hands messages to: the link."""

    @property
    def raw_callbacks(self) -> Mapping[bytes, RawCallback]:
        """By the id of the subscription, as it stands in the protocol."""
        ...

    async def process_message(self, sid: int, subject: bytes, reply: bytes, payload: bytes, header: Any) -> None:
        """A message of a subscription of nats-py's own."""
        ...


class BatchParser(Parser):
    """What nats-py calls `_ps`: `parse(chunk)` as bytes come in, `reset()` with each new connection."""

    def __init__(self, link: Connection) -> None:
        super().__init__(link)
        self._link = link

    def reset(self) -> None:
        """Forgets half a message: the connection is another one."""
        super().reset()
        self._chunks: list[bytes] = []
        self._held = 0
        self._needed = 0

    async def parse(self, data: bytes = b"") -> None:
        """Takes the next bytes. Raises nats-py's ProtocolError for what isn't the protocol or can't be worked on:
        nats-py reconnects after it, while after any other error it would read nothing more and say nothing.
        """
        try:
            await self._read(data)
        except (ProtocolError, OSError):
            raise
        except Exception as wrong:
            _log.exception("nats.unreadable")
            raise ProtocolError("nats: what came in couldn't be worked on") from wrong

    async def _read(self, data: bytes) -> None:  # noqa: C901 - one pass: a call a message costs as much as its cut
        chunks = self._chunks
        chunks.append(data)
        self._held += len(data)
        if self._held < self._needed:
            return
        buffer = data if len(chunks) == 1 else b"".join(chunks)
        position, end = 0, len(buffer)
        raw_callbacks = self._link.raw_callbacks
        needed = 0
        while position < end:
            line_end = buffer.find(b"\r\n", position)
            if line_end < 0:
                if end - position > LONGEST_LINE:
                    raise ProtocolError("nats: a line without an end")
                break
            first = buffer[position]
            if first not in (_H, _M):
                await super().parse(buffer[position : line_end + 2])
                if self._chunks is not chunks:
                    return
                position = line_end + 2
                continue
            words = buffer[position:line_end].split()
            body = line_end + 2
            try:
                stop = body + int(words[-1])
                body_begins = body + int(words[-2]) if first == _H else body
                callback = raw_callbacks.get(words[2])
                reply = words[3] if len(words) == (6 if first == _H else 5) else b""
            except (ValueError, IndexError) as wrong:
                raise ProtocolError("nats: malformed message line") from wrong
            if stop + 2 > end:
                needed = stop + 2 - position
                break
            header = buffer[body:body_begins] if first == _H else None
            position = stop + 2
            if callback is None:
                await self._link.process_message(int(words[2]), words[1], reply, buffer[body_begins:stop], header)
                if self._chunks is not chunks:
                    return
                continue
            try:
                callback(words[1], reply, header, buffer[body_begins:stop])
            except Exception:  # noqa: BLE001 - one message's fault must not end the reading of all others
                _log.exception("nats.callback_failed", subject=words[1].decode(errors="replace"))
        rest = buffer[position:]
        self._chunks = [rest] if rest else []
        self._held = len(rest)
        self._needed = needed
