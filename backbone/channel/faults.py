"""What went wrong at a provider, as the kit acts on it."""

from __future__ import annotations

from msgspec import Struct


class Retry(Struct, frozen=True, tag=True):
    """Not taken, another try may be. `after_s` is the provider's own wish; `account`: it means the whole account."""

    after_s: float = 0
    account: bool = False


class TokenExpired(Struct, frozen=True, tag=True):
    """The token isn't good any more: fetched anew, and tried once more."""


class WindowClosed(Struct, frozen=True, tag=True):
    """The customer must write first. `reason` is a phrase's key, see `Caps.phrases`."""

    reason: str = "time"


class Rejected(Struct, frozen=True, tag=True):
    """This message will never be taken; `reason` in words for the agent."""

    reason: str


class Duplicate(Struct, frozen=True, tag=True):
    """It was taken before: as good as sent."""

    id: str = ""


class Pause(Struct, frozen=True, tag=True):
    """The account is ill: everything waits until somebody repairs it; `reason` in words for an admin."""

    reason: str


class MediaGone(Struct, frozen=True, tag=True):
    """The id of an uploaded file is no longer good: uploaded again, once."""


class Moved(Struct, frozen=True, tag=True):
    """The customer is called `to` by now: sent there, once."""

    to: str


class Unknown(Struct, frozen=True, tag=True):
    """Whether it was taken can't be told, such as by a code that isn't in the tables while something is sent again."""


Fault = Retry | TokenExpired | WindowClosed | Rejected | Duplicate | Pause | MediaGone | Moved | Unknown


class FaultError(Exception):
    """A fault as `send` and others raise it; `answer` is what the provider said, for the dead letter."""

    def __init__(self, fault: Fault, answer: str = "") -> None:
        super().__init__(f"{type(fault).__name__}: {answer}" if answer else repr(fault))
        self.fault = fault
        self.answer = answer
