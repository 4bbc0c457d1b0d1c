"""An inbox: one account on one channel."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct, structs

from backbone.conversation import Head, closed_for_good
from backbone.directory.fields import LIST_MOST, among, between, invalid, locale, named, text
from backbone.ids import check_name, check_token

REOPEN_WINDOW_S: Final = 72 * 3600
REOPEN_WINDOW_MOST_S: Final = 366 * 86_400
GREETING_MOST: Final = 2000
ORIGIN_MOST: Final = 300
VISITED: Final = frozenset({"web", "app"})
"""Channels whose customers come to a node themselves; those of the others come through their provider alone."""

OPENS_ON: Final = frozenset({"asked", "entered", "never"})

_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")


class Inbox(Struct, frozen=True, kw_only=True, tag="inbox"):
    """One account on one channel. `origins`: sites that may show its widget (`*` for any). `reopen_window_s`: how long
    after it was resolved a conversation is reopened by what its customer writes. `team`: who answers here.
    `opens_on`: what opens a conversation beside a message: `asked`, what asks for somebody (a tap on "speak to a
    person", a QR code with a scene); `entered`, whoever comes in, too; `never`. `greeting` is said then.

    `settings` are the account's, sealed (`backbone.sealing`): JSON of what the channel's `Account` holds. They are
    stored apart, under a key that `sealed` names; what is read has them where it says so. Earlier versions stored them
    inside.
    """

    id: str
    channel: str
    name: str
    origins: tuple[str, ...] = ("*",)
    accent: str = "#0A6B62"
    greeting: str = ""
    locale: str = ""
    reopen_window_s: int = REOPEN_WINDOW_S
    settings: str = ""
    team: str = ""
    sealed: str = ""
    opens_on: str = "asked"


def is_over(head: Head, inbox: Inbox | None, now_ms: int) -> bool:
    """Whether what a conversation's customer writes now must open another one. `inbox`: its record as it is now, None
    once it was removed: then as long as an inbox has it that says nothing.
    """
    window_s = inbox.reopen_window_s if inbox else REOPEN_WINDOW_S
    return closed_for_good(head, now_ms, window_s * 1000)


def check(inbox: Inbox) -> Inbox:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(inbox.id, "inbox")
    check_token(inbox.channel, "channel")
    if not 0 < len(inbox.origins) <= LIST_MOST or not all(0 < len(o) <= ORIGIN_MOST for o in inbox.origins):
        raise invalid("origins", f"Give 1 to {LIST_MOST} sites such as https://www.example.com, or * for any.")
    if not _COLOUR.fullmatch(inbox.accent):
        raise invalid("accent", "Give a colour such as #0A6B62.")
    text(inbox.greeting, GREETING_MOST, "greeting")
    locale(inbox.locale)
    between(inbox.reopen_window_s, 0, REOPEN_WINDOW_MOST_S, "reopen_window_s")
    if inbox.team:
        check_name(inbox.team, "team")
    among(inbox.opens_on, OPENS_ON, "opens_on")
    return structs.replace(inbox, name=named(inbox.name))
