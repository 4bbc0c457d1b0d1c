"""Whether a customer may be written to now: windows as platforms count them, pure.

A window opens when the customer does something, for so many seconds and so many messages. Open if any of them is.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from backbone.channel import Window


class Opened(Struct):
    """The last time the customer did something (UTC ms), and the messages sent since."""

    at: int
    sent: int = 0


class State(Struct):
    """What is known of one customer. `shut_at`: the platform said no, against our count (UTC ms)."""

    opened: dict[str, Opened] = {}
    shut_at: int = 0


class Room(Struct, frozen=True):
    """What may be sent: `left` messages (-1: without bound) until `until_ms`; `reason` why nothing may.

    `template`: a template may be sent all the same.
    """

    is_open: bool
    left: int = -1
    until_ms: int = 0
    reason: str = ""
    template: bool = False


def opened(state: State, by: str, at_ms: int) -> None:
    """The customer did something: its window begins anew."""
    state.opened[by] = Opened(at_ms)
    state.shut_at = 0


def sent(state: State) -> None:
    """A message went out; it counts in every window."""
    for one in state.opened.values():
        one.sent += 1


def shut(state: State, at_ms: int) -> None:
    """The platform refuses although we thought it open: nothing more until the customer does something."""
    state.shut_at = at_ms


def room(windows: Sequence[Window], state: State, now_ms: int) -> Room:
    """What may be sent now."""
    if not windows:
        return Room(is_open=True)
    template = any(w.template_after for w in windows)
    if state.shut_at:
        return Room(is_open=False, reason="platform", template=template)
    best: Room | None = None
    reason = "never"
    for window in windows:
        since = state.opened.get(window.by)
        if since is None:
            continue
        until_ms = since.at + round(window.seconds * 1000)
        left = max(0, window.count - since.sent) if window.count else -1
        if now_ms >= until_ms:
            reason = "time" if reason == "never" else reason
        elif left == 0:
            reason = "count"
        elif best is None or until_ms > best.until_ms:
            best = Room(is_open=True, left=left, until_ms=until_ms)
    return best or Room(is_open=False, reason=reason, template=template)
