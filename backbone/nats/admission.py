"""What a process asks before it may write: can this version work on the data there, and on this nats-server?"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, Protocol

from nats.errors import Error as NatsError

from backbone.errors import UnfitError
from backbone.schema import NewerDataError, newer

SERVER_LEAST: Final = (2, 12)
"""Of nats-server: 2.11 drops `allow_atomic` and `persist_mode` without a word, so that a conversation could be opened
without its first message."""

WITHIN_S: Final = 3.0


class ServerVersion(Protocol):
    """As nats-py tells the version of the server that it is connected to."""

    @property
    def major(self) -> int: ...  # noqa: D102 - of a release such as 2.15.1
    @property
    def minor(self) -> int: ...  # noqa: D102 - the same
    @property
    def patch(self) -> int: ...  # noqa: D102 - the same


class Asker(Protocol):
    """A connection as nats-py has it: it asks before `Link.is_open` lets anybody else ask."""

    @property
    def connected_server_version(self) -> ServerVersion: ...  # noqa: D102 - nats-py's

    async def request(self, subject: str, payload: bytes = b"", timeout: float = 0.5) -> Any: ...  # noqa: ASYNC109, D102


class OldServerError(UnfitError):
    """nats-server lacks what the log is made of; nothing was changed."""

    code = "log.old_server"


def too_old(server: ServerVersion) -> str:
    """Why this nats-server can't hold the log; empty if it can."""
    if (server.major, server.minor) >= SERVER_LEAST:
        return ""
    least = ".".join(map(str, SERVER_LEAST))
    return (
        f"nats-server is {server.major}.{server.minor}.{server.patch}, and the log needs {least} or newer: older "
        "ones drop settings of its streams. Nothing was changed: upgrade nats-server."
    )


def need_server(server: ServerVersion) -> None:
    """Raises OldServerError."""
    if problem := too_old(server):
        raise OldServerError(message=problem)


async def admit(link: Asker, log_streams: list[str]) -> bool:
    """Whether it could be told that this version may write here: False where JetStream doesn't answer now.

    Raises NewerDataError, OldServerError. A stream that isn't there says nothing.
    """
    need_server(link.connected_server_version)
    try:
        answers = await asyncio.gather(
            *(link.request(f"$JS.API.STREAM.INFO.CHAT_{s}", b"", timeout=WITHIN_S) for s in log_streams)
        )
    except (NatsError, OSError, TimeoutError):
        return False
    for answer in answers:
        told = json.loads(answer.data)
        config = told.get("config") or {}
        if problem := newer(config.get("name", "The log"), config.get("metadata")):
            raise NewerDataError(message=problem)
    return True
