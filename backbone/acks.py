"""What the log answers: acknowledgements, refusals in our words, and events as they are stored."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from backbone.errors import TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.nats import subjects
from backbone.nats.wire.answers import ApiError, Reply
from backbone.nats.wire.header import REFLECTED, by_the_server, header_value, is_reflected, status_of

REPEATED_ID_IN_BATCH: Final = 10201
DUPLICATE_IN_PROCESS: Final = 10158
"""A message with this id was taken in and isn't on a majority of servers yet."""
ACCOUNT_EXCEEDED: Final = 10002
STORE_FAILED: Final = 10077
INSUFFICIENT_RESOURCES: Final = 10023
STORAGE_EXCEEDED: Final = 10047


_PLACE = re.compile(rb"\r\nNats-Sequence: (\d+)\r\n(?:Nats-Time-Stamp: [^\r]*\r\n)?Nats-Last-Sequence: (\d+)\r\n")
"""As nats-server writes them; in another order or apart they are looked for one by one."""


class Stored(NamedTuple):
    """Where an event is: its sequence, and whether it had been there before."""

    seq: int
    duplicate: bool = False


class LogEvent(NamedTuple):
    """A stored event: its sequence and stored bytes, and its subject."""

    seq: int
    raw: bytes
    subject: str = ""


class WrongSequenceError(TrunklineError):
    """The subject's last sequence isn't the expected one. Read on, fold, ask again."""

    status = 409
    code = "log.wrong_sequence"


class Ack(msgspec.Struct):
    """What JetStream says of a publish."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: AckError | None = None


class AckError(msgspec.Struct):
    """Why it refuses one: an HTTP-like code, and its own number."""

    code: int = 0
    err_code: int = 0
    description: str = ""


def place_of(header: bytes | None) -> tuple[int, int]:
    """(sequence, previous sequence of its subject) of a live message; (0, 0) of a signal, which has neither."""
    header = by_the_server(header)
    if header is None:
        return 0, 0
    both = _PLACE.search(header)
    if both is not None:
        return int(both[1]), int(both[2])
    seq = header_value(header, b"Nats-Sequence")
    return (int(seq), int(header_value(header, b"Nats-Last-Sequence") or 0)) if seq else (0, 0)


def stored_at(header: bytes | None) -> float | None:
    """When the log stored a live message (Unix seconds by nats-server's clock); None where it doesn't say."""
    told = header_value(by_the_server(header), b"Nats-Time-Stamp")
    try:
        return datetime.fromisoformat(told.decode()).timestamp() if told else None
    except ValueError:
        return None


def is_of(header: bytes | None, subject: str) -> bool:
    """Whether a live message with a place is what the log copied from that subject, and not somebody's answer."""
    return header_value(by_the_server(header), b"Nats-Subject") == subject.encode()


def stream_of(subject: str) -> str:
    """The stream of an event's subject, two digits."""
    return subjects.parse_chat(subject).stream


def ends(header: bytes | None, _data: bytes) -> bool:
    """Whether an answer is the last of a batched direct get: the only one with a status."""
    return status_of(header) is not None


def is_single(_header: bytes | None, _data: bytes) -> bool:
    """The first answer is the last."""
    return True


def log_event(header: bytes | None, data: bytes) -> LogEvent:
    """An answer of a direct get."""
    told = by_the_server(header)
    seq = header_value(told, b"Nats-Sequence")
    subject = header_value(told, b"Nats-Subject")
    raw = REFLECTED if is_reflected(header, as_direct=True) else data
    return LogEvent(int(seq or 0), raw, (subject or b"").decode())


def refusal(error: AckError) -> TrunklineError:
    """A cluster refuses for a while what it will store later: who sends it again with the same id is served."""
    if error.err_code == DUPLICATE_IN_PROCESS:
        return UnknownOutcomeError(
            "log.unknown_outcome", "The log is still storing this. Send it again with the same id.", retry_after_ms=500
        )
    if says_full(error):
        # Room comes when somebody makes some: whoever waits is told rather than kept.
        return UnavailableError("log.full", f"The log has no room, and nothing was stored: {error.description}.")
    if error.code == 503:
        return UnavailableError(
            "log.unavailable", f"The log can't store now: {error.description}.", retry_after_ms=1000
        )
    return ApiError(error.code, error.err_code, error.description)


def says_full(error: AckError) -> bool:
    """A store fails for many reasons under one number; those of room are told by its words."""
    if error.err_code == STORE_FAILED:
        return error.description.startswith("maximum ") or "no space left" in error.description
    return error.err_code in {ACCOUNT_EXCEEDED, INSUFFICIENT_RESOURCES, STORAGE_EXCEEDED}


def checked(reply: Reply) -> Ack:
    """The acknowledgement in an answer; raises what it refuses with."""
    if not reply.data:
        return Ack()
    ack = read(reply.data)
    if ack.error:
        raise refusal(ack.error)
    return ack


def outcome_of(error: TrunklineError) -> TrunklineError:
    """In the log's words: that nobody listens on a subject says that its stream isn't there now."""
    if error.code == "log.no_responders":
        # A cluster that elects a leader, or a server that still reads its store, has one again soon.
        return UnavailableError(
            "log.unavailable", "The log has no stream for this now; run `trunkline doctor`.", retry_after_ms=1000
        )
    return error


_decoder = msgspec.json.Decoder(Ack)


def read(answer: bytes) -> Ack:
    """An acknowledgement, or the refusal in it. Raises msgspec.DecodeError."""
    return _decoder.decode(answer)
