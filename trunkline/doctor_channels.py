"""What `trunkline doctor` says of channels: which are installed, which have accounts, whether these are well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from backbone import directory, rpc
from backbone.channels import registry
from backbone.channels.accounts import AccountState
from backbone.channels.registry import Found
from backbone.channels.settings import ChannelSettings
from backbone.channels.wanted import WEB
from backbone.directory import Inbox
from backbone.errors import TrunklineError
from backbone.link import Link
from backbone.settings import load
from trunkline.findings import Check

ANSWERS_WITHIN_S: Final = 3.0
MOST_NAMED: Final = 5


async def channels(link: Link) -> AsyncIterator[Check]:
    """A line on what is installed, and one for each channel that has accounts."""
    found = await asyncio.to_thread(registry.discover, load(ChannelSettings, "channel").plugins)
    accounts = await _accounts(link)
    yield installed(found)
    for name in sorted(accounts):
        by_tenant = accounts[name]
        if name not in found.channels:
            count = sum(map(len, by_tenant.values()))
            yield Check(name, "wrong", f"{count} accounts of a channel that can't be used here", _install(found, name))
            continue
        states: list[AccountState] = []
        silent = ""
        for tenant in by_tenant:
            try:
                states += await rpc.call(
                    link, name, tenant, "accounts", {}, list[AccountState], timeout_s=ANSWERS_WITHIN_S
                )
            except TrunklineError as error:
                silent = error.message
        yield accounts_of(name, by_tenant, states, silent)


def installed(found: Found) -> Check:
    """The finding on what is installed. Pure."""
    names = ", ".join(sorted(found.channels)) or "none"
    if found.broken:
        why = "; ".join(f"{one.name}: {one.problem}" for one in found.broken)
        return Check("channels", "warning", f"{names}; broken: {why}", "Install another version of what is broken.")
    return Check("channels", "ok", f"installed: {names}")


def accounts_of(name: str, by_tenant: dict[str, list[str]], states: list[AccountState], silent: str) -> Check:
    """The finding on one channel's accounts, by tenant; `silent`: why no adapter told of them. Pure."""
    count = sum(map(len, by_tenant.values()))
    detail = f"{count} account{'s' * (count > 1)}"
    if silent:
        return Check(name, "wrong", f"{detail}, and no adapter runs", f"Start it: `trunkline adapter {name}`.")
    ill = [f"{one.inbox}: {one.ill}" for one in states if one.ill]
    if ill:
        more = f", and {len(ill) - MOST_NAMED} more" if len(ill) > MOST_NAMED else ""
        detail = f"{len(ill)} of {detail} paused: {'; '.join(ill[:MOST_NAMED])}{more}"
        return Check(
            name, "wrong", detail, "Mend what it names, or give the account other settings: all that waits goes out."
        )
    return Check(name, "ok", f"{detail}, all well")


async def _accounts(link: Link) -> dict[str, dict[str, list[str]]]:
    """Inboxes by channel and tenant."""
    found: dict[str, dict[str, list[str]]] = {}
    for kept in await directory.directory(link).all("*.inbox.*"):
        inbox = kept.value
        if isinstance(inbox, Inbox) and inbox.channel != WEB:
            found.setdefault(inbox.channel, {}).setdefault(kept.key.split(".", 1)[0], []).append(inbox.id)
    return found


def _install(found: Found, name: str) -> str:
    broken = next((one.problem for one in found.broken if one.name == name), "")
    return (
        f"It is broken: {broken}"
        if broken
        else f"Install the package of {name}, or let it be loaded (TRUNKLINE_CHANNEL_PLUGINS)."
    )
