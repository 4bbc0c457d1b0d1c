"""nats-server: whether it answers and why not, its version, how it syncs, its room, its users, its clock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from datetime import datetime
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from backbone.errors import TrunklineError
from backbone.nats import admission, streams
from backbone.nats.link import Link
from backbone.nats.wire.answers import ApiError
from backbone.process.service import DURABILITY
from backbone.settings import Common
from trunkline.connect import connected
from trunkline.doctor.findings import Check
from trunkline.embedded import USER
from trunkline.nats_users import DOCTOR, credential

CLOCK_MOST_S: Final = 1.0
ANSWERS_WITHIN_S: Final = 0.5
TALKS_WITHIN_S: Final = 2.0
LEAST_SERVERS: Final = 3
SYNC_MOST_S: Final = {"synced": 0.0, "fast": 0.010, "cluster": 120.0}
SYNC_SETTING: Final = {"synced": "always", "fast": "10ms", "cluster": "120s"}
NATS_PORT: Final = 4222
SERVERS_MOST: Final = 100
STORE_WRONG: Final = 0.95
STORE_WARNING: Final = 0.80

LineState = Literal["refused", "unknown", "silent", "talks"]
"""What is met at an address: nobody listens, no such host, a connection without a word, a nats-server."""


async def line(url: str) -> LineState:
    """What is met at the best of the addresses of `url`."""
    found = [await _line(each.strip()) for each in url.split(",")[:10]]
    return next((state for state in ("talks", "silent", "refused", "unknown") if state in found), "refused")


async def _line(address: str) -> LineState:
    parts = urlsplit(address if "//" in address else f"nats://{address}")
    try:
        async with asyncio.timeout(TALKS_WITHIN_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or NATS_PORT)
    except TimeoutError:
        return "silent"
    except OSError as error:
        # getaddrinfo's errors have no number of the system's.
        return "unknown" if type(error).__name__ == "gaierror" else "refused"
    try:
        async with asyncio.timeout(TALKS_WITHIN_S):
            return "talks" if (await reader.read(4)).startswith(b"INFO") else "silent"
    except (TimeoutError, OSError):
        return "silent"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def unreachable(common: Common, met: LineState, why: str) -> Check:
    """The finding where no connection came to be: `why` is what the last try ended with. Pure."""
    where = common.nats_url
    heard = why.lower()
    if "authorization" in heard or "authentication" in heard:
        user = f"user {common.nats_user!r}" if common.nats_user else "a connection without a user"
        todo = (
            "Set TRUNKLINE_NATS_USER and TRUNKLINE_NATS_PASSWORD (or _PASSWORD_FILE) to what its nats-users.conf has: "
            "`trunkline nats credential` tells them; for a `trunkline up` give --data DIR."
        )
        return Check("nats", "wrong", f"nats-server at {where} refuses {user} and its password", todo)
    if "certificate" in heard:
        todo = "Name its CA (SSL_CERT_FILE=ca.pem), or give it a certificate for the name in TRUNKLINE_NATS_URL."
        return Check("nats", "wrong", f"the certificate of nats-server at {where} isn't trusted here: {why}", todo)
    if met == "silent":
        todo = (
            "Look at its machine: stopped (`kill -CONT PID`), a disk that doesn't answer, or cut off; else restart it."
        )
        return Check("nats", "wrong", f"what listens at {where} takes connections and says nothing: it hangs", todo)
    if met == "unknown":
        todo = "Put a name or an address there that this machine can look up."
        return Check("nats", "wrong", f"the host of TRUNKLINE_NATS_URL, {where}, is unknown here", todo)
    todo = "Start it (`trunkline up` brings its own), or set TRUNKLINE_NATS_URL, _USER and _PASSWORD."
    detail = f"nobody listens at {where}" if met == "refused" else f"nats-server at {where} didn't let us in: {why}"
    return Check("nats", "wrong", detail, todo)


def hangs(common: Common, error: TrunklineError) -> Check:
    """The finding where it let us in and then stopped answering. Pure."""
    todo = "Look at its machine: stopped (`kill -CONT PID`), a disk that doesn't answer, or cut off; else restart it."
    return Check("nats", "wrong", f"nats-server at {common.nats_url} stopped answering: {error.message}", todo)


async def server(link: Link) -> Check:
    """Whether nats-server answers, and how fast; and whether it is one that can hold the log."""
    began = time.perf_counter()
    await link.flush(timeout=5)
    took_ms = (time.perf_counter() - began) * 1000
    version = link.connected_server_version
    if problem := admission.too_old(version):
        todo = "Upgrade nats-server, then run `trunkline init`: it sets what the old one dropped."
        return Check("nats", "wrong", problem.removesuffix(" Nothing was changed: upgrade nats-server."), todo)
    number = f"{version.major}.{version.minor}.{version.patch}"
    return Check("nats", "ok", f"nats-server {number}, round trip {took_ms:.1f} ms")


class Syncing(NamedTuple):
    """How one server syncs what it stores: at every write, or every `interval_s`; and its room, in bytes."""

    server: str
    always: bool
    interval_s: float
    used: int = 0
    most: int = 0


async def syncing(common: Common) -> list[Syncing]:
    """What each server says of itself; nothing where it doesn't let us ask (nats.conf has a user for this)."""
    if common.nats_user != USER:
        return []
    told: list[Syncing] = []
    inbox = f"_INBOX.{secrets.token_hex(8)}"

    def take(_subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        answer = json.loads(data)
        found = answer.get("data", {})
        config = found.get("config", {})
        if len(told) < SERVERS_MOST:
            told.append(
                Syncing(
                    answer["server"]["name"],
                    config.get("sync_always", False),
                    config.get("sync_interval", 0) / 1e9,
                    found.get("storage", 0),
                    config.get("max_storage", 0),
                )
            )

    try:
        asking = msgspec.structs.replace(common, nats_user=DOCTOR)
        async with connected(asking, "doctor", within_s=3, to_any=True) as link:
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


UNBOUNDED: Final = 2**50
"""As nats.conf says it: what is free is watched by Trunkline itself."""


def storage(servers: list[Syncing]) -> Check | None:
    """Whether the servers' own bound (`max_file_store`) leaves the log room; None where none tells. Pure."""
    bounded = [s for s in servers if 0 < s.most < UNBOUNDED]
    if not bounded:
        return None
    fullest = max(bounded, key=lambda s: s.used / s.most)
    share = fullest.used / fullest.most
    detail = f"{fullest.server} holds {size(fullest.used)} of the {size(fullest.most)} that it may ({share:.0%})"
    if share < STORE_WARNING:
        return Check("storage", "ok", detail)
    todo = "Raise max_file_store in its nats.conf if its disk has room, else give it a larger disk; then restart it."
    return Check("storage", "wrong" if share >= STORE_WRONG else "warning", detail, todo)


async def users(common: Common) -> Check:
    """Whether NATS knows a user for each kind of process, or one password is worth everything."""
    if common.nats_user != USER:
        detail = f"asked as {common.nats_user or 'nobody'}: what each process may do can't be told"
        return Check("users", "warning", detail, f"Ask as {USER}, or see `trunkline nats users`.")
    user, password = credential(common.nats_password, "node")
    asking = msgspec.structs.replace(common, nats_user=user, nats_password=password)
    try:
        async with connected(asking, "doctor", 3, to_any=True):
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
        return Check("clock", "warning", "can't be compared without a stream", "Mend the streams first; see above.")
    between = (before + time.time()) / 2
    return clock_of(between - datetime.fromisoformat(info["ts"]).timestamp())


def clock_of(offset_s: float) -> Check:
    """The finding on this machine's clock. Pure."""
    detail = f"{abs(offset_s) * 1000:.0f} ms from the server's"
    if abs(offset_s) > CLOCK_MOST_S:
        return Check("clock", "wrong", detail, "Synchronise the clocks (chrony or systemd-timesyncd) on all machines.")
    return Check("clock", "ok", detail)


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
