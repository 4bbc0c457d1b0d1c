"""A mail that the server can't give: FETCH fails or ends the connection, each time anew, and all behind it would wait.

What failed is remembered for the next connection. Mails of a page that failed are read one by one; one that failed
several times is passed over once the server gave another mail, since then it is that mail and not the server.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from adapters.channels.email.servers.imap import Box
from backbone.channel import Kit

MOST_TRIES: Final = 3
AT_LAST_TRIES: Final = 30
"""From here on it is passed over though no other mail is given either: with backoff up to a minute, some 15 minutes."""

LIFE_S: Final = 30 * 86_400
_PLACE: Final = "ungiven"
_NEAR: Final = 200
"""How far below a mail another one is looked for."""


class Ungiven(Struct):
    """The mail that failed last and how often in a row; up to `until` mails are read one by one. For one folder."""

    uid_validity: int = 0
    uid: int = 0
    tries: int = 0
    until: int = 0
    is_server_well: bool = False
    """Whether the server gave another mail since then."""

    def is_alone(self, uid: int) -> bool:
        """Whether a mail is to be read by itself."""
        return uid <= self.until


async def recalled(kit: Kit, uid_validity: int) -> Ungiven:
    """What failed in this folder."""
    text = await kit.recall(_PLACE)
    known = msgspec.json.decode(text, type=Ungiven) if text else Ungiven()
    return known if known.uid_validity == uid_validity else Ungiven(uid_validity)


async def failed(known: Ungiven, uids: list[int], kit: Kit) -> None:
    """These couldn't be read together; a single one is counted."""
    known.until = max(known.until, uids[-1])
    if len(uids) == 1:
        known.tries = known.tries + 1 if known.uid == uids[0] else 1
        known.is_server_well = known.is_server_well and known.uid == uids[0]
        known.uid = uids[0]
    await kit.remember(_PLACE, msgspec.json.encode(known).decode(), LIFE_S)


async def is_given_up(known: Ungiven, uids: list[int], box: Box) -> bool:
    """Whether the first of these is to be passed over: it failed once more after the server had given another one.

    Raises UngivenError where the server gives another one neither.
    """
    first = uids[0]
    if known.uid != first or known.tries < MOST_TRIES:
        return False
    if known.is_server_well or known.tries >= AT_LAST_TRIES:
        return True
    below = [uid for uid in await box.since(max(0, first - _NEAR)) if uid < first]
    others = [*uids[1:2], *below[-2:], *uids[2:4]]
    if others:
        # Each time another: it may be as broken.
        await box.head(others[known.tries % len(others)])
    known.is_server_well = True
    return False
