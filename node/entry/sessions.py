"""Agents' sessions and the ends of visitors' tokens (bucket `sessions`).

A session is `<tenant>.<agent>.<hash of its secret>`; `<tenant>._ended.<contact>` says until when tokens of a contact
were issued that count no longer. Each record is marked by the system's secret: who can write the bucket can't make one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast, get_args

import structlog
from msgspec import Struct, structs

from backbone import directory
from backbone.access import ACTIONS, ROLES, Reach, Who
from backbone.clock import utc_ms
from backbone.errors import InvalidInputError, NotAuthenticatedError, NotFoundError
from backbone.ids import check_contact, check_token, key_hash, new_secret
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Change, Kept, RevisionError, UnreadableError
from backbone.nats.feed import Feed
from backbone.nats.link import Link
from backbone.signing import Signer

TOUCH_AFTER_S: Final = 300
MARKER_S: Final = 60
"""Nodes that watch hear of a sign-out within seconds; the key is never used again."""

MOST_OF_AN_AGENT: Final = 50
"""Sessions at once; beyond, the one that was idle longest ends."""

ENDED: Final = "_ended"
PURPOSE: Final = "session"

_log = structlog.get_logger("node.entry.sessions")


class SessionRecord(Struct, frozen=True, kw_only=True):
    """An agent's session in the bucket; Unix seconds. `password`: by which one it began, as `_print_of` has it.

    Under `_ended`: tokens issued until `ended_ms` (Unix ms) count no longer.
    """

    began: int
    seen: int
    address: str = ""
    password: str = ""
    ended_ms: int = 0
    mark: str = ""


class Sessions:
    """Made at sign-in, checked at each request, gone when idle, too old, ended, or begun by a former password."""

    def __init__(self, link: Link, signer: Signer, idle_s: int, life_s: int, token_life_s: int) -> None:
        self._link = link
        self._signer = signer
        self._idle_s = idle_s
        self._life_s = life_s
        self._token_life_s = token_life_s
        self._ended: dict[str, int] = {}
        self._feed: Feed | None = None
        self._bucket: Bucket[SessionRecord] = Bucket(link, "sessions", SessionRecord)

    async def begin(self, tenant: str, agent: directory.Agent, address: str) -> str:
        """A new session for an agent; returns the cookie's value."""
        kept = await self.of(tenant, agent.id)
        for one in sorted(kept, key=lambda k: k.value.seen)[: max(0, len(kept) - MOST_OF_AN_AGENT + 1)]:
            await self._bucket.delete(one.key, marker_s=MARKER_S)
        secret = new_secret()
        key = subjects.key(tenant, agent.id, key_hash(secret))
        now = _now()
        record = SessionRecord(began=now, seen=now, address=address, password=_print_of(agent))
        await self._bucket.create(key, self._marked(key, record), self._idle_s)
        return f"{tenant}.{agent.id}.{secret}"

    async def find(self, cookie: str) -> Who:
        """Whom a cookie names. Raises NotAuthenticatedError `session.missing` or `session.expired`."""
        return await self.check(key_of(cookie))

    async def check(self, key: str) -> Who:
        """Whose session it is, as the directory has them now. Raises NotAuthenticatedError `session.expired`."""
        kept = await self._bucket.get(key)
        now = _now()
        if kept is None or kept.value.began + self._life_s < now or not self._is_ours(key, kept.value):
            raise _expired()
        tenant, agent_id, _ = key.split(".")
        agent = await directory.get_agent(self._link, tenant, agent_id)
        if agent is None or not agent.active or kept.value.password != _print_of(agent):
            raise _expired()
        if now - kept.value.seen > TOUCH_AFTER_S:
            # By its revision: one that was ended meanwhile must not come back.
            with suppress(RevisionError):
                await self._put(kept, structs.replace(kept.value, seen=now))
        until = kept.value.began + self._life_s
        return Who(
            kind="agent",
            tenant=tenant,
            id=agent.id,
            name=agent.name,
            role=agent.role,
            session=key,
            until=until,
            grants=await self._grants(tenant, agent.role),
            reach=_reach_of(tenant, agent),
            teams=tuple(sorted({agent.team, *agent.teams} - {""})),
            inboxes=agent.inboxes,
        )

    async def _grants(self, tenant: str, role: str) -> frozenset[str] | None:
        """What a custom role allows; None of a role that every tenant has. Nothing, of one that isn't there."""
        if role in ROLES:
            return None
        try:
            found = await directory.get_role(self._link, tenant, role)
        except (UnreadableError, InvalidInputError) as wrong:
            _log.warning("role.skipped", tenant=tenant, role=role, reason=wrong.message)
            return frozenset()
        if found is None:
            _log.warning("role.skipped", tenant=tenant, role=role, reason="there is no such role")
            return frozenset()
        if unknown := sorted(set(found.actions) - ACTIONS):
            _log.warning("role.action_skipped", tenant=tenant, role=role, actions=unknown[:10])
        return frozenset(found.actions) & ACTIONS

    async def of(self, tenant: str, agent: str) -> list[Kept[SessionRecord]]:
        """The sessions of an agent that count, the one used last first."""
        kept = await self._bucket.all(subjects.key(tenant, agent) + ".*")
        live = [k for k in kept if self._is_ours(k.key, k.value) and k.value.began + self._life_s >= _now()]
        return sorted(live, key=lambda k: k.value.seen, reverse=True)

    async def seen(self, tenant: str, agent: str = "*") -> dict[str, int]:
        """By agent, of all or of one, when a session of theirs was last used (Unix seconds, to within five minutes).

        One without sessions isn't in it.
        """
        found: dict[str, int] = {}
        for one in await self._bucket.all(f"{subjects.key(tenant)}.{agent}.*"):
            owner = one.key.split(".")[1]
            if owner != ENDED and self._is_ours(one.key, one.value):
                found[owner] = max(found.get(owner, 0), one.value.seen)
        return found

    async def end(self, tenant: str, agent: str, session: str) -> None:
        """Ends one session everywhere: nodes that watch the bucket close its sockets. Raises NotFoundError."""
        key = subjects.key(tenant, agent, check_token(session, "session"))
        if await self._bucket.get(key) is None:
            raise NotFoundError("session.not_found", "There is no such session.", field="session")
        await self._bucket.delete(key, marker_s=MARKER_S)

    async def end_all(self, tenant: str, agent: str, *, but: str = "") -> int:
        """Ends an agent's sessions, all but the one whose key is `but`; returns how many."""
        ended = [k.key for k in await self._bucket.all(subjects.key(tenant, agent) + ".*") if k.key != but]
        for key in ended:
            await self._bucket.delete(key, marker_s=MARKER_S)
        return len(ended)

    async def sign_out(self, cookie: str) -> None:
        """Ends a session everywhere."""
        await self._bucket.delete(key_of(cookie), marker_s=MARKER_S)

    async def keep_with(self, key: str, agent: directory.Agent) -> None:
        """One session stays when the agent's password becomes that of `agent`, which is stored right after."""
        kept = await self._bucket.get(key)
        if kept is None:
            raise _expired()
        await self._put(kept, structs.replace(kept.value, password=_print_of(agent)))

    # --- visitors' tokens ------------------------------------------------------------------

    async def end_tokens(self, tenant: str, contact: str) -> None:
        """Tokens of a contact that were issued until now count no longer, on any node."""
        key = subjects.key(tenant, ENDED, check_contact(contact))
        record = SessionRecord(began=_now(), seen=_now(), ended_ms=utc_ms())
        # Longer than any token lives, there is nothing left to end.
        await self._bucket.put(key, self._marked(key, record), self._token_life_s)
        self._ended[key] = record.ended_ms

    async def tokens_end(self, tenant: str, contact: str) -> int:
        """Tokens of a contact that were issued until then (Unix ms) count no longer; 0: all do."""
        key = subjects.key(tenant, ENDED, contact)
        if self._feed and self._feed.caught_up.is_set():
            return self._ended.get(key, 0)
        kept = await self._bucket.get(key)
        return kept.value.ended_ms if kept and self._is_ours(key, kept.value) else 0

    def watch(self, ended: Callable[[str], None], tokens_ended: Callable[[str, str, int], None]) -> None:
        """Tells from now on of each session (by its key) and each contact's tokens (tenant, contact, until) that
        ended.
        """

        def take(change: Change[SessionRecord]) -> None:
            tenant, owner, contact = change.key.split(".")
            if owner != ENDED:
                if change.value is None:
                    ended(change.key)
            elif change.value is None:
                self._ended.pop(change.key, None)
            elif self._is_ours(change.key, change.value):
                self._ended[change.key] = change.value.ended_ms
                tokens_ended(tenant, contact, change.value.ended_ms)
            else:
                _log.error("session.forged", key=change.key)

        self._feed = self._bucket.watch(take, reset=self._ended.clear)

    # --- the mark --------------------------------------------------------------------------

    async def _put(self, kept: Kept[SessionRecord], record: SessionRecord) -> None:
        await self._bucket.update(kept.key, self._marked(kept.key, record), kept.revision, self._idle_s)

    def _marked(self, key: str, record: SessionRecord) -> SessionRecord:
        return structs.replace(record, mark=self._signer.mark(PURPOSE, *_parts(key, record)))

    def _is_ours(self, key: str, record: SessionRecord) -> bool:
        return self._signer.is_mark(record.mark, PURPOSE, *_parts(key, record))


def key_of(cookie: str) -> str:
    """The key of a cookie's session. Raises NotAuthenticatedError `session.missing`."""
    parts = cookie.split(".")
    if len(parts) != 3 or parts[1] == ENDED:
        raise NotAuthenticatedError("session.missing", "Sign in first.")
    try:
        return subjects.key(parts[0], parts[1], key_hash(parts[2]))
    except (InvalidInputError, UnicodeEncodeError):
        raise NotAuthenticatedError("session.missing", "Sign in first.") from None


def _parts(key: str, record: SessionRecord) -> tuple[str | int, ...]:
    return key, record.began, record.seen, record.address, record.password, record.ended_ms


def _print_of(agent: directory.Agent) -> str:
    """Tells an agent's password from another one, and nothing about it."""
    return directory.password_id(agent)


def _reach_of(tenant: str, agent: directory.Agent) -> Reach:
    """The reach of an agent's record; of a word that this version doesn't know the narrowest."""
    for known in get_args(Reach):
        if agent.reach == known:
            return cast("Reach", known)
    _log.warning("agent.reach_skipped", tenant=tenant, agent=agent.id, reach=agent.reach[:40])
    return "own"


def _expired() -> NotAuthenticatedError:
    return NotAuthenticatedError("session.expired", "Sign in again.")


def _now() -> int:
    return int(time.time())
