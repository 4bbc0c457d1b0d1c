"""Messages that are sent again: stored once, however late they come.

NATS remembers ids for a minute (`streams.DEDUPE_S`). A version 7 id tells when it was made: an older one, one of a
clock that is ahead, and one of another version is looked up in its conversation before it is published.
"""

from __future__ import annotations

from typing import Final

from backbone import events as ev
from backbone.acks import LogEvent
from backbone.conversation import STEP_EVERY, Head
from backbone.decide import parse_tolerant
from backbone.errors import ConflictError
from backbone.ids import made_at_ms
from backbone.log import Log

FRESH_MS: Final = 20_000
"""Age up to which NATS itself tells a resend: a third of its minute, so that a clock may be 40 s ahead."""

AHEAD_MS: Final = 2000
LOOK_BACK: Final = 20_000
CONVERSATIONS: Final = 3
"""Of a contact, in which a message is looked for that names none."""


def is_fresh(message: str, now_ms: int) -> bool:
    """Whether a message can't have been stored longer ago than NATS remembers ids."""
    made = made_at_ms(message)
    return made is not None and -AHEAD_MS <= now_ms - made <= FRESH_MS


async def find(log: Log, subject: str, head: Head, message: str) -> LogEvent | None:
    """The stored event with the id of a message; None if it isn't among the last of its conversation.

    The newest 200 first, since most resends come soon; some 10,000 by the head's steps, then 20,000 from the beginning.
    """
    wanted, until = message.encode(), head.seq
    for start, most in [*((step, STEP_EVERY + 1) for step in reversed(head.steps)), (1, LOOK_BACK)]:
        if start > until:
            continue
        for event in reversed(await log.replay_all(subject, start - 1, most)):
            if event.seq <= until and wanted in event.raw and parse_tolerant(event.raw).id == message:
                return event
        until = start - 1
        if not until:
            break
    return None


def same(found: LogEvent, author: str, text: str, attachments: list[str], *, note: bool) -> ev.MessageAdded:
    """The stored event, which is the message that is sent again. Raises ConflictError `id.taken` if it isn't."""
    stored = parse_tolerant(found.raw)
    if (
        not isinstance(stored, ev.MessageAdded)
        or stored.by.id != author
        or stored.note != note
        or stored.text != text
        or [file.file for file in stored.attachments] != attachments
    ):
        raise ConflictError("id.taken", "Another message has this id; send yours with one of its own.", field="id")
    return stored
