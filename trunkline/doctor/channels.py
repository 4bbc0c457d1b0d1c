"""What `trunkline doctor` says of channels: which are installed, which have accounts, whether these are well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, NamedTuple

from adapters.channels.kit.settings import ChannelSettings
from backbone import directory
from backbone.accounts import registry
from backbone.accounts.registry import Found
from backbone.accounts.stores import Parked
from backbone.accounts.stores import channels as kept_of_channels
from backbone.accounts.wanted import WEB
from backbone.asks.accounts import ACCOUNTS, AccountState, Nothing
from backbone.clock import utc_ms
from backbone.directory import Inbox
from backbone.errors import TrunklineError
from backbone.nats import rpc, subjects
from backbone.nats.link import Link
from backbone.nats.streams import chat_stream
from backbone.nats.wire.answers import ApiError
from backbone.settings import Common, load
from trunkline.doctor.findings import Check

ANSWERS_WITHIN_S: Final = 3.0
MOST_NAMED: Final = 5
OLD_S: Final = 300.0
PARKED_LOOKED_AT: Final = 50
NOT_FOUND: Final = 404
CUSTOMERS_TURN: Final = "window"
"""Why a conversation is parked where nothing may be sent until its customer writes."""


class Outgoing(NamedTuple):
    """What a channel hasn't sent: events that wait in the log, since when the oldest does (UTC ms, 0: none), streams
    without its consumer, and conversations that wait for an account or a time, or for their customer.
    """

    waiting: int = 0
    oldest_ms: int = 0
    without_consumer: tuple[str, ...] = ()
    parked: int = 0
    customers_turn: int = 0


async def channels(link: Link, common: Common) -> AsyncIterator[Check]:
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
                told = await rpc.ask(link, name, tenant, ACCOUNTS, Nothing(), timeout_s=ANSWERS_WITHIN_S)
                states += told
            except TrunklineError as error:
                silent = error.message
        now_ms = utc_ms()
        outgoing = await _outgoing(link, common, name)
        yield sending(accounts_of(name, by_tenant, states, silent), outgoing, now_ms, is_run=not silent)


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
    failing = [f"{one.inbox}: {one.failing}" for one in states if one.failing]
    if failing:
        more = f", and {len(failing) - MOST_NAMED} more" if len(failing) > MOST_NAMED else ""
        detail = f"{len(failing)} of {detail} can't be read: {'; '.join(failing[:MOST_NAMED])}{more}"
        return Check(name, "wrong", detail, "It is tried again by itself. Mend what it names at its provider.")
    return Check(name, "ok", f"{detail}, all well")


def sending(check: Check, outgoing: Outgoing, now_ms: int, *, is_run: bool) -> Check:
    """The finding with what hasn't gone out. Pure."""
    texts = [check.detail]
    age_s = (now_ms - outgoing.oldest_ms) / 1000 if outgoing.oldest_ms else 0.0
    if outgoing.oldest_ms:
        count = outgoing.waiting + outgoing.parked
        texts.append(f"the oldest of {count:,} unsent has waited {_age(age_s)}")
    if outgoing.customers_turn:
        texts.append(f"{outgoing.customers_turn:,} conversations wait until their customer writes")
    if outgoing.without_consumer and is_run:
        texts.append(f"no consumer channel-{check.name} in {', '.join(outgoing.without_consumer[:MOST_NAMED])}")
        todo = f"Start `trunkline adapter {check.name}` again: it makes its consumers at its start."
        return Check(check.name, "wrong", "; ".join(texts), todo)
    if check.state == "ok" and age_s > OLD_S:
        todo = f"Its platform is slow or holds the account back: read the log of `trunkline adapter {check.name}`."
        return Check(check.name, "warning", "; ".join(texts), todo)
    return Check(check.name, check.state, "; ".join(texts), check.todo)


def _age(seconds: float) -> str:
    seconds = max(0.0, seconds)
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


async def _outgoing(link: Link, common: Common, name: str) -> Outgoing:
    waiting = 0
    since: list[int] = []
    without: list[str] = []
    for s in common.log_streams():
        stream = chat_stream(s)
        try:
            info = await link.api(f"CONSUMER.INFO.{stream}.channel-{name}", {})
        except ApiError as error:
            if error.status_code == NOT_FOUND:
                without.append(stream)
            continue
        count = info["num_pending"] + info["num_ack_pending"]
        if count:
            waiting += count
            since += await _stored(link, stream, info["ack_floor"]["stream_seq"] + 1, subjects.channel_filter(s, name))
    parked, customers_turn, parked_since = await _parked(link, name)
    since += parked_since
    return Outgoing(waiting, min(since, default=0), tuple(without), parked, customers_turn)


async def _parked(link: Link, name: str) -> tuple[int, int, list[int]]:
    """Conversations of this channel that wait, those that wait for their customer, and since when the former do."""
    kept = [(one.key, one.value) for one in await kept_of_channels(link).all("*.parked.*")]
    oldest = sorted((v.since, key, v) for key, v in kept if isinstance(v, Parked))[:PARKED_LOOKED_AT]
    since: list[int] = []
    customers_turn = 0
    for _, key, value in oldest:
        tenant, _, conv = key.split(".", 2)
        theirs = subjects.chat(tenant, name, conv)
        if not await _stored(link, chat_stream(conv[:2]), value.first, theirs):
            continue
        if value.why == CUSTOMERS_TURN:
            customers_turn += 1
        else:
            since.append(value.since)
    return len(since), customers_turn, since


async def _stored(link: Link, stream: str, seq: int, subject: str) -> list[int]:
    """When the first event from `seq` on that `subject` matches was stored (UTC ms); empty if there is none."""
    try:
        answer = await link.api(f"STREAM.MSG.GET.{stream}", {"seq": seq, "next_by_subj": subject})
    except ApiError:
        return []
    return [round(datetime.fromisoformat(answer["message"]["time"]).timestamp() * 1000)]


async def _accounts(link: Link) -> dict[str, dict[str, list[str]]]:
    """Inboxes by channel and tenant."""
    found: dict[str, dict[str, list[str]]] = {}
    try:
        await link.api("STREAM.INFO.KV_directory", {})
    except ApiError:
        return found
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
