"""How often somebody may try to sign in: taken before a password is looked at, given back when it was right. Pure;
time is an argument.

The pair of an account and an address is locked for a while after some wrong tries; an account that many addresses
try is slowed and never locked, or whoever knows an e-mail address could lock its owner out.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Final

from backbone.errors import TooManyError
from node.entry.limits import RateByKey
from node.settings import NodeSettings

ACCOUNT_TIMES: Final = 3
"""Wrong tries of an account from all addresses, as a multiple of those from one, before it is slowed."""

SLOWED_S: Final = 3.0
SLOWED_MOST: Final = 256
"""Tries that wait at once on a node; each costs a request and no work."""

SLOWED_MOST_OF_ONE: Final = 32
"""The same of one account."""

KNOWN_MOST: Final = 10_000


class Attempt:
    """One try to sign in that has been counted."""

    __slots__ = ("_limits", "account", "counts_for_account", "network", "slowed_s")

    def __init__(
        self, limits: LoginLimits, account: str, network: str, slowed_s: float, *, counts_for_account: bool
    ) -> None:
        self._limits = limits
        self.counts_for_account = counts_for_account
        self.account = account
        self.network = network
        self.slowed_s = slowed_s
        """Seconds to wait before the password is looked at."""

    @property
    def is_known(self) -> bool:
        """Whether somebody has signed in to this account from this address lately."""
        return self._limits.knows(self.account, self.network)

    def waited(self) -> None:
        """The wait is over, or was given up."""
        if self.slowed_s:
            self._limits.let_go(self)
            self.slowed_s = 0.0

    def undo(self) -> None:
        """Nothing was looked at: it doesn't count."""
        self._limits.give_back(self)

    def was_right(self) -> None:
        """The password was right: it doesn't count, and the address isn't slowed from now on."""
        self._limits.give_back(self)
        self._limits.know(self)


class LoginLimits:
    """Of one node."""

    def __init__(self, settings: NodeSettings) -> None:
        self._addresses = RateByKey(settings.login_address_rate)
        self._pairs = RateByKey(settings.login_rate)
        self._accounts = RateByKey(settings.login_rate * ACCOUNT_TIMES)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._slowed: Counter[str] = Counter()

    def address(self, network: str, now: float) -> None:
        """Counts one request of an address. Raises TooManyError `limit.rate`."""
        _refuse(self._addresses.take(network, now))

    def attempt(self, account: str, network: str, now: float) -> Attempt:
        """Counts a try. `account` as typed, in one form; `network` by `addresses.counted_as`.

        Raises TooManyError `limit.rate`, for this pair alone.
        """
        self.address(network, now)
        _refuse(self._pairs.take(_pair(account, network), now))
        is_within = not self._accounts.take(account, now)
        if is_within or self.knows(account, network):
            return Attempt(self, account, network, 0.0, counts_for_account=is_within)
        if self._slowed[account] >= SLOWED_MOST_OF_ONE or self._slowed.total() >= SLOWED_MOST:
            self._pairs.give(_pair(account, network))
            _refuse(SLOWED_S)
        self._slowed[account] += 1
        return Attempt(self, account, network, SLOWED_S, counts_for_account=False)

    def give_back(self, attempt: Attempt) -> None:
        """It doesn't count."""
        self._pairs.give(_pair(attempt.account, attempt.network))
        if attempt.counts_for_account:
            self._accounts.give(attempt.account)

    def know(self, attempt: Attempt) -> None:
        """Its owner has signed in from there."""
        key = (attempt.account, attempt.network)
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)

    def knows(self, account: str, network: str) -> bool:
        """Whether its owner has signed in from there."""
        return (account, network) in self._known

    def let_go(self, attempt: Attempt) -> None:
        """It waits no longer."""
        self._slowed[attempt.account] -= 1
        if not self._slowed[attempt.account]:
            del self._slowed[attempt.account]


def _pair(account: str, network: str) -> str:
    return f"{network} {account}"


def _refuse(wait_s: float) -> None:
    if wait_s:
        raise TooManyError(
            "limit.rate", "Too many tries to sign in; wait a little.", retry_after_ms=int(wait_s * 1000) + 1
        )
