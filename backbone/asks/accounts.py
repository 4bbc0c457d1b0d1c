"""Asked of a channel: how its accounts are, whether one is well, to try one again, its platform's templates."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from backbone.channel import Check, Template
from backbone.nats.rpc import Ask


class Nothing(Struct, frozen=True):
    """Says nothing."""


class Which(Struct, frozen=True):
    """One inbox."""

    inbox: str


class AccountState(Struct, frozen=True):
    """How its processes find an account. `ill`: why nothing goes out, empty if it does; since when, and until when its
    platform holds it (UTC ms). `failing`: why nothing comes in, and since when.
    """

    inbox: str
    ill: str = ""
    since: int = 0
    until: int = 0
    failing: str = ""
    failing_since: int = 0


ACCOUNTS: Final = Ask("accounts", Nothing, list[AccountState])
CHECK: Final = Ask("check", Which, list[Check])
RETRY: Final = Ask("retry", Which, Nothing)
TEMPLATES: Final = Ask("templates", Which, list[Template])
