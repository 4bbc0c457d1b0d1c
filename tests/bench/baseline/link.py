"""nats-py without its messages: what comes in goes, as bytes, to one call for each subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nats.aio.client import Client

Call = Callable[[bytes, bytes, bytes], None]
"""(subject, header block, payload)."""


class ThinLink(Client):
    """A connection that hands bytes on, and takes whole commands of the NATS protocol."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[int, Call] = {}

    def listen(self, subject: bytes, call: Call) -> None:
        """Subscribes; each message is a call and no object."""
        self._sid += 1
        self._calls[self._sid] = call
        self.put(b"SUB %b  %d\r\n" % (subject, self._sid))

    def put(self, command: bytes) -> None:
        """Appends to what goes out with the next flush."""
        self._pending.append(command)
        self._pending_data_size += len(command)
        queue = self._flush_queue
        if queue is not None and queue.empty():
            queue.put_nowait(asyncio.get_running_loop().create_future())

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        call = self._calls.get(sid)
        if call is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            call(subject, headers, data)
