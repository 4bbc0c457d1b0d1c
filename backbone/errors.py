"""The error tree of Trunkline: each error has a stable code and a sentence that names the fix.

Codes read `<room>.<reason>` and are API: clients switch on them, docs list them.
"""

from __future__ import annotations


class TrunklineError(Exception):
    """A refusal or failure that a caller can act on.

    `code` is stable API, `message` is for people, `field` names the input at fault,
    `retry_after_ms` says when another try makes sense.
    """

    status = 500
    code = "internal.error"

    def __init__(
        self,
        code: str | None = None,
        message: str = "",
        *,
        field: str | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message or code or self.code)
        self.code = code or self.code
        self.message = message or self.code
        self.field = field
        self.retry_after_ms = retry_after_ms


class InvalidInputError(TrunklineError):
    """The input can't be accepted as it is; `field` says where and `message` how to mend it."""

    status = 422
    code = "input.invalid"


class NotAuthenticatedError(TrunklineError):
    """Nobody, or nobody we know, is asking."""

    status = 401
    code = "session.missing"


class ForbiddenError(TrunklineError):
    """The actor is known and may not do this."""

    status = 403
    code = "access.forbidden"


class NotFoundError(TrunklineError):
    """The thing isn't there, or isn't the actor's to know of."""

    status = 404
    code = "resource.not_found"


class GoneError(TrunklineError):
    """It was there once and can't be used again."""

    status = 410
    code = "resource.gone"


class ConflictError(TrunklineError):
    """Somebody else decided first; `decided_by` holds the stored bytes of the deciding event, if known."""

    status = 409
    code = "conflict"

    def __init__(
        self,
        code: str | None = None,
        message: str = "",
        *,
        field: str | None = None,
        decided_by: bytes | None = None,
    ) -> None:
        super().__init__(code, message, field=field)
        self.decided_by = decided_by


class ChangedError(TrunklineError):
    """It isn't as who asks has read it; nothing was changed."""

    status = 412
    code = "resource.changed"


class PreconditionError(TrunklineError):
    """The request must say which version of the thing it was made for."""

    status = 428
    code = "settings.if_match"


class TooLargeError(TrunklineError):
    """A size limit was passed; the message names it."""

    status = 413
    code = "input.too_large"


class UnsupportedTypeError(TrunklineError):
    """A kind of content that isn't accepted here."""

    status = 415
    code = "input.type_refused"


class TimedOutError(TrunklineError):
    """What was to come didn't come in time."""

    status = 408
    code = "input.too_slow"


class TooManyError(TrunklineError):
    """A rate or a count was passed; `retry_after_ms` says when to come back."""

    status = 429
    code = "limit.rate"


class UnavailableError(TrunklineError):
    """Something we stand on doesn't answer; nothing was stored."""

    status = 503
    code = "log.unavailable"


class UnknownOutcomeError(TrunklineError):
    """No answer came in time: stored or not can't be told. Send again with the same id."""

    status = 503
    code = "log.unknown_outcome"


class SettingError(TrunklineError):
    """A setting is missing or wrong; the process doesn't start."""

    code = "setting.invalid"


class UnfitError(SettingError):
    """What the process was pointed at doesn't fit this version: as with a wrong setting, another start is no use."""

    code = "log.unfit"


BY_STATUS: dict[int, type[TrunklineError]] = {
    kind.status: kind
    for kind in (
        InvalidInputError,
        NotAuthenticatedError,
        ForbiddenError,
        NotFoundError,
        GoneError,
        ConflictError,
        ChangedError,
        PreconditionError,
        TooLargeError,
        TimedOutError,
        UnsupportedTypeError,
        TooManyError,
        UnavailableError,
    )
}
