"""What nodes and the command line ask a channel's processes, beside callbacks: how accounts are, whether one is
well, and to try one again.
"""

from __future__ import annotations

from typing import Any, Final

import structlog

from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from backbone.accounts.accounts import Accounts
from backbone.asks.accounts import ACCOUNTS, CHECK, RETRY, TEMPLATES, AccountState, Nothing, Which
from backbone.channel import Check, FaultError, Pause, Rejected, Template
from backbone.errors import InvalidInputError, UnavailableError
from backbone.nats import rpc

PROBLEM_MOST: Final = 500

_log = structlog.get_logger("channels.answering")


class Answers:
    """Answers for all accounts of one channel."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits) -> None:
        self._room = room
        self._accounts = accounts
        self._kits = kits

    def verbs(self) -> dict[str, rpc.Verb[Any]]:
        """By their names."""
        return {
            **rpc.answered(ACCOUNTS, self.states),
            **rpc.answered(CHECK, self.check),
            **rpc.answered(RETRY, self.retry),
            **rpc.answered(TEMPLATES, self.templates),
        }

    async def states(self, tenant: str, _request: Nothing) -> list[AccountState]:
        """How each account of a tenant is."""
        return [
            AccountState(a.id, a.ill, a.health.since, a.health.until, a.health.failing, a.health.failing_since)
            for a in self._accounts.all()
            if a.tenant == tenant
        ]

    async def check(self, tenant: str, which: Which) -> list[Check]:
        """Examines an account at its platform. Raises NotFoundError, InvalidInputError `inbox.settings`."""
        account = self._accounts.well_set(tenant, which.inbox)
        channel: Any = self._room.channel
        if not hasattr(channel, "check"):
            return []
        try:
            found: list[Check] = await channel.check(account.settings, self._kits.of(account))
        except FaultError as error:
            found = [Check("account", str(error)[:PROBLEM_MOST])]
        except Exception as error:  # noqa: BLE001 - somebody else's code: told to who asked, and logged
            _log.exception("check.broke", inbox=account.id)
            found = [Check("account", f"{type(error).__name__}: {error}"[:PROBLEM_MOST])]
        return found

    async def templates(self, tenant: str, which: Which) -> list[Template]:
        """What an account's platform has approved, asked now.

        Raises InvalidInputError `template.refused` with the reason in words, UnavailableError `template.busy`.
        """
        account = self._accounts.well_set(tenant, which.inbox)
        channel: Any = self._room.channel
        if not hasattr(channel, "templates"):
            return []
        try:
            found: list[Template] = await channel.templates(account.settings, self._kits.of(account))
        except FaultError as error:
            if isinstance(error.fault, Pause | Rejected):
                raise InvalidInputError("template.refused", error.fault.reason) from None
            raise UnavailableError(
                "template.busy", "The platform doesn't tell its templates now.", retry_after_ms=5000
            ) from None
        return found

    async def retry(self, tenant: str, which: Which) -> Nothing:
        """Takes an account for well: what waits goes out, and what is still wrong pauses it again."""
        await self._accounts.repaired(self._accounts.well_set(tenant, which.inbox))
        return Nothing()
