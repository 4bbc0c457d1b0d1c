"""Whether who wrote a message may change or withdraw it: pure. The window is the channel's, from when it was said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from backbone import events as ev
from backbone.errors import ConflictError, ForbiddenError, InvalidInputError, TrunklineError


class Allowed(NamedTuple):
    """What a channel lets be done with a message that went out: whether, and for how many seconds (0: always)."""

    can: bool
    within_s: float = 0


ALWAYS = Allowed(can=True)
"""Of notes, and where customers fetch messages from a node."""


class Message(NamedTuple):
    """A message as it is by now."""

    added: ev.MessageAdded
    text: str
    is_withdrawn: bool


def now(added: ev.MessageAdded, later: Iterable[ev.Event | ev.Envelope]) -> Message:
    """A message after what follows it in its conversation."""
    message = Message(added, added.text, is_withdrawn=False)
    for event in later:
        if isinstance(event, ev.MessageRecalled) and event.target == added.id:
            message = message._replace(is_withdrawn=True)
        elif isinstance(event, ev.MessageEdited) and event.target == added.id:
            message = message._replace(text=event.text)
    return message


def refusal(  # noqa: PLR0911 - a return a reason
    message: Message, author: str, text: str | None, allowed: Allowed, now_ms: int
) -> TrunklineError | None:
    """Why `author` may not give a message this `text` (None: withdraw it) at `now_ms` (UTC); None if they may."""
    added = message.added
    if added.by.kind != "agent" or added.by.id != author:
        return ForbiddenError("message.not_yours", "Only who wrote a message changes or withdraws it.", field="target")
    if added.provider is not None:
        return ConflictError("message.elsewhere", "It was written in the platform's own app: change it there.")
    if message.is_withdrawn:
        return ConflictError("message.withdrawn", "The message is withdrawn already.")
    if text is not None and (added.parts or added.kind == "event"):
        return ConflictError("message.fixed", "What is a template's can't be changed; withdraw it, or write anew.")
    if text is not None and not text.strip() and not added.attachments:
        return InvalidInputError("text.empty", "Write something, or withdraw the message.", field="text")
    if not allowed.can:
        return ConflictError("message.channel_keeps", "On this channel what was sent stays as it is.")
    if allowed.within_s and now_ms - added.at > allowed.within_s * 1000:
        hours = allowed.within_s / 3600
        within = f"{hours:g} hours" if hours >= 1 else f"{allowed.within_s / 60:g} minutes"
        return ConflictError("message.too_late", f"This channel lets it be done for {within} after sending.")
    return None
