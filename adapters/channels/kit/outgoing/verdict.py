"""What a provider's refusal leads to: pure, but for jitter.

One call of a part ended in a fault. `after` says whether the part has its outcome now, is tried again, waits for
something, must be asked about, or is given up; `deliver.py` does it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from adapters.channels.kit.outgoing import backoff
from backbone.channel import (
    Caps,
    Duplicate,
    FaultError,
    MediaGone,
    Moved,
    Pause,
    Rejected,
    Retry,
    Unknown,
    WindowClosed,
)

FOR_EVER: Final = 2**62
"""UTC ms: until something happens, such as a message of the customer's or a repaired account."""

REFUSED_MOST: Final = 5
"""So often a message is sent anew that the platform took and refused later."""

JITTER: Final = 0.1
"""Added at most to a channel's own steps of backing off."""


class Attempt(NamedTuple):
    """One call of a part: how many came before it, here and before the conversation was parked.

    `is_doubtful`: one of them ended without an answer, so the part may have been taken. `left_s`: until the message is
    given up; `now_ms`: UTC.
    """

    tries: int
    tried_before: int
    is_doubtful: bool
    left_s: float
    now_ms: int


class Taken(NamedTuple):
    """The provider has had it since an earlier call."""

    id: str


class Settle(NamedTuple):
    """The part has its outcome, for good."""

    state: Literal["failed", "unknown"]
    code: str
    text: str


class Again(NamedTuple):
    """The same call once more, after `delay_s`. `account_s`: for how long nobody calls for this account.

    `forgets_uploads`: the ids of uploaded files are no longer good.
    """

    delay_s: float
    account_s: float = 0
    forgets_uploads: bool = False


class Park(NamedTuple):
    """The message waits, and its conversation with it: until when (UTC ms) and for what, after `tries`.

    `code`, `text`: what the agent is told meanwhile; `shuts_window`: the customer must write first.
    """

    until: int
    why: Literal["window", "pause", "retry"]
    tries: int = 0
    code: str = ""
    text: str = ""
    account_s: float = 0
    shuts_window: bool = False


class Follow(NamedTuple):
    """The customer is called otherwise by now: the same call once more, with that name."""

    to: str


class Ask(NamedTuple):
    """Nobody can tell whether it was taken: an echo or a receipt may, else its author is asked."""


class GiveUp(NamedTuple):
    """Nobody took it for too long: it failed, and is a dead letter with what the provider said last."""

    text: str


Verdict = Taken | Settle | Again | Follow | Park | Ask | GiveUp


def after(  # noqa: C901, PLR0911, PLR0912 - a case a fault
    error: FaultError,
    attempt: Attempt,
    caps: Caps,
    park_after_s: float,
    chance: Callable[[], float] = random.random,
) -> Verdict:
    """What follows from `error`. `park_after_s`: a longer wait parks the conversation; `chance`: 0 to 1, for jitter."""
    fault = error.fault
    if isinstance(fault, Unknown) and caps.idempotent and not attempt.tries and attempt.left_s > 0:
        # The provider knows the key of a part: once more is safe, and may be answered.
        fault = Retry()
    match fault:
        case Duplicate(id=known):
            return Taken(known)
        case Rejected(reason=reason) if attempt.is_doubtful:
            # An earlier call ended without an answer: that one may have been taken.
            return Settle("unknown", "channel.unknown", reason)
        case Rejected(reason=reason):
            return Settle("failed", "channel.rejected", reason)
        case Unknown():
            return Ask()
        case WindowClosed(reason=reason):
            return Park(FOR_EVER, "window", code="channel.window_platform", text=reason, shuts_window=True)
        case Pause(reason=reason):
            return Park(FOR_EVER, "pause", code="channel.paused", text=reason)
        case MediaGone() if attempt.tries:
            return Settle("failed", "channel.rejected", error.answer)
        case MediaGone():
            return Again(0, forgets_uploads=True)
        case Moved() if attempt.is_doubtful:
            return Settle("unknown", "channel.unknown", error.answer)
        case Moved() if attempt.tries:
            return Settle("failed", "channel.rejected", error.answer)
        case Moved(to=to):
            return Follow(to)
        case Retry():
            return _later(fault, error.answer, attempt, caps, park_after_s, chance)
        case _:
            return _later(Retry(), error.answer, attempt, caps, park_after_s, chance)


def in_words(error: FaultError) -> str:
    """Why a provider refused, for an agent."""
    match error.fault:
        case Rejected(reason=reason) | Pause(reason=reason):
            return reason
        case _:
            return error.answer[:200] or "The platform didn't answer."


def refused_later(times: int, left_s: float, now_ms: int, chance: Callable[[], float] = random.random) -> Park | GiveUp:
    """What follows where the platform refused for a moment, by a status, what it had taken, for the `times`th time."""
    if times > REFUSED_MOST or left_s < 0:
        return GiveUp("")
    delay_s = times + backoff.delay_s(times, left_s, chance)
    return Park(now_ms + round(delay_s * 1000), "retry", times)


def _later(  # noqa: PLR0917 - the parts of one rule
    fault: Retry, answer: str, attempt: Attempt, caps: Caps, park_after_s: float, chance: Callable[[], float]
) -> Again | Park | GiveUp:
    tries = attempt.tries + attempt.tried_before
    steps = caps.backoff_s
    if attempt.left_s < 0 or (steps and tries >= len(steps)):
        return GiveUp(answer)
    if fault.after_s:
        delay_s = fault.after_s
    elif steps:
        delay_s = steps[tries] * (1 + JITTER * chance())
    else:
        delay_s = backoff.delay_s(tries, attempt.left_s, chance)
    account_s = delay_s if fault.account else 0
    if delay_s > park_after_s:
        return Park(attempt.now_ms + round(delay_s * 1000), "retry", tries + 1, account_s=account_s)
    return Again(delay_s, account_s)
