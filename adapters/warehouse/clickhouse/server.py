"""What is told of a ClickHouse server that can't be used now, and how long its answers are waited for.

A server is somebody else's: away, slow, locked, full or of another version. Nothing of that ends the warehouse's
process; it says one sentence and tries again.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from clickhouse_connect.driver.exceptions import StreamFailureError

from adapters.warehouse.settings import SECTION, Warehouse
from backbone.errors import UnavailableError
from backbone.nats.rpc import TIMEOUT_S
from backbone.settings import variable

NEEDS: Final = (26, 2)
"""The first version whose text index search needs."""

CONNECT_S: Final = 3
PROBE_S: Final = 5
ANSWER_S: Final = int(TIMEOUT_S) - 1
"""Seconds that a question may take: whoever asks gives up a second later, and shall be told why."""

SIGN_IN: Final = frozenset({192, 193, 194, 195, 516})
"""ClickHouse's numbers for a user or password that it doesn't take."""
RIGHTS: Final = frozenset({164, 497})
NO_TABLES: Final = frozenset({60, 81})
"""A table or the database isn't there."""

_VERSION: Final = re.compile(r"^(\d{1,4})\.(\d{1,4})(?:\.|$)")


class AwayError(UnavailableError):
    """The server can't be used now; the message is one sentence that names it and why."""

    code = "warehouse.unavailable"

    def __init__(self, message: str) -> None:
        super().__init__("warehouse.unavailable", message, retry_after_ms=5000)


class Waits(NamedTuple):
    """How long a client waits for one answer, in seconds."""

    load_s: int
    question_s: int
    probe_s: int


def waits(settings: Warehouse) -> Waits:
    """The bounds of one request to a server."""
    most = settings.timeout_s
    return Waits(most, min(most, ANSWER_S), min(most, PROBE_S))


def options(answer_s: int) -> dict[str, Any]:
    """What every client of a server is made with.

    Without a session: ClickHouse locks one while a statement runs in it, so that after an answer that didn't come in
    time the next statement would be refused (code 373).
    """
    return {"connect_timeout": CONNECT_S, "send_receive_timeout": answer_s, "autogenerate_session_id": False}


def quiet() -> None:
    """Keeps the library's own lines out of the log: each failed request is one, and is told by us in a sentence."""
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)


def place(dsn: str) -> str:
    """The server of a DSN as people call it: host and port, without the password."""
    parts = urlsplit(dsn)
    host = parts.hostname or "?"
    return f"{host}:{parts.port}" if parts.port else host


def is_away(failed: ClickHouseError) -> bool:
    """Whether a failure is the server's, whatever was asked: nobody answers, or it doesn't let us in."""
    if failed.code is None:
        return not isinstance(failed, StreamFailureError) and failed.__cause__ is not None
    return failed.code in SIGN_IN


def sentence(failed: ClickHouseError, server: str) -> str:
    """Why a server can't be used, and what mends it."""
    said = brief(failed)
    if failed.code in SIGN_IN:
        return (
            f"ClickHouse at {server} refuses the user or the password of {variable(SECTION, 'dsn')} "
            f"(code {failed.code}): put them right, and it goes on by itself."
        )
    if failed.code in RIGHTS:
        return f"ClickHouse at {server} doesn't let its user do what the warehouse needs; grant it: {said}"
    if failed.code is None:
        return f"ClickHouse at {server} doesn't answer: {said}"
    return f"ClickHouse at {server} refuses: {said}"


def brief(failed: ClickHouseError) -> str:
    """What it said, in a line without addresses of objects."""
    cause = failed.__cause__
    text = str(failed) if cause is None else str(getattr(cause, "reason", None) or cause)
    text = text[max(text.find("Code: "), 0) :].partition(" (for url ")[0]
    line = " ".join(re.sub(r"<[^<>]{0,200}>:? ?|\w{0,80}\(host=[^()]{0,200}\): ?", "", text).split())
    return line[:300]


def too_old(version: str, server: str) -> str:
    """The sentence about a server that is too old, or says no version; empty if it is new enough."""
    found = _VERSION.match(version)
    if found and (int(found[1]), int(found[2])) >= NEEDS:
        return ""
    wanted = ".".join(str(n) for n in NEEDS)
    return f"ClickHouse at {server} is version {version[:40]}: {wanted} or newer is needed, for the index of words."
