"""Who is asking: passwords, agents' sessions, visitors' tokens (console.md section 8, "Session")."""

from __future__ import annotations

import time
from typing import Final, Literal

from msgspec import Struct

from backbone import directory, subjects
from backbone.buckets import Bucket
from backbone.errors import InvalidInputError, NotAuthenticatedError
from backbone.events import Actor
from backbone.ids import key_hash, new_secret
from backbone.link import Link
from backbone.signing import VisitorToken
from node.inboxes import Inboxes

COOKIE: Final = "tl"
SECURE_COOKIE: Final = "__Host-tl"
TOUCH_AFTER_S: Final = 300
MARKER_S: Final = 60
"""Nodes that watch hear of a sign-out within seconds; the key is never used again."""


class Who(Struct, frozen=True, kw_only=True):
    """An authenticated actor of one tenant. A visitor has an inbox and, if they are a user of the company's, its own id
    of them in `user`; an agent has a role and a session key.
    """

    kind: Literal["visitor", "agent"]
    tenant: str
    id: str
    name: str = ""
    role: str = ""
    inbox: str = ""
    user: str = ""
    session: str = ""

    def actor(self) -> Actor:
        """As events name them."""
        return Actor(self.kind, self.id, self.name)


class SessionRecord(Struct, frozen=True, kw_only=True):
    """An agent's session in the bucket; Unix seconds."""

    began: int
    seen: int
    address: str = ""


class Sessions:
    """Agents' sessions: made at sign-in, checked at each request, gone when idle or signed out."""

    def __init__(self, link: Link, idle_s: int, life_s: int) -> None:
        self._link = link
        self._idle_s = idle_s
        self._life_s = life_s
        self.bucket: Bucket[SessionRecord] = Bucket(link, "sessions", SessionRecord)

    async def begin(self, tenant: str, agent: str, address: str) -> str:
        """A new session for an agent; returns the cookie's value."""
        secret = new_secret()
        now = int(time.time())
        record = SessionRecord(began=now, seen=now, address=address)
        await self.bucket.create(subjects.key(tenant, agent, key_hash(secret)), record, self._idle_s)
        return f"{tenant}.{agent}.{secret}"

    async def find(self, cookie: str) -> Who:
        """Whom a cookie names. Raises NotAuthenticatedError `session.missing` or `session.expired`."""
        key = _key_of(cookie)
        kept = await self.bucket.get(key)
        now = int(time.time())
        if kept is None or kept.value.began + self._life_s < now:
            raise NotAuthenticatedError("session.expired", "Sign in again.")
        tenant, agent_id, _ = key.split(".")
        agent = await directory.get_agent(self._link, tenant, agent_id)
        if agent is None or not agent.active:
            raise NotAuthenticatedError("session.expired", "Sign in again.")
        if now - kept.value.seen > TOUCH_AFTER_S:
            seen = SessionRecord(began=kept.value.began, seen=now, address=kept.value.address)
            await self.bucket.put(key, seen, self._idle_s)
        return Who(kind="agent", tenant=tenant, id=agent.id, name=agent.name, role=agent.role, session=key)

    async def sign_out(self, cookie: str) -> None:
        """Ends a session everywhere: nodes that watch the bucket close its sockets."""
        await self.bucket.delete(_key_of(cookie), marker_s=MARKER_S)


async def visitor(inboxes: Inboxes, claims: VisitorToken) -> Who:
    """Whom a visitor's token names. Raises NotAuthenticatedError, NotFoundError `inbox.not_found`."""
    tenant, _inbox = await inboxes.find(claims.inbox)
    if tenant != claims.tenant:
        raise NotAuthenticatedError("token.invalid", "The token isn't one of ours.", field="token")
    return Who(kind="visitor", tenant=tenant, id=claims.contact, name=claims.name, inbox=claims.inbox, user=claims.user)


def _key_of(cookie: str) -> str:
    parts = cookie.split(".")
    if len(parts) != 3:
        raise NotAuthenticatedError("session.missing", "Sign in first.")
    try:
        return subjects.key(parts[0], parts[1], key_hash(parts[2]))
    except InvalidInputError:
        raise NotAuthenticatedError("session.missing", "Sign in first.") from None
