"""A reset: a link by which an agent sets another password, once."""

from __future__ import annotations

import hmac
from typing import Final

from msgspec import Struct

from backbone.directory.fields import invalid
from backbone.ids import check_name, key_hash

RESET_LIFE_S: Final = 24 * 3600
_HASH_LONG: Final = 52


class Reset(Struct, frozen=True, kw_only=True, tag="reset"):
    """Lets whoever holds the secret of which `hash` is the hash set the password of the agent `id`, once, until `exp`
    (Unix seconds). An agent has one at most: a newer link takes the place of the one before.
    """

    id: str
    hash: str
    exp: int

    def is_opened_by(self, secret: str, now_s: float) -> bool:
        """Whether a link with this secret counts."""
        return now_s <= self.exp and hmac.compare_digest(self.hash, key_hash(secret))


def check(reset: Reset) -> Reset:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(reset.id, "agent")
    if len(reset.hash) != _HASH_LONG:
        raise invalid("hash", "Give the hash of the link's secret.")
    return reset
