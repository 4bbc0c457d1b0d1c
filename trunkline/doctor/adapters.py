"""Adapters: whether somebody does the work of each, keeps up, and what was given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from backbone.asks.operator import OPERATOR, SQL, SqlRequest
from backbone.errors import TrunklineError
from backbone.nats import rpc
from backbone.nats.buckets import Bucket
from backbone.nats.leases import Holder
from backbone.nats.link import Link
from backbone.process.health import Told
from backbone.settings import Common
from trunkline.adapter_names import others
from trunkline.doctor.findings import Check
from trunkline.doctor.streams import cursors_of

ADAPTERS: Final = ("routing", "warehouse")
FAR_BEHIND: Final = 10_000
MOST_NAMED: Final = 5
WAITS: Final = frozenset({"server", "loading", "room"})
"""Conditions of the warehouse that its ClickHouse or disk doesn't fulfil: it waits for them itself."""


async def adapters(link: Link, common: Common, told: list[Told]) -> AsyncIterator[Check]:
    """Whether somebody does the work of each adapter, as its lease says, and gets on with it, as it says itself."""
    held: dict[str, str] = {}
    try:
        await link.api("STREAM.INFO.KV_leases", {})
        for kept in await Bucket[Holder](link, "leases", Holder).all("*.*"):
            kind, _, rest = kept.key.partition(".")
            held[rest if kind == "adapter" else kind] = kept.value.holder
    except TrunklineError:
        yield Check("leases", "wrong", "bucket leases can't be read: nobody can work", "Run `trunkline init`.")
        return
    behind = await _behind(link, common)
    for name in (*ADAPTERS, *others()):
        check = Check(name, "ok", f"done by {held[name]}") if name in held else nobody(name, behind)
        if name == "warehouse" and name in held:
            check = await warehouse(link, held[name])
        check = lagging(check, told, behind if name == "warehouse" else 0)
        yield standing(check, told, held.get(name, ""))


def nobody(name: str, behind: int) -> Check:
    """The finding where nobody has the lease. Pure."""
    waits = f"; {behind:,} events wait for it" if name == "warehouse" and behind else ""
    todo = f"Start it: `trunkline adapter {name}`; if it ends again, its last words are above and in its log."
    return Check(name, "wrong", f"nobody does its work{waits}", todo)


def lagging(check: Check, told: list[Told], behind: int) -> Check:
    """The finding with how far behind the log it is. Being behind is no fault; being far behind is told. Pure."""
    if check.state != "ok":
        return check
    waiting = max([behind, *(one.waiting for one in told if one.name == check.name)])
    if waiting < FAR_BEHIND:
        return Check(check.name, "ok", f"{check.detail}, {waiting:,} behind the log")
    todo = "It catches up by itself; where the number grows from call to call, give its machine more CPU or disk."
    return Check(check.name, "warning", f"{check.detail}, {waiting:,} events behind the log", todo)


def standing(check: Check, told: list[Told], holder: str = "") -> Check:
    """The finding on an adapter with what its processes say of themselves: one that lives may stand still. Pure.

    `holder`: the one that has the lease, and so must answer.
    """
    theirs = [one for one in told if one.name == check.name]
    problems = [f"{one.instance}: {text}" for one in theirs for text in one.problems.values()]
    if problems:
        todo = f"Read its log for what it fails at; then start it again: `trunkline adapter {check.name}`."
        if any(one.problems.keys() & WAITS for one in theirs):
            todo = "Mend what is named there; it goes on by itself, without another start."
        detail = "; ".join(([check.detail] if check.state == "wrong" else []) + problems)
        return Check(check.name, "wrong", detail, todo)
    if holder and holder not in {one.instance for one in theirs} and (check.state == "ok" or check.name == "warehouse"):
        detail = f"{holder} has its lease and doesn't say whether it keeps up"
        todo = "It hangs, is cut off, or is of an earlier version: read its log, then start it again."
        return Check(check.name, "wrong", detail, todo)
    return check


async def warehouse(link: Link, holder: str) -> Check:
    """Whether it answers, and how much it holds."""
    query = "SELECT count() FROM events FINAL"
    try:
        found = await rpc.ask(link, "warehouse", OPERATOR, SQL, SqlRequest(query), timeout_s=5)
    except TrunklineError as error:
        todo = "Its ClickHouse or disk hangs, or a load takes long: read its log; then start it again."
        return Check("warehouse", "wrong", f"{holder} holds its lease; {error}", todo)
    return Check("warehouse", "ok", f"done by {holder}, {int(found.rows[0][0]):,} events loaded")


async def _behind(link: Link, common: Common) -> int:
    """Events of the log that the warehouse hasn't loaded, as its cursors say; 0 where that can't be told."""
    read = await cursors_of(link)
    behind = 0
    for s in common.log_streams():
        try:
            last = (await link.api(f"STREAM.INFO.CHAT_{s}", {}))["state"]["last_seq"]
        except TrunklineError:
            continue
        cursor = read.get(f"warehouse.{s}")
        behind += max(0, last - (cursor.seq if cursor else 0))
    return behind


async def dead(link: Link) -> Check | None:
    """How many events were given up, by adapter; None where there is no such stream."""
    try:
        state = (await link.api("STREAM.INFO.DEAD", {"subjects_filter": ">"}))["state"]
    except TrunklineError:
        return None
    return dead_of(state.get("subjects") or {})


def dead_of(subjects: dict[str, int]) -> Check:
    """The finding on dead letters, by subject `dead.<tenant>.<adapter>`. Pure."""
    counts: Counter[tuple[str, str]] = Counter()
    for subject, count in subjects.items():
        _, tenant, adapter = subject.split(".", 2)
        counts[adapter, tenant] += count
    if not counts:
        return Check("dead", "ok", "no event was given up")
    texts = [
        f"{count:,} of {adapter} in tenant {tenant}" for (adapter, tenant), count in counts.most_common(MOST_NAMED)
    ]
    (adapter, tenant), _ = counts.most_common(1)[0]
    named = f"{adapter} --tenant {tenant}"
    todo = f"Read why: `trunkline channel dead {named}`. "
    todo += (
        "Mend that; then delete what is settled: `nats stream rmm DEAD NUMBER`."
        if adapter in {*ADAPTERS, *others()}
        else f"Mend that, then send them: `trunkline channel replay {named} --all`."
    )
    return Check("dead", "warning", f"given up: {', '.join(texts)}", todo)
