"""Tokens of accounts, shared by all replicas: fetched once, kept sealed, renewed under a lease at 80 % of life."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec
import structlog
from msgspec import Struct

from backbone.accounts import stores
from backbone.accounts.stores import KeptToken
from backbone.channel import FaultError, Retry, Token
from backbone.errors import TrunklineError
from backbone.locks import NamedLocks
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, KeyExistsError
from backbone.nats.leases import Holder
from backbone.nats.link import Link
from backbone.sealing import Sealer

RENEW_AT: Final = 0.8
LOCK_S: Final = 20
LOOK_S: Final = 0.1

_log = structlog.get_logger("channels.tokens")

Fetch = Callable[[Token | None], Awaitable[Token]]


class _Known(NamedTuple):
    token: Token
    fetched_at: float
    ends_at: float
    basis: str
    place: str

    def is_young(self, now: float, basis: str) -> bool:
        return self.basis == basis and now < self.fetched_at + (self.ends_at - self.fetched_at) * RENEW_AT


class _Sealed(Struct):
    value: str
    life_s: float
    more: dict[str, str] = {}


class Tokens:
    """The tokens of one account. `basis` names the settings that it has now: a token got by others isn't used. `place`
    names its addresses: what is renewed by an earlier token isn't shown it at another address.
    """

    def __init__(  # noqa: PLR0917 - where, whose, by whom and by what
        self,
        link: Link,
        sealer: Sealer,
        tenant: str,
        inbox: str,
        holder: str,
        basis: Callable[[], str],
        place: Callable[[], str],
    ) -> None:
        self._bucket = stores.channels(link)
        self._leases: Bucket[Holder] = Bucket(link, "leases", Holder)
        self._sealer = sealer
        self._tenant = tenant
        self._inbox = inbox
        self._holder = Holder(holder)
        self._basis = basis
        self._place = place
        self._known: dict[str, _Known] = {}
        self._locks: NamedLocks[str] = NamedLocks()

    async def get(self, name: str, fetch: Fetch, refused: str = "") -> str:
        """A token that is good now. `refused`: this one isn't, whatever its age."""
        known = self._known.get(name)
        if known and known.token.value != refused and known.is_young(time.time(), self._basis()):
            return known.token.value
        async with self._locks.hold(name):
            known = self._known.get(name)
            if known and known.token.value != refused and known.is_young(time.time(), self._basis()):
                return known.token.value
            return (await self._renewed(name, fetch, refused)).token.value

    async def _renewed(self, name: str, fetch: Fetch, refused: str) -> _Known:
        """Another replica's token if it has a better one, else one fetched by whoever holds the lease."""
        lease = subjects.key("token", self._inbox, name)
        deadline = asyncio.get_running_loop().time() + LOCK_S
        while True:
            kept = await self._read(name)
            is_good = (
                kept is not None
                and kept.basis == self._basis()
                and kept.token.value != refused
                and time.time() < kept.ends_at
            )
            if kept and is_good and kept.is_young(time.time(), self._basis()):
                return kept
            try:
                revision = await self._leases.create(lease, self._holder, LOCK_S)
            except KeyExistsError:
                if kept and is_good:
                    # Somebody renews it, and the old one is good meanwhile.
                    return kept
                if asyncio.get_running_loop().time() > deadline:
                    raise FaultError(Retry(), "the token is being renewed elsewhere and doesn't come") from None
                await asyncio.sleep(LOOK_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                continue
            try:
                # Between our look and our lease somebody else may have been done.
                again = await self._read(name)
                if again and again.token.value != refused and again.is_young(time.time(), self._basis()):
                    return again
                return await self._fetched(name, fetch, again)
            finally:
                await self._leases.delete(lease, revision)

    async def _fetched(self, name: str, fetch: Fetch, before: _Known | None) -> _Known:
        basis = self._basis()
        place = self._place()
        # One that was kept before places were has that of its settings.
        is_here = before is not None and (before.place == place if before.place else before.basis == basis)
        token = await fetch(before.token if before and is_here else None)
        now = time.time()
        known = self._known[name] = _Known(token, now, now + token.life_s, basis, place)
        sealed = self._sealer.seal(
            self._name(name), msgspec.json.encode(_Sealed(value=token.value, life_s=token.life_s, more=token.more))
        )
        kept = KeptToken(
            sealed=sealed, fetched_at=round(now * 1000), ends_at=round(known.ends_at * 1000), basis=basis, place=place
        )
        await self._bucket.put(stores.token_key(self._tenant, self._inbox, name), kept)
        _log.info("token.fetched", tenant=self._tenant, inbox=self._inbox, token=name, life_s=token.life_s)
        return known

    async def _read(self, name: str) -> _Known | None:
        kept = await self._bucket.get(stores.token_key(self._tenant, self._inbox, name))
        if kept is None or not isinstance(kept.value, KeptToken):
            return None
        try:
            opened = msgspec.json.decode(self._sealer.open(self._name(name), kept.value.sealed), type=_Sealed)
        except TrunklineError as error:
            _log.warning("token.unreadable", tenant=self._tenant, inbox=self._inbox, error=error.message)
            return None
        token = Token(value=opened.value, life_s=opened.life_s, more=opened.more)
        record = kept.value
        known = _Known(token, record.fetched_at / 1000, record.ends_at / 1000, record.basis, record.place)
        self._known[name] = known
        return known

    def _name(self, name: str) -> str:
        return f"token:{self._tenant}:{self._inbox}:{name}"
