"""What LINE's answers mean: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from backbone.channel import Duplicate, Fault, Pause, Rejected, Retry, TokenExpired, Unknown

QUOTA_S: Final = 3600
"""The month's messages are used up, or a broadcast under way has reserved the rest: a reply is free all the same."""


class MaybeTaken(Retry, frozen=True, tag=True):
    """Another try may succeed, and LINE may have taken this one: a push is known by its key, a reply isn't."""


MAY_BE_TAKEN: Final = (MaybeTaken, Unknown)
"""After these nobody can tell whether a call was taken."""

QUOTA: Final = Retry(after_s=QUOTA_S)
REPLY_OVER: Final = Rejected("The customer's message is too long ago to be replied to for free (400).")
QUOTE_WRONG: Final = Rejected("LINE doesn't know the message that this one quotes (400).")

FAULTS: Final[dict[int, Fault]] = {
    401: TokenExpired(),
    403: Pause("LINE doesn't allow the account this (403): its plan or the channel's permissions lack it."),
    404: Rejected("LINE doesn't know it (404): the customer doesn't follow the account, or what they sent is gone."),
    410: Rejected("LINE no longer has it (410)."),
    413: Rejected("The message is too large for LINE (413)."),
    415: Rejected("LINE doesn't take this type (415)."),
    429: Retry(account=True),
}
"""By status, where LINE's words don't say more."""

WORDS: Final[dict[tuple[int, str], Fault]] = {
    (400, "Invalid reply token"): REPLY_OVER,
    (400, "quoteToken"): QUOTE_WRONG,
    (400, "Failed to send messages"): Rejected(
        "LINE can't deliver it (400): the customer isn't known to this account, or the account left the group."
    ),
    (400, "The property, 'to',"): Rejected("LINE doesn't know this customer: the id is another provider's."),
    (400, "originalContentUrl"): Rejected("LINE doesn't take the file's address: customers must reach it by https."),
    (400, "previewImageUrl"): Rejected("LINE doesn't take the preview's address: it must be an https one."),
    (429, "monthly limit"): QUOTA,
}
"""By status and what LINE's words contain."""

WRONG_SECRET: Final = Pause("LINE refuses the channel ID or secret: compare them with the LINE Developers Console.")
UNREADABLE: Final = MaybeTaken()


class _Detail(Struct):
    message: str = ""
    property: str = ""


class _Taken(Struct):
    id: str = ""


class _Answer(Struct, rename="camel"):
    message: str = ""
    details: list[_Detail] = []
    sent_messages: list[_Taken] = []
    error: str = ""


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """None if all is well, also for 202: whoever asked for a file finds that it isn't ready."""
    del headers
    if 200 <= status < 300:
        return None
    if status >= 500:
        return MaybeTaken()
    answer = _read(body)
    if answer.error:
        # Of the endpoint for tokens, which answers as OAuth does.
        return WRONG_SECRET
    if status == 409:
        return Duplicate(answer.sent_messages[0].id if answer.sent_messages else "")
    said = _said(answer)
    return next((fault for (of, part), fault in WORDS.items() if of == status and part in said), None) or FAULTS.get(
        status, Rejected(f"LINE ({status}): {said[:200]}")
    )


def _read(body: bytes) -> _Answer:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _Answer(body[:200].decode(errors="replace"))


def _said(answer: _Answer) -> str:
    """LINE's words, with each field that it finds wrong."""
    return "; ".join([answer.message, *(f"{one.property}: {one.message}" for one in answer.details)])
