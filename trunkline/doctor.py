"""What `trunkline doctor` looks at. Each check answers with what it found and, if something is wrong, what to do."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from backbone import health, replicas, rpc, streams
from backbone.buckets import Bucket
from backbone.errors import TrunklineError
from backbone.health import Told
from backbone.leases import Holder
from backbone.link import ApiError, Link
from backbone.replicas import Replicas
from backbone.service import DURABILITY
from backbone.settings import Common
from trunkline.ask import Table
from trunkline.connect import connected
from trunkline.datafolder import Running
from trunkline.doctor_channels import channels
from trunkline.embedded import USER
from trunkline.findings import Check
from trunkline.nats_users import DOCTOR, credential

DISK_LEAST_BYTES: Final = 5 * 1024**3
CLOCK_MOST_S: Final = 1.0
ANSWERS_WITHIN_S: Final = 0.5
LEAST_SERVERS: Final = 3
SYNC_MOST_S: Final = {"synced": 0.0, "fast": 0.010, "cluster": 120.0}
SYNC_SETTING: Final = {"synced": "always", "fast": "10ms", "cluster": "120s"}
ADAPTERS: Final = ("routing", "warehouse")
GIB: Final = 1024**3


async def examine(common: Common, data: Path | None, now: Running | None) -> AsyncIterator[Check]:
    """All findings, as they come. `data` and `now`: the folder and ports of a `trunkline up` on this machine."""
    yield console()
    if data is not None:
        yield await asyncio.to_thread(disk, data)
    try:
        async with connected(common, "doctor", within_s=5, to_any=True) as link:
            yield await server(link)
            async for check in log(link, common):
                yield check
            yield await copies(link, common)
            yield durability(common, await syncing(common))
            yield await users(common)
            yield await clock(link, common)
            told = await health.ask(link, ANSWERS_WITHIN_S)
            async for check in adapters(link, told):
                yield check
            async for check in channels(link):
                yield standing(check, told)
    except TrunklineError as error:
        yield Check(
            "nats",
            "wrong",
            str(error),
            "Start it (`trunkline up` brings its own), or set TRUNKLINE_NATS_URL, _USER and _PASSWORD.",
        )
    if now is not None:
        yield await asyncio.to_thread(node, now.node_port)


def console() -> Check:
    """Whether the desk and the widget are built."""
    from console import DIST  # noqa: PLC0415  (an adapter's image may come without it)

    missing = [name for name in ("desk/index.html", "widget/index.html", "w.js") if not (DIST / name).is_file()]
    if missing:
        todo = "Run `python -m console.build` in a checkout, or install the package again."
        return Check("console", "wrong", f"no {', '.join(missing)} in {DIST}", todo)
    return Check("console", "ok", f"built, in {DIST}")


def disk(data: Path) -> Check:
    """Free space where the log and the warehouse are."""
    usage = shutil.disk_usage(data)
    detail = f"{usage.free / GIB:.1f} GiB free of {usage.total / GIB:.1f} at {data.absolute()}"
    if usage.free < DISK_LEAST_BYTES:
        return Check("disk", "warning", detail, "Make room: a full disk stops the log, and then nothing is stored.")
    return Check("disk", "ok", detail)


async def server(link: Link) -> Check:
    """Whether nats-server answers, and how fast."""
    began = time.perf_counter()
    await link.flush(timeout=5)
    took_ms = (time.perf_counter() - began) * 1000
    version = link.connected_server_version
    number = f"{version.major}.{version.minor}.{version.patch}"
    return Check("nats", "ok", f"nats-server {number}, round trip {took_ms:.1f} ms")


async def log(link: Link, common: Common) -> AsyncIterator[Check]:
    """Whether every stream and bucket is there as this version wants it."""
    wanted = streams.everything(common.log_streams(), common.copies())
    missing: list[str] = []
    changed: list[str] = []
    events = stored_bytes = 0
    for spec in wanted:
        try:
            info = await link.api(f"STREAM.INFO.{spec.name}", {})
        except ApiError:
            missing.append(spec.name)
            continue
        stored_bytes += info["state"]["bytes"]
        events += info["state"]["messages"] if spec.name.startswith("CHAT_") else 0
        differs = differences(spec.config, info["config"])
        if differs:
            changed.append(f"{spec.name} has other {', '.join(differs)}")
    if missing:
        changed.append(
            f"{len(missing)} of {len(wanted)} missing ({', '.join(missing[:3])}{' ...' * (len(missing) > 3)})"
        )
    if changed:
        yield Check("streams", "wrong", "; ".join(changed), "Run `trunkline init`: it makes and updates them.")
    else:
        detail = f"{len(wanted)} streams and buckets, {events:,} events, {stored_bytes / GIB:.2f} GiB"
        yield Check("streams", "ok", detail)


def differences(wanted: dict[str, Any], present: dict[str, Any]) -> list[str]:
    """Settings of a stream that are otherwise than wanted; replicas and storage are the operator's."""
    return [
        key
        for key, value in wanted.items()
        if key not in {"num_replicas", "storage", "persist_mode"} and present.get(key, False) != value
    ]


async def copies(link: Link, common: Common) -> Check:
    """Whether each stream of the log has the replicas that the profile promises, and all of them are in step."""
    found: dict[str, Replicas] = {}
    for s in common.log_streams():
        name = streams.chat_stream(s)
        try:
            found[name] = replicas.of(await link.api(f"STREAM.INFO.{name}", {}))
        except ApiError:
            return Check("replicas", "warning", f"can't be told without {name}", "Run `trunkline init`.")
    return copies_of(common.copies(), found)


def copies_of(wanted: int, found: dict[str, Replicas]) -> Check:
    """The finding on the replicas of the streams. Pure."""
    stuck = [text for name, each in found.items() if (text := replicas.problem(name, each))]
    few = [name for name, each in found.items() if each.wanted < wanted]
    behind = [name for name, each in found.items() if each.present < each.wanted]
    if stuck:
        return Check("replicas", "wrong", "; ".join(stuck), "Start the servers that are away.")
    if few:
        detail = f"{few[0]} has {found[few[0]].wanted} of {wanted} replicas" + f", and {len(few) - 1} more" * (
            len(few) > 1
        )
        todo = (
            f"Raise them: `nats stream edit {few[0]} --replicas {wanted}`, for each stream; or set TRUNKLINE_REPLICAS."
        )
        return Check("replicas", "wrong", detail, todo)
    if behind:
        each = found[behind[0]]
        detail = f"{behind[0]} has {each.present} of {each.wanted} replicas in step"
        todo = "A server is away or catches up: start it. One more lost, and nothing is stored."
        return Check("replicas", "warning", detail, todo)
    return Check("replicas", "ok", f"{wanted} of each stream, all in step")


class Syncing(NamedTuple):
    """How one server syncs what it stores: at every write, or every `interval_s`."""

    server: str
    always: bool
    interval_s: float


async def syncing(common: Common) -> list[Syncing]:
    """What each server says of itself; nothing where it doesn't let us ask (nats.conf has a user for this)."""
    if common.nats_user != USER:
        return []
    told: list[Syncing] = []
    inbox = f"_INBOX.{secrets.token_hex(8)}"

    def take(_subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        answer = json.loads(data)
        config = answer.get("data", {}).get("config", {})
        told.append(
            Syncing(answer["server"]["name"], config.get("sync_always", False), config.get("sync_interval", 0) / 1e9)
        )

    try:
        asking = msgspec.structs.replace(common, nats_user=DOCTOR)
        async with connected(asking, "doctor", within_s=3) as link:
            link.subscribe_raw(inbox, take)
            link.publish_raw("$SYS.REQ.SERVER.PING.JSZ", b'{"config":true}', reply=inbox)
            await asyncio.sleep(ANSWERS_WITHIN_S)
    except TrunklineError:
        return []
    return sorted(told)


def durability(common: Common, servers: list[Syncing]) -> Check:
    """What an acknowledgement means here, and whether the servers keep that promise. Pure."""
    promise = DURABILITY[common.profile]
    if not servers:
        todo = "nats.conf has the user trunkline-doctor for this; without it, look at the servers' own sync_interval."
        return Check("durability", "warning", f"{promise}; the servers don't tell how they sync", todo)
    most_s = SYNC_MOST_S[common.profile]
    late = [s for s in servers if not s.always and s.interval_s > most_s]
    if late:
        detail = f"{promise}, but {', '.join(f'{s.server} syncs every {s.interval_s:g} s' for s in late)}"
        todo = f"Set sync_interval to {SYNC_SETTING[common.profile]} there, or TRUNKLINE_PROFILE to what is true."
        return Check("durability", "wrong", detail, todo)
    if common.profile == "cluster" and len(servers) < LEAST_SERVERS:
        todo = "Start the others: with fewer than three servers no second copy survives the loss of one."
        return Check("durability", "warning", f"{promise}, but {len(servers)} of them answer", todo)
    return Check("durability", "ok", promise)


async def users(common: Common) -> Check:
    """Whether NATS knows a user for each kind of process, or one password is worth everything."""
    if common.nats_user != USER:
        detail = f"asked as {common.nats_user or 'nobody'}: what each process may do can't be told"
        return Check("users", "warning", detail, f"Ask as {USER}, or see `trunkline nats users`.")
    user, password = credential(common.nats_password, "node")
    try:
        async with connected(msgspec.structs.replace(common, nats_user=user, nats_password=password), "doctor", 3):
            return Check("users", "ok", "each kind of process has its own, and is refused what it doesn't do")
    except TrunklineError:
        detail = "all processes share one user of NATS, which may do everything"
        todo = "Start `trunkline up` again; for a server of your own see `trunkline nats users`."
        return Check("users", "warning", detail, todo)


async def clock(link: Link, common: Common) -> Check:
    """How far our clock is from the server's; times of events are those of the process that writes them."""
    before = time.time()
    try:
        info = await link.api(f"STREAM.INFO.{streams.chat_stream(common.log_streams()[0])}", {})
    except ApiError:
        return Check("clock", "warning", "can't be compared without a stream", "Run `trunkline init`.")
    between = (before + time.time()) / 2
    offset_s = between - datetime.fromisoformat(info["ts"]).timestamp()
    detail = f"{abs(offset_s) * 1000:.0f} ms from the server's"
    if abs(offset_s) > CLOCK_MOST_S:
        return Check("clock", "wrong", detail, "Synchronise the clocks (chrony or systemd-timesyncd) on all machines.")
    return Check("clock", "ok", detail)


async def adapters(link: Link, told: list[Told]) -> AsyncIterator[Check]:
    """Whether somebody does the work of each adapter, as its lease says, and gets on with it, as it says itself."""
    held: dict[str, str] = {}
    try:
        for kept in await Bucket[Holder](link, "leases", Holder).all("*.*"):
            held[kept.key.split(".", 1)[0]] = kept.value.holder
    except TrunklineError as error:
        yield Check("leases", "wrong", str(error), "Run `trunkline init`.")
        return
    for name in ADAPTERS:
        todo = f"Start it: `trunkline adapter {name}`; then read its log."
        if name not in held:
            yield Check(name, "wrong", "nobody does its work", todo)
        else:
            check = (
                await warehouse(link, held[name]) if name == "warehouse" else Check(name, "ok", f"done by {held[name]}")
            )
            yield standing(check, told, held[name])


def standing(check: Check, told: list[Told], holder: str = "") -> Check:
    """The finding on an adapter with what its processes say of themselves: one that lives may stand still. Pure.

    `holder`: the one that has the lease, and so must answer.
    """
    theirs = [one for one in told if one.name == check.name]
    problems = [f"{one.instance}: {text}" for one in theirs for text in one.problems.values()]
    if problems:
        todo = f"Read its log for what it fails at; then start it again: `trunkline adapter {check.name}`."
        detail = "; ".join(([check.detail] if check.state == "wrong" else []) + problems)
        return Check(check.name, "wrong", detail, todo)
    if check.state == "ok" and holder and holder not in {one.instance for one in theirs}:
        detail = f"{holder} has its lease and doesn't say whether it keeps up"
        todo = "It hangs, is cut off, or is of an earlier version: read its log, then start it again."
        return Check(check.name, "wrong", detail, todo)
    return check


async def warehouse(link: Link, holder: str) -> Check:
    """Whether it answers, and how far behind the log its newest event is."""
    query = "SELECT count() FROM events FINAL"
    try:
        found = await rpc.call(link, "warehouse", "_", "sql", {"query": query}, Table, timeout_s=5)
    except TrunklineError as error:
        return Check("warehouse", "wrong", f"{holder} holds its lease; {error}", "Read its log.")
    return Check("warehouse", "ok", f"done by {holder}, {int(found.rows[0][0]):,} events loaded")


def node(port: int) -> Check:
    """What the node of this machine says of itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        body = json.loads(connection.getresponse().read())
    except (OSError, ValueError) as error:
        return Check("node", "wrong", f"doesn't answer on port {port}: {error}", "Read its log; start it again.")
    finally:
        connection.close()
    if not body["ready"]:
        problems = "; ".join(f"{name}: {text}" for name, text in body["checks"].items() if text != "ok")
        return Check("node", "wrong", problems, "Mend what it names; it is ready again by itself.")
    return Check("node", "ok", f"ready on port {port}")
