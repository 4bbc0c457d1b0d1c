"""Rates in memory: token buckets, one per key, forgotten when full again. Pure; time is an argument."""

from __future__ import annotations

from typing import Final

from backbone.errors import TooManyError

PRUNE_ABOVE: Final = 10_000
KEYS_MOST: Final = 200_000
"""Some 40 MB. Beyond, the oldest half is forgotten: who made so many had as many addresses to begin anew from."""


class TokenBucket:
    """`burst` at once, then `rate` a second."""

    __slots__ = ("__weakref__", "_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def take(self, now: float, amount: float = 1) -> float:
        """0 if it may be done now (and is counted), else seconds until it may. More than `burst` counts as that."""
        self._left = self._left_at(now)
        self._at = max(self._at, now)
        amount = min(amount, self._burst)
        if self._left >= amount:
            self._left -= amount
            return 0.0
        return (amount - self._left) / self._rate

    def give(self, amount: float = 1) -> None:
        """Undoes one `take`."""
        self._left = min(self._burst, self._left + amount)

    def wait(self, now: float) -> float:
        """What `take` would answer, without taking."""
        left = self._left_at(now)
        return 0.0 if left >= 1 else (1 - left) / self._rate

    def left(self, now: float) -> tuple[float, float]:
        """What may be taken now, and seconds until all of it may be."""
        left = self._left_at(now)
        return left, (self._burst - left) / self._rate

    def is_full(self, now: float) -> bool:
        """Whether nothing has been taken lately."""
        return self._left_at(now) >= self._burst

    def _left_at(self, now: float) -> float:
        # The clock may have been read before the bucket was made: time never takes anything away.
        return min(self._burst, self._left + max(0.0, now - self._at) * self._rate)


class RateByKey:
    """A token bucket for each key, such as an address."""

    def __init__(self, per_minute: float) -> None:
        self._rate = per_minute / 60
        self._burst = per_minute
        self._buckets: dict[str, TokenBucket] = {}
        self._prune_at = PRUNE_ABOVE

    def give(self, key: str, amount: float = 1) -> None:
        """Undoes one `take` of `key`."""
        if bucket := self._buckets.get(key):
            bucket.give(amount)

    def take(self, key: str, now: float, amount: float = 1) -> float:
        """As `TokenBucket.take`, for `key`."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._prune_at:
                self._prune(now)
            bucket = self._buckets[key] = TokenBucket(self._rate, self._burst, now)
        return bucket.take(now, amount)

    @property
    def most(self) -> float:
        """A minute."""
        return self._burst

    def left(self, key: str, now: float) -> tuple[float, float]:
        """As `TokenBucket.left`, for `key`."""
        bucket = self._buckets.get(key)
        return bucket.left(now) if bucket else (self._burst, 0.0)

    def _prune(self, now: float) -> None:
        used = [(k, b) for k, b in self._buckets.items() if not b.is_full(now)]
        self._buckets = dict(used[len(used) // 2 :] if len(used) >= KEYS_MOST else used)
        # Those in use stay: looking through all of them for each new one would cost more than they take.
        self._prune_at = max(PRUNE_ABOVE, 2 * len(self._buckets))


def check_rate(rate: RateByKey, key: str, now: float) -> None:
    """Raises TooManyError `limit.rate` over the rate."""
    refuse_for(rate.take(key, now))


def refuse_for(wait_s: float) -> None:
    """Raises TooManyError `limit.rate` unless `wait_s` is 0."""
    if wait_s:
        raise TooManyError("limit.rate", "Too often; wait a little.", retry_after_ms=int(wait_s * 1000) + 1)
