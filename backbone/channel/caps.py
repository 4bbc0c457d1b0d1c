"""What a channel can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

API_VERSION: Final = 1
"""Version of this contract; a plugin says which one it was written for (`Caps.api`)."""

Measure = Literal["bytes", "utf16", "chars"]


class Window(Struct, frozen=True, kw_only=True):
    """Sending is allowed `count` times (0: without bound) within `seconds` after `by` happened."""

    by: Literal["message", "enter", "menu"] = "message"
    count: int = 0
    seconds: float
    template_after: bool = False
    """Whether templates may be sent once it is closed."""

    setting: str = ""
    """It is there only for accounts whose setting of this name is on; empty: for all."""


def windows_of(windows: Iterable[Window], is_on: Callable[[str], Any]) -> list[Window]:
    """Those that an account has; `is_on` tells of a setting by its name."""
    return [one for one in windows if not one.setting or is_on(one.setting)]


class Rate(Struct, frozen=True, kw_only=True):
    """At most `n` calls of send in `seconds`, of the whole account or to one peer."""

    n: int
    seconds: float
    per: Literal["account", "peer"] = "account"
    kinds: frozenset[str] = frozenset()
    """Of the account: what it counts, where it doesn't count all; beside the rate of all."""


class Caps(Struct, frozen=True, kw_only=True):
    """What a channel can: the kit splits, refuses, waits and falls back by it."""

    kinds: frozenset[str] = frozenset({"text"})
    """Kinds that `send` takes; others go out as a signed link (files) or are rejected."""

    text: tuple[int, Measure] = (4096, "chars")
    addressed_by: Literal["", "email"] = ""
    """By what agents may write to whom has never written: by e-mail addresses, with a subject and copies; or not."""

    caption: bool = False
    """Whether text and file may go out as one part."""

    together: bool = False
    """Whether text and all files go out as one part (mail)."""

    media_bytes: Mapping[str, int] = {}
    """Most bytes of a file by kind; a larger one goes out as a link."""

    media_types: Mapping[str, frozenset[str]] = {}
    """MIME types that are taken by kind, where not all are; another goes out as a plain file, else as a link."""

    windows: tuple[Window, ...] = ()
    rates: tuple[Rate, ...] = ()
    receipts: frozenset[str] = frozenset()
    """States that the provider tells of by itself, among delivered and read."""

    idempotent: bool = False
    """Whether a second call with the same `Out.key` is taken once."""

    echoes: bool = False
    """Whether our own messages come back, which settles a try that ended without an answer."""

    quotes: bool = False
    """Whether customers' messages name the one of ours that they answer, by the id that `send` returned."""

    recalls: bool = False
    edits: bool = False
    recall_s: float = 0
    """Seconds after sending within which a message can be withdrawn; 0: without bound, as far as is known."""

    edit_s: float = 0
    """The same for changing one."""

    token_as: tuple[Literal["query", "header", "bearer", ""], str] = ("", "")
    ack_seconds: float = 5
    body_bytes: int = 1024 * 1024
    media_life_s: float = 0
    poll_s: float = 0
    """Seconds between fetches where nothing rings; 0: only when something does."""

    streams: tuple[str, ...] = ("main",)
    """What `fetch` or `listen` reads, each with a cursor of its own."""

    visited: bool = False
    """Whether customers come to a node themselves: `send` only rings, where nobody fetched the message soon."""

    callbacks: bool = True
    """Whether the platform calls us, so that somebody must enter our address there."""

    parallel: int = 32
    """Sends of one account at once."""

    timeout_s: float = 15
    backoff_s: tuple[float, ...] = ()
    """Delays between tries, where the channel promises its own; then it is given up."""

    phrases: Mapping[str, str] = {}
    """Reasons in words for people, by key, in English; a console has them in its languages by the same key."""

    data: Mapping[str, str] = {}
    """Names of `Message.attributes` and `Signal.data` beside those of `backbone.events.data.NAMES`, explained."""

    api: int = API_VERSION
