"""Who of a contact is connected here, and hears that another of their connections has opened a conversation: on any
node, by a subject of core NATS. What is lost there (a link that was cut) the next `welcome` tells.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

import msgspec
import structlog

from backbone.access import Who
from backbone.errors import TrunklineError
from backbone.nats import subjects
from backbone.nats.link import Link
from node.peer import Peer
from node.protocol import frames as f

RECENT_MOST: Final = 1_000
RECENT_S: Final = 10.0
"""A hello that was answered meanwhile may have looked before the conversation was there."""

_log = structlog.get_logger("node.openings")


class _Told(msgspec.Struct, frozen=True):
    """What nodes tell each other: the conversation, its inbox, and the session that needs not be told."""

    conv: str
    inbox: str
    session: str = ""


_decoder = msgspec.json.Decoder(_Told)


class Openings:
    """Visitors' sockets of this node by contact and inbox: a contact of several inboxes is a person in each."""

    def __init__(self, link: Link) -> None:
        self._link = link
        # A tuple and no set: nearly every contact has one socket.
        self._sockets: dict[str, tuple[Peer, ...]] = {}
        self._recent: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def listen(self) -> None:
        """Hears from now on what any node tells."""
        self._link.subscribe_raw(subjects.OPENED, self._heard)

    def join(self, who: Who, socket: Peer) -> str | None:
        """The socket of a visitor is told from now on. Returns a conversation that was opened a moment ago: it may have
        become another contact's since, by a sign-in.
        """
        key = _key(who.tenant, who.id, who.inbox)
        self._sockets[key] = (*self._sockets.get(key, ()), socket)
        at, conv = self._recent.get(key, (0.0, ""))
        return conv if conv and time.monotonic() - at < RECENT_S else None

    def leave(self, who: Who, socket: Peer) -> None:
        """No more; one that never joined is ignored."""
        key = _key(who.tenant, who.id, who.inbox)
        rest = tuple(one for one in self._sockets.pop(key, ()) if one is not socket)
        if rest:
            self._sockets[key] = rest

    def tell(self, tenant: str, contact: str, conv: str, *, inbox: str, session: str) -> None:
        """All connections of a contact to an inbox, but `session`, hear of the conversation."""
        try:
            self._link.publish_raw(subjects.opened(tenant, contact), msgspec.json.encode(_Told(conv, inbox, session)))
        except TrunklineError as error:
            _log.info("opened.not_told", code=error.code)

    def _heard(self, subject: bytes, _reply: bytes, _header: bytes | None, raw: bytes) -> None:
        contact = subject.decode().removeprefix("opened.")
        try:
            told = _decoder.decode(raw)
        except msgspec.DecodeError:
            _log.warning("opened.unreadable", contact=contact)
            return
        key = f"{contact}.{told.inbox}"
        self._recent[key] = (time.monotonic(), told.conv)
        self._recent.move_to_end(key)
        if len(self._recent) > RECENT_MOST:
            self._recent.popitem(last=False)
        for socket in self._sockets.get(key, ()):
            if socket.id != told.session:
                socket.push(f.encode(f.Opened(conv=told.conv)))


def _key(tenant: str, contact: str, inbox: str) -> str:
    return f"{tenant}.{contact}.{inbox}"
