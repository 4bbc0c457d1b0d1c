"""The accounts of one channel: inboxes of the directory with their settings opened, and how each of them is.

Both are watched, so that a setting changed in the console, or an account that another replica found to be ill, is
known here at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
import prometheus_client
import structlog
from msgspec import Struct, structs

from backbone.accounts import stores
from backbone.accounts.pulse import Pulses
from backbone.accounts.stores import Health
from backbone.channel import Channel
from backbone.clock import utc_ms
from backbone.directory import Inbox, Mirror, Record, Secret
from backbone.directory.mirror import SETTINGS
from backbone.directory.secret import KIND as SECRET
from backbone.directory.secret import key_for, sealed_id
from backbone.errors import InvalidInputError, NotFoundError, TrunklineError, UnavailableError
from backbone.nats import subjects
from backbone.nats.buckets import Change
from backbone.nats.link import Link
from backbone.sealing import Sealer

CAUGHT_UP_WITHIN_S: Final = 30.0
REMOVED: Final = "The account was removed."
NO_SETTINGS: Final = "Its settings aren't here. Enter them again."

_log = structlog.get_logger("channels.accounts")
_paused = prometheus_client.Gauge(
    "trunkline_channel_account_paused", "1 while an account is ill and its messages wait.", ["channel", "inbox"]
)


class Account:
    """One inbox with its opened settings. `settings` is None where they can't be used: `problem` says why."""

    __slots__ = ("bell", "health", "inbox", "problem", "settings", "tenant", "well")

    def __init__(self, tenant: str, inbox: Inbox) -> None:
        self.tenant = tenant
        self.inbox = inbox
        self.settings: Any = None
        self.problem = ""
        self.health = Health()
        self.well = asyncio.Event()
        self.bell: dict[str, str] = {}
        """Streams that something was announced for, with the provider's hint."""

    @property
    def id(self) -> str:
        """The inbox's."""
        return self.inbox.id

    @property
    def ill(self) -> str:
        """Why nothing can be sent, empty if it can."""
        return self.problem or self.health.paused


class Accounts:
    """All accounts of a channel, by inbox. `changed` is called with each that comes, changes or becomes well."""

    def __init__(self, link: Link, channel: Channel, sealer: Sealer) -> None:
        self._link = link
        self._channel = channel
        self._sealer = sealer
        self._known: dict[str, Account] = {}
        self._removed: dict[str, Account] = {}
        """Kept, so that who holds one of them has it again when it is connected again under its id."""

        self._health: dict[tuple[str, str], Health] = {}
        self.pulses = Pulses(link)
        self._bucket = stores.channels(link)
        self.changed: list[Callable[[Account], None]] = []
        self._mirror = Mirror(link, (SETTINGS, "inbox"), self._directory_moved)
        self._feed = self._bucket.watch(self._health_moved, "*.health.*")

    async def caught_up(self) -> None:
        """Returns once all accounts are known. Raises UnavailableError `directory.unread` after 30 s."""
        await self._mirror.caught_up()
        try:
            async with asyncio.timeout(CAUGHT_UP_WITHIN_S):
                await self._feed.caught_up.wait()
        except TimeoutError:
            raise UnavailableError(
                "directory.unread", f"The bucket `channels` couldn't be read within {CAUGHT_UP_WITHIN_S:g} s."
            ) from None

    async def close(self) -> None:
        """Ends watching."""
        await asyncio.gather(self._mirror.close(), self._feed.close())

    def all(self) -> list[Account]:
        """Every account of the channel."""
        return list(self._known.values())

    def find(self, tenant: str, inbox: str) -> Account:
        """The account of an inbox. Raises NotFoundError `inbox.not_found`."""
        account = self._known.get(inbox)
        if account is None or account.tenant != tenant:
            raise NotFoundError("inbox.not_found", "There is no such inbox on this channel.", field="inbox")
        return account

    def well_set(self, tenant: str, inbox: str) -> Account:
        """As `find`, and its settings can be used. Raises NotFoundError, InvalidInputError `inbox.settings`."""
        account = self.find(tenant, inbox)
        if account.settings is None:
            raise InvalidInputError("inbox.settings", account.problem)
        return account

    async def pause(self, account: Account, reason: str) -> None:
        """The account is ill: nothing more is sent until it is repaired."""
        if account.health.paused:
            return
        _log.error("account.paused", tenant=account.tenant, inbox=account.id, reason=reason)
        await self._put(account, Health(paused=reason, since=utc_ms()))

    async def hold(self, account: Account, seconds: float) -> None:
        """The provider wants the whole account to wait."""
        until = utc_ms() + round(seconds * 1000)
        if until > account.health.until and not account.health.paused:
            await self._put(account, structs.replace(account.health, until=until))

    async def repaired(self, account: Account) -> None:
        """The account is well again."""
        if account.health.paused:
            _log.info("account.repaired", tenant=account.tenant, inbox=account.id)
            await self._put(account, Health())

    async def fails_to_fetch(self, account: Account, reason: str) -> None:
        """What comes in can't be fetched, again and again; empty once it can."""
        if bool(reason) != bool(account.health.failing):
            if reason:
                _log.error("account.unfetched", tenant=account.tenant, inbox=account.id, reason=reason)
            else:
                _log.info("account.fetched", tenant=account.tenant, inbox=account.id)
            since = utc_ms() if reason else 0
            await self._put(account, structs.replace(account.health, failing=reason, failing_since=since))

    async def _put(self, account: Account, health: Health) -> None:
        self._set_health(account, health)
        await self._bucket.put(stores.health_key(account.tenant, account.id), health)

    def _directory_moved(self, change: Change[Record]) -> None:
        tenant, kind, *rest = change.key.split(".")
        if kind == SECRET:
            # Its inbox may have come before it: the two are read by a watch each, in no order.
            inbox_id = rest[1]
            inbox = self._mirror.get(Inbox, subjects.key(tenant, "inbox", inbox_id))
            if inbox is None or key_for(tenant, inbox) != change.key or change.value is None:
                return
        else:
            inbox_id = rest[0]
            inbox = self._mirror.get(Inbox, change.key)
        if inbox is None or inbox.channel != self._channel.name:
            self._remove(inbox_id)
        else:
            self._inbox_moved(tenant, inbox)

    def _inbox_moved(self, tenant: str, inbox: Inbox) -> None:
        account = self._known.get(inbox.id) or self._removed.pop(inbox.id, None)
        whole = self._with_settings(tenant, inbox, account)
        before = sealed_id(account.inbox) if account else sealed_id(whole)
        if account is None:
            account = Account(tenant, whole)
            account.health = self._health.get((tenant, inbox.id), Health())
        self._known[inbox.id] = account
        account.inbox = whole
        if whole.sealed and not whole.settings:
            account.settings, account.problem = None, NO_SETTINGS
        else:
            self._open(account)
        if before != sealed_id(whole) and (account.health.paused or account.health.failing):
            # New settings are a repair: what is still wrong pauses it again.
            account.health = Health()
        self._tell(account)

    def _with_settings(self, tenant: str, inbox: Inbox, account: Account | None) -> Inbox:
        """The inbox with its settings; with its former ones for the moment in which the new ones aren't here yet."""
        if inbox.settings or not inbox.sealed:
            return inbox
        kept = self._mirror.get(Secret, key_for(tenant, inbox))
        former = account.inbox.settings if account else ""
        return structs.replace(inbox, settings=kept.value if kept else former)

    def _open(self, account: Account) -> None:
        try:
            account.settings = open_settings(self._channel, self._sealer, account.tenant, account.inbox)
            account.problem = ""
        except TrunklineError as error:
            account.settings, account.problem = None, error.message
            _log.error("account.unusable", tenant=account.tenant, inbox=account.id, reason=error.message)

    def _remove(self, inbox_id: str) -> None:
        account = self._known.pop(inbox_id, None)
        if account is not None:
            _log.info("account.removed", tenant=account.tenant, inbox=inbox_id)
            self._removed[inbox_id] = account
            account.settings, account.problem = None, REMOVED
            self._tell(account)
            _paused.remove(self._channel.name, inbox_id)

    def _health_moved(self, change: Change[stores.Record]) -> None:
        tenant, _, inbox_id = change.key.split(".", 2)
        health = change.value if isinstance(change.value, Health) else Health()
        self._health[tenant, inbox_id] = health
        account = self._known.get(inbox_id)
        if account is not None and account.tenant == tenant:
            self._set_health(account, health)

    def _set_health(self, account: Account, health: Health) -> None:
        account.health = health
        self._tell(account)

    def _tell(self, account: Account) -> None:
        _paused.labels(self._channel.name, account.id).set(bool(account.ill))
        if account.ill:
            account.well.clear()
        else:
            account.well.set()
        for changed in self.changed:
            changed(account)


def open_settings(channel: Channel, sealer: Sealer, tenant: str, inbox: Inbox) -> Any:
    """An inbox's settings as the channel's `Account`. Raises TrunklineError where they can't be opened or don't fit."""
    raw = sealer.open(sealed_name(tenant, inbox.id), inbox.settings) if inbox.settings else b"{}"
    return check_settings(channel, raw)


def seal_settings(channel: Channel, sealer: Sealer, tenant: str, inbox: str, values: Any) -> str:
    """Settings for `Inbox.settings`. Raises InvalidInputError `inbox.settings` naming the field that is wrong."""
    account = check_settings(channel, msgspec.json.encode(values))
    return sealer.seal(sealed_name(tenant, inbox), msgspec.json.encode(account))


def check_settings(channel: Channel, raw: bytes) -> Any:
    """JSON as the channel's `Account`. Raises InvalidInputError `inbox.settings` naming the field that is wrong."""
    kind: type[Struct] = channel.Account
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as wrong:
        said = str(wrong)
        field = said.split("`$.", 1)[1].split("`", 1)[0] if "`$." in said else ""
        if "missing required field `" in said:
            field = said.split("missing required field `", 1)[1].split("`", 1)[0]
        raise InvalidInputError("inbox.settings", said, field=field) from None


def sealed_name(tenant: str, inbox: str) -> str:
    """What the settings of an inbox are sealed to."""
    return f"inbox:{tenant}:{inbox}"
