"""What NATS answers, and what it means that it doesn't."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from backbone.errors import ForbiddenError, TrunklineError, UnavailableError, UnknownOutcomeError

WRONG_LAST_SEQUENCE: Final = 10071
"""JetStream's number for an expectation that doesn't hold."""


class Reply(NamedTuple):
    """An answer: the header block as it came (None without one) and the payload."""

    header: bytes | None
    data: bytes


class ApiError(TrunklineError):
    """JetStream refused: `status_code` is HTTP-like, `err_code` its own number, such as 10071."""

    code = "log.refused"

    def __init__(self, status_code: int, err_code: int, description: str) -> None:
        super().__init__(message=description)
        self.status_code = status_code
        self.err_code = err_code


class ApiProblem(msgspec.Struct):
    """Why JetStream refuses: an HTTP-like code, and its own number."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class ApiAnswer(msgspec.Struct):
    """What of an answer of its API says whether it refuses."""

    error: ApiProblem | None = None


def unknown() -> UnknownOutcomeError:
    """No answer came."""
    return UnknownOutcomeError(
        "log.unknown_outcome", "The log didn't answer in time. Send it again with the same id.", retry_after_ms=500
    )


def not_ours(subject: str) -> ForbiddenError:
    """The permissions of this process's user don't reach there."""
    return ForbiddenError(
        "log.forbidden", f"NATS doesn't let this process publish to {subject[:200]}: see `trunkline nats users`."
    )


def nobody() -> UnavailableError:
    """No responders."""
    return UnavailableError("log.no_responders", "Nobody answers there now.")


def unreachable() -> UnavailableError:
    """There is no connection."""
    return UnavailableError("log.unavailable", "The log can't be reached now. Try again soon.", retry_after_ms=1000)


answer_decoder = msgspec.json.Decoder(ApiAnswer)
