"""Reads `DEAD`: events that an adapter gave up, with the reason, oldest first (`worker.bury` writes them)."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Final, NamedTuple

from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.streams import DEAD
from backbone.nats.wire.answers import ApiError
from backbone.nats.wire.header import header_value

MOST: Final = 1000
NO_MESSAGE: Final = 404
NOT_FOUND: Final = frozenset({10037, 10043, 10057})
"""JetStream's own numbers for a message that isn't there, by how it is asked for."""

_ESCAPED: Final = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
"""How `bury` writes what isn't ASCII into a header."""


class Letter(NamedTuple):
    """A dead letter: its sequence in `DEAD`, when (UTC ms) and why it was given up, after how many tries, and the
    event: where it stands in the log, and its bytes.
    """

    number: int
    at_ms: int
    reason: str
    attempts: int
    subject: str
    stream: str
    seq: int
    raw: bytes


async def letters(link: Link, tenant: str, adapter: str, after: int = 0, most: int = MOST) -> list[Letter]:
    """Those of one adapter and tenant whose number is above `after`, `most` at once."""
    found: list[Letter] = []
    subject = subjects.dead(tenant, adapter)
    while len(found) < most:
        after = found[-1].number if found else after
        try:
            answer = await link.api(f"STREAM.MSG.GET.{DEAD}", {"seq": after + 1, "next_by_subj": subject})
        except ApiError as error:
            if error.status_code == NO_MESSAGE:
                break
            raise
        found.append(_letter(answer["message"]))
    return found


async def letter(link: Link, tenant: str, adapter: str, number: int) -> Letter | None:
    """One of them; None if there is none of that number."""
    found = await letters(link, tenant, adapter, number - 1, 1)
    return found[0] if found and found[0].number == number else None


async def forget(link: Link, number: int) -> None:
    """Takes one out: it was dealt with. One that isn't there any more is no error."""
    try:
        await link.api(f"STREAM.MSG.DELETE.{DEAD}", {"seq": number})
    except ApiError as error:
        if error.err_code not in NOT_FOUND:
            raise


def _letter(message: dict[str, str]) -> Letter:
    header = base64.b64decode(message.get("hdrs", ""))

    def told(name: str) -> str:
        return (header_value(header, name.encode()) or b"").decode("ascii", "replace")

    return Letter(
        number=int(message["seq"]),
        at_ms=round(datetime.fromisoformat(message["time"]).timestamp() * 1000),
        reason=_ESCAPED.sub(lambda m: chr(int(m[1] or m[2] or m[3], 16)), told("Trunkline-Reason")),
        attempts=int(told("Trunkline-Attempts") or 0),
        subject=told("Trunkline-Subject"),
        stream=told("Trunkline-Stream"),
        seq=int(told("Trunkline-Sequence") or 0),
        raw=base64.b64decode(message.get("data", "")),
    )
