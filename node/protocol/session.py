"""One socket's protocol as a pure state machine: a frame comes in, a verdict comes out. No await, no
clock, no I/O.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import msgspec
from msgspec import Struct

from backbone.access import REFUSED, OnTenant, Who, may
from backbone.commands import check_ids, wrong_with
from backbone.errors import InvalidInputError
from backbone.ids import check_client_uuid, check_conversation
from node.entry.limits import TokenBucket
from node.protocol import frames as f


class Bounds(Struct, frozen=True, kw_only=True):
    """What a socket may do; from the node's settings."""

    text_bytes: int
    visitor_conversations: int
    agent_conversations: int
    read_rate: float
    read_burst: int


class _Named(Struct):
    t: str = ""
    id: str = ""


_named_decoder = msgspec.json.Decoder(_Named)


class Do(NamedTuple):
    """The frame may be acted on."""

    frame: f.ClientFrame


class Refuse(NamedTuple):
    """Not done; the client is told why and the socket lives."""

    err: f.Err


class Close(NamedTuple):
    """The socket ends with a code."""

    code: int
    reason: str


Verdict = Do | Refuse | Close

_WANTED: dict[type[f.ClientFrame], OnTenant] = {
    f.Act: "conversation.list",
    f.Watch: "conversation.list",
    f.Presence: "presence.choose",
}
"""What a frame needs before anything is looked up; the rest is asked of the conversation."""


class Session:
    """State: who it is (None before `hello`), which conversations are attached, how fast it sends."""

    __slots__ = ("_bounds", "_rates", "_reads", "conversations", "who")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._rates: tuple[TokenBucket, ...] = ()
        self._reads: TokenBucket | None = None
        self.who: Who | None = None
        self.conversations: set[str] = set()

    def began(self, who: Who, rates: tuple[TokenBucket, ...] = ()) -> None:
        """The `hello` was accepted as `who`'s. Each message takes from each of `rates`: the actor's, the address's."""
        self.who = who
        self._rates = rates

    def is_now(self, who: Who) -> None:
        """The same actor, with another name, role or end."""
        self.who = who

    def on_text(self, text: str | bytes, now: float) -> Verdict:
        """A text frame as it came in."""
        try:
            frame = f.decode(text)
        except msgspec.ValidationError as wrong:
            return self._bad(text, str(wrong))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as wrong:
            return self._unreadable(text, wrong)
        return self.on_frame(frame, now)

    def on_frame(self, frame: f.ClientFrame, now: float) -> Verdict:
        """A decoded frame: act on it, refuse it, or close."""
        who = self.who
        if isinstance(frame, f.Hello):
            return Do(frame) if who is None else Close(f.BAD_FRAME, "hello comes once")
        if who is None:
            return Close(f.NOT_AUTHENTICATED, "the first frame must be hello")
        return self._known(frame, who, now)

    def _known(self, frame: f.ClientFrame, who: Who, now: float) -> Verdict:
        wanted = _WANTED.get(type(frame))
        if wanted and (code := may(who, wanted)):
            return _refuse(frame, code, REFUSED[code])
        try:
            _check_ids(frame)
        except InvalidInputError as wrong:
            return _refuse(frame, wrong.code, wrong.message, wrong.field or "")
        if isinstance(frame, f.Send):
            return self._on_send(frame, who, now)
        if isinstance(frame, f.Sub):
            return self._on_sub(frame, who, now)
        if isinstance(frame, f.History | f.Watch | f.Mark):
            return self._read(frame, now)
        return self._limited(frame, now) if isinstance(frame, f.Signal | f.Act | f.Presence) else Do(frame)

    def _on_send(self, frame: f.Send, who: Who, now: float) -> Verdict:
        problem = wrong_with(frame, who.kind, self._bounds.text_bytes)
        if problem:
            return _refuse(frame, *problem)
        return self._limited(frame, now)

    def _on_sub(self, frame: f.Sub, who: Who, now: float) -> Verdict:
        most = self._bounds.agent_conversations if who.kind == "agent" else self._bounds.visitor_conversations
        if frame.conv not in self.conversations and len(self.conversations) >= most:
            return _refuse(frame, "limit.conversations", f"A socket holds {most} conversations; unsub one first.")
        return self._read(frame, now)

    def _read(self, frame: f.ClientFrame, now: float) -> Verdict:
        if self._reads is None:
            self._reads = TokenBucket(self._bounds.read_rate, self._bounds.read_burst, now)
        wait_s = self._reads.take(now)
        if not wait_s:
            return Do(frame)
        return _refuse(frame, "limit.rate", "Too many at once; ask again later.", retry_after_ms=int(wait_s * 1000) + 1)

    def _limited(self, frame: f.ClientFrame, now: float) -> Verdict:
        wait_s = max([rate.wait(now) for rate in self._rates], default=0.0)
        if not wait_s:
            for rate in self._rates:
                rate.take(now)
            return Do(frame)
        what = "signals." if isinstance(frame, f.Signal) else "messages; send it again a little later."
        return _refuse(frame, "limit.rate", f"Too many {what}", retry_after_ms=int(wait_s * 1000) + 1)

    def _unreadable(self, text: str | bytes, wrong: Exception) -> Verdict:
        """What msgspec doesn't read. Half an emoji, as an escape or as bytes, is a fault of one text: closing for it
        ended a chat for good, since its page sent the same again after each reconnect.
        """
        named = _read_leniently(text) if self.who is not None else None
        if named is None:
            return Close(f.BAD_FRAME, f"not a JSON object of the protocol: {wrong}"[:120])
        message = "The text holds half a character, which isn't Unicode text; send it without."
        return Refuse(f.Err(of=named.t[:16], id=named.id[:64], code="text.invalid", message=message, field="text"))

    def _bad(self, text: str | bytes, problem: str) -> Verdict:
        if self.who is None:
            return Close(f.BAD_FRAME, f"frame.invalid: {problem}"[:120])
        # Named by its id where it has one, so that whoever waits for an answer to it gets this one.
        try:
            named = _named_decoder.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            named = _Named()
        message, _, path = problem.partition(" - at `$.")
        return Refuse(
            f.Err(of=named.t[:16], id=named.id[:64], code="frame.invalid", message=message, field=path.rstrip("`"))
        )


def _refuse(frame: f.ClientFrame, code: str, message: str, field: str = "", retry_after_ms: int = 0) -> Refuse:
    return Refuse(
        f.Err(
            of=f.name_of(frame),
            id=getattr(frame, "id", ""),
            conv=getattr(frame, "conv", "") or "",
            code=code,
            message=message,
            field=field,
            retry_after_ms=retry_after_ms,
        )
    )


def _check_ids(frame: f.ClientFrame) -> None:
    if isinstance(frame, f.Send):
        check_ids(frame)
        return
    conv = getattr(frame, "conv", None)
    if conv is not None:
        check_conversation(conv)
    if isinstance(frame, f.Act | f.Presence):
        check_client_uuid(frame.id)


def _read_leniently(text: str | bytes) -> _Named | None:
    """What names a frame that is JSON but for surrogates without their other half; None of anything else."""
    try:
        frame = json.loads(text)
        if not isinstance(frame, dict):
            return None
        json.dumps(frame, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _Named(*(str(frame.get(name, "")).encode(errors="replace").decode() for name in ("t", "id")))
    except (ValueError, RecursionError):
        return None
    return None
