"""What one address and one person may hold on a node: sockets at once, and messages a second over all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from weakref import WeakValueDictionary

from backbone.errors import TooManyError
from node.entry.addresses import counted_as, is_loopback, is_within, networks
from node.entry.limits import TokenBucket
from node.settings import NodeSettings

WAIT_MS: Final = 5000
HELD_MOST: Final = 10_000


class Quotas:
    """Counts by address and by actor. Addresses of trusted proxies, loopback among them, aren't counted: behind
    one of them everybody has the same. Raises SettingError for proxies that are neither addresses nor networks.
    """

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._proxies = networks(settings.proxies, "TRUNKLINE_NODE_PROXIES")
        self._sockets: defaultdict[str, int] = defaultdict(int)
        self._buckets: WeakValueDictionary[str, TokenBucket] = WeakValueDictionary()
        self._held: dict[TokenBucket, None] = {}

    def enter(self, key: str, most: int, what: str, code: str = "limit.sockets") -> None:
        """Counts one more socket (or upload) of an address or actor. Raises TooManyError `code` over `most`."""
        if self._sockets.get(key, 0) >= most:
            raise TooManyError(code, f"Too many connections of one {what}.", retry_after_ms=WAIT_MS)
        self._sockets[key] += 1

    def leave(self, key: str) -> None:
        """Undoes `enter`."""
        left = self._sockets[key] - 1
        if left > 0:
            self._sockets[key] = left
        else:
            del self._sockets[key]

    def counted_as(self, address: str) -> str:
        """By what connections from an address are counted; empty for that of a proxy."""
        key = counted_as(address)
        return key if self.is_counted(key) else ""

    def is_counted(self, address: str) -> bool:
        """Whether an address, as `addresses.counted_as` has it, tells one client, or a small number, from others."""
        return bool(address) and not is_loopback(address) and not is_within(address, self._proxies)

    def bucket(self, key: str, rate: float, burst: int, now: float) -> TokenBucket:
        """The token bucket of an address or actor: one for all of its sockets, for as long as one is there."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(rate, burst, now)
        return bucket

    def hold(self, buckets: Iterable[TokenBucket], now: float) -> None:
        """Keeps buckets of requests, whose actor may have no socket, until they are full again."""
        self._held.update(dict.fromkeys(buckets))
        if len(self._held) > HELD_MOST:
            used = [one for one in self._held if not one.is_full(now)]
            # The oldest half goes where all are in use: who made so many had as many tokens.
            self._held = dict.fromkeys(used[len(used) // 2 :] if len(used) > HELD_MOST // 2 else used)
