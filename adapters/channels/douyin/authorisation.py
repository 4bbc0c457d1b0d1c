"""An operator's authorisation: how long it lasts, when it is renewed, and when the operator must scan anew; pure.

The access token lives 15 days and the refresh token 30. Refreshing gives another access token and leaves the refresh
token's end where it was; renewing gives another refresh token, five times at most.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

from msgspec import Struct

from backbone.channel import Token

MOST_RENEWALS: Final = 5
ACCESS_LIFE_S: Final = 15 * 86_400
REFRESH_LIFE_S: Final = 30 * 86_400
AGAIN_S: Final = 86_400
"""Life that is claimed of an access token where a renewal failed: it is tried again within a day."""

WARN_DAYS: Final = (1, 3, 7, 14)


class Authorisation(Struct, frozen=True, kw_only=True):
    """What is kept beside an access token. `refresh_until` in Unix seconds; `code`: a hash of the one it began with."""

    refresh: str
    refresh_until: int
    renewals: int
    code: str

    def kept(self) -> dict[str, str]:
        """As `Token.more`; `scan_by` once it can't be renewed again."""
        more = {
            "refresh": self.refresh,
            "refresh_until": str(self.refresh_until),
            "renewals": str(self.renewals),
            "code": self.code,
        }
        return more if self.renewals < MOST_RENEWALS else {**more, "scan_by": str(self.refresh_until)}

    def told(self, open_id: str) -> dict[str, str]:
        """What an examination needs of it; `open_id`: whose it is, where Douyin said so."""
        known = {"code": self.code, "renewals": str(self.renewals), "refresh_until": str(self.refresh_until)}
        return {**known, "open_id": open_id} if open_id else known

    def is_renewed_at(self, now: float) -> bool:
        """Whether the refresh token may not live until the next refresh, and can be renewed."""
        return self.refresh_until - now < ACCESS_LIFE_S and self.renewals < MOST_RENEWALS


def read(token: Token | None) -> Authorisation | None:
    """What is kept beside the token before; None if there was none."""
    if token is None:
        return None
    more = token.more
    return Authorisation(
        refresh=more["refresh"],
        refresh_until=int(more["refresh_until"]),
        renewals=int(more["renewals"]),
        code=more["code"],
    )


def mark(code: str) -> str:
    """A code as it is kept: so that a new one is noticed."""
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def warning(scan_by: float, now: float) -> str:
    """What an admin is told 14, 7, 3 and 1 days before an authorisation that can't be renewed ends; else empty."""
    days = math.ceil((scan_by - now) / 86_400)
    if days <= 0:
        return "The authorisation has ended and can't be renewed: let the operator scan anew, and enter the new code."
    step = next((step for step in WARN_DAYS if days <= step), 0)
    if not step:
        return ""
    within = "a day" if step == 1 else f"{step} days"
    return f"The authorisation ends within {within} and can't be renewed: let the operator scan anew."
