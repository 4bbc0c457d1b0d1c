"""What the company's system posts as events, and our messages as what it is posted: pure."""

from __future__ import annotations

import base64
import email.utils
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import msgspec

from adapters.channels.api.settings import Account
from backbone.channel import (
    Event,
    Fault,
    Kind,
    MalformedError,
    Message,
    Out,
    OutMedia,
    Pause,
    Receipt,
    Rejected,
    Reply,
    Request,
    Retry,
    Signal,
    Stored,
)
from backbone.outside import guard

KINDS: Final = frozenset(get_args(Kind)) - {"email", "event", "unsupported"}
SIGNALS: Final = frozenset({"enter", "menu", "typing", "recall", "edit", "blocked", "ignored"})
MOST_WAIT_S: Final = 86_400
MOST_FILES: Final = 20

_OURS: Final = ("raw", "html", "fault", "sent_as")
"""Fields that a company's system can't set: `raw` is what it posted, its HTML would be trusted, and what a refusal
means the kit decides.
"""

_TYPES: Final[Mapping[str, type[Message | Receipt | Signal]]] = {
    "message": Message,
    "receipt": Receipt,
    "signal": Signal,
}


def parse(req: Request, acc: Account) -> list[Event]:
    """The event of one callback. Its key is the body's, else the request's `webhook-id`. Raises MalformedError."""
    del acc
    fields = _object(req.body)
    kind = fields.get("t")
    if not isinstance(kind, str):
        raise MalformedError("t must be message, receipt or signal")
    fields = {"key": req.headers.get("webhook-id", ""), **fields}
    if kind not in _TYPES:
        return [Signal(key=str(fields["key"])[:256], name="unknown", raw=req.body)]
    is_unknown = (
        kind == "message" and isinstance(fields.get("kind", ""), str) and fields.get("kind", "text") not in KINDS
    )
    if is_unknown:
        fields["kind"] = "unsupported"
    for name in _OURS:
        fields.pop(name, None)
    event = _event(fields, _TYPES[kind])
    if isinstance(event, Message):
        _check_media(event)
        return [msgspec.structs.replace(event, raw=req.body if is_unknown else b"")]
    if isinstance(event, Signal) and event.name not in SIGNALS:
        raise MalformedError(f"a signal {event.name} isn't a customer's")
    return [event]


def reply(events: Sequence[Event], acc: Account, stored: Sequence[Stored]) -> Reply:
    """202 with the message's place, 200 with the same place for one that was stored before."""
    del events, acc
    body = {"seq": stored[0].seq} if stored else {}
    is_again = bool(stored) and stored[0].duplicate
    return Reply(status=200 if is_again else 202, body=msgspec.json.encode(body), content_type="application/json")


def message(out: Out) -> dict[str, Any]:
    """A part of ours as it is posted; empty fields are left out."""
    body = {
        "type": "message",
        "key": out.key,
        "conversation": out.conv,
        "peer": {"id": out.peer.id, "name": out.peer.name},
        "kind": out.kind,
        "text": out.text,
        "author": out.author,
        "automatic": out.automatic,
        "part": out.part,
        "parts": out.parts,
        "thread": out.thread,
        "reply_to": out.reply_to,
        "context": dict(out.context),
        "template": dict(out.template),
        "file": file(out.media) if out.media else None,
    }
    return {name: value for name, value in body.items() if value or name in {"part", "text"}}


def change(name: str, ref: str, out: Out) -> dict[str, Any]:
    """A message of ours that is withdrawn or changed: `ref` is what the other side called it, else its key."""
    body = {"type": f"message.{name}", "ref": ref, "conversation": out.conv, "peer": {"id": out.peer.id}}
    return {**body, "text": out.text} if name == "edited" else body


def file(media: OutMedia) -> dict[str, Any]:
    """A file by its link where there is one, else with its bytes."""
    told = {"name": media.name, "mime": media.mime, "size": media.size}
    if media.link:
        return {**told, "url": media.link}
    return {**told, "content": base64.b64encode(media.content).decode()}


def outcome(status: int, body: bytes, headers: Mapping[str, str], now: float) -> Fault | None:
    """What an answer means."""
    if 200 <= status < 300:
        return None
    if status == 410:
        return Pause("The system says that it is gone (410): its address takes no more messages.")
    if 300 <= status < 400:
        return Pause(f"The address redirects ({status}): enter the one that it leads to.")
    if status in {401, 403, 404, 408, 425, 429} or status >= 500:
        # A deploy answers 404 for a moment, a proxy 403: by Standard Webhooks only 410 ends it.
        return Retry(after_s=_wait_s(headers.get("retry-after", ""), now))
    return Rejected(f"The system refused it ({status}): {body[:200].decode(errors='replace')}".rstrip(": "))


def id_in(body: bytes) -> str:
    """The id that the system gave, empty if it gave none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
    given = found.get("id") if isinstance(found, dict) else None
    return given[:256] if isinstance(given, str) else ""


def _wait_s(text: str, now: float) -> float:
    """Seconds of a Retry-After, in either of its forms; 0 if it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), MOST_WAIT_S))
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return 0.0
    return min(max(0.0, at - now), MOST_WAIT_S)


def _object(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None
    if not isinstance(decoded, dict):
        raise MalformedError("the body must be a JSON object")
    return decoded


def _event(fields: dict[str, Any], wanted: type[Message | Receipt | Signal]) -> Message | Receipt | Signal:
    try:
        event = msgspec.convert(fields, wanted)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None
    if not 1 <= len(event.key) <= 256:
        raise MalformedError("key must have 1 to 256 characters")
    if event.peer is not None and event.peer.also:
        raise MalformedError("peer.also joins customers, which a platform alone may do")
    if isinstance(event, Message | Signal) and event.peer is not None and not 1 <= len(event.peer.id) <= 256:
        raise MalformedError("peer.id must have 1 to 256 characters")
    return event


def _check_media(event: Message) -> None:
    if not 0 <= event.at < 2**53:
        raise MalformedError("at must be a time in Unix ms")
    if len(event.media) > MOST_FILES:
        raise MalformedError(f"a message has at most {MOST_FILES} files")
    for media in event.media:
        if not 0 <= media.size < 2**53:
            raise MalformedError("media.size must be a number of bytes")
        if media.content or not media.ref:
            raise MalformedError("media is given by its address, as ref")
        try:
            guard.check_url(media.ref)
        except guard.ForbiddenTargetError as error:
            raise MalformedError(f"media.ref: {error}") from None


def encoded(body: dict[str, Any]) -> bytes:
    """The bytes that are signed and posted."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
