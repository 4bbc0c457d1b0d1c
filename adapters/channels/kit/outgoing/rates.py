"""How fast an account may send: replicas share its budget in slices; a peer's belongs to whoever has their lane."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from backbone.accounts import stores
from backbone.accounts.stores import Budget
from backbone.channel import Rate
from backbone.clock import utc_ms
from backbone.nats.buckets import KeyExistsError, RevisionError
from backbone.nats.link import Link

SLICES: Final = 10
TRIES: Final = 5
MOST_PEERS: Final = 20_000


class Slice(NamedTuple):
    """What is taken of a budget, what is left of it, and how long to wait where nothing could be taken."""

    taken: int
    left: float
    wait_s: float


def take(rate: Rate, known: Budget | None, now_ms: int) -> Slice:
    """Takes up to a tenth of a rate from a budget that refills with time: pure."""
    left: float = rate.n
    if known is not None:
        left = min(rate.n, known.left + max(0, now_ms - known.at) / 1000 * rate.n / rate.seconds)
    taken = min(int(left), max(1, rate.n // SLICES))
    if taken < 1:
        return Slice(0, left, (1 - left) * rate.seconds / rate.n)
    return Slice(taken, left - taken, 0.0)


class _Account:
    """One rate of an account: replicas take slices of its budget, sends take their turns."""

    def __init__(self, link: Link, key: str, rate: Rate) -> None:
        self.rate = rate
        self.waiting = 0
        self._bucket = stores.channels(link)
        self._key = key
        self._mine = 0
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Returns when one more send may begin; first come, first served."""
        self.waiting += 1
        try:
            async with self._turn:
                while self._mine < 1:
                    await self._refill()
                self._mine -= 1
        finally:
            self.waiting -= 1

    async def _refill(self) -> None:
        for _ in range(TRIES):
            kept = await self._bucket.get(self._key)
            known = kept.value if kept and isinstance(kept.value, Budget) else None
            now_ms = utc_ms()
            piece = take(self.rate, known, now_ms)
            if not piece.taken:
                await asyncio.sleep(piece.wait_s)
                return
            budget = Budget(at=now_ms, left=piece.left)
            try:
                if kept:
                    await self._bucket.update(self._key, budget, kept.revision)
                else:
                    await self._bucket.create(self._key, budget)
            except (RevisionError, KeyExistsError):
                continue
            self._mine += piece.taken
            return
        await asyncio.sleep(self.rate.seconds / self.rate.n)


class Rates:
    """The rates of one account."""

    def __init__(self, link: Link, tenant: str, inbox: str, rates: Sequence[Rate]) -> None:
        self._accounts = [
            _Account(link, stores.rate_key(tenant, inbox, "-".join(sorted(r.kinds))), r)
            for r in rates
            if r.per == "account"
        ]
        self._peer = next((r for r in rates if r.per == "peer"), None)
        self._peers: OrderedDict[str, list[float]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Sends that wait for the account's turn."""
        return sum(one.waiting for one in self._accounts)

    def expected_s(self, kind: str) -> float:
        """Seconds that one more send of a kind would wait, about."""
        return max((one.waiting * one.rate.seconds / one.rate.n for one in self._of(kind)), default=0.0)

    async def turn(self, peer: str, kind: str) -> None:
        """Returns when a send of a kind to `peer` may begin; first come, first served."""
        if self._peer:
            await self._peer_turn(self._peer, peer)
        for one in self._of(kind):
            await one.turn()

    def _of(self, kind: str) -> list[_Account]:
        return [one for one in self._accounts if not one.rate.kinds or kind in one.rate.kinds]

    async def _peer_turn(self, rate: Rate, peer: str) -> None:
        now = asyncio.get_running_loop().time()
        times = [t for t in self._peers.pop(peer, []) if t > now - rate.seconds]
        begins = max(now, times[-rate.n] + rate.seconds) if len(times) >= rate.n else now
        self._peers[peer] = [*times, begins]
        if len(self._peers) > MOST_PEERS:
            self._peers.popitem(last=False)
        await asyncio.sleep(begins - now)
