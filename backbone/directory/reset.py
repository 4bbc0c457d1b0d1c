"""A reset: a link by which an agent sets another password, once."""

from __future__ import annotations

import hmac
from typing import Final

from msgspec import Struct

from backbone.directory.agent import Agent
from backbone.directory.fields import invalid
from backbone.directory.secret import password_id
from backbone.ids import check_name, key_hash

RESET_LIFE_S: Final = 24 * 3600
_HASH_LONG: Final = 52


class Reset(Struct, frozen=True, kw_only=True, tag="reset"):
    """Lets whoever holds the secret of which `hash` is the hash set the password of the agent `id`, once, until `exp`
    (Unix seconds) or until their password is another one than that of which `former` is the print. An agent has one
    at most: a newer link takes the place of the one before.
    """

    id: str
    hash: str
    exp: int
    former: str = ""

    def is_opened_by(self, secret: str, agent: Agent, now_s: float) -> bool:
        """Whether a link with this secret counts for its agent as they are now."""
        return (
            agent.active
            and now_s <= self.exp
            and self.former == password_id(agent)
            and hmac.compare_digest(self.hash, key_hash(secret))
        )


def check(reset: Reset) -> Reset:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(reset.id, "agent")
    if len(reset.hash) != _HASH_LONG:
        raise invalid("hash", "Give the hash of the link's secret.")
    return reset
