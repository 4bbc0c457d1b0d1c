"""Processes and their machines, by the register and by what each answers: who is gone, older, late, apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from backbone.process.health import Told
from backbone.process.processes import Disk, Process, Registered
from backbone.schema import RELEASE
from backbone.space import Marks
from trunkline.doctor.findings import Check
from trunkline.doctor.server import CLOCK_MOST_S, size

NODE: Final = "node"
MOST_NAMED: Final = 3
DISK_SOON: Final = 2.5
"""Times the mark below which files are refused, as warning."""

DISK_WARNING_SHARE: Final = 0.10
DISK_AMPLE_BYTES: Final = 50 * 1024**3
"""Free, this is room whatever the share."""

FILES_LEAST: Final = 4096
FILES_FULL: Final = 0.80


class Fleet(NamedTuple):
    """The processes: those that answer with their record, records of those that don't, answers without a record."""

    here: list[Registered]
    gone: list[Registered]
    unregistered: list[Told]


def fleet(registered: list[Registered], told: list[Told]) -> Fleet:
    """Who is there. Who died and was started again in the same place isn't gone. Pure."""
    answering = {one.instance for one in told}
    here = [one for one in registered if one.process.instance in answering]
    silent = [one for one in registered if one.process.instance not in answering]
    gone = [one for one in silent if not any(_follows(other.process, one.process) for other in here)]
    known = {one.process.instance for one in registered}
    return Fleet(here, gone, [one for one in told if one.instance not in known and one.role != "starting"])


def _follows(newer: Process, older: Process) -> bool:
    """Whether a process does the work of one that is gone: of the same name, on the same machine and address."""
    same = (newer.name, newer.host) == (older.name, older.host) and newer.began >= older.began
    return same and (newer.address == older.address or not older.address or older.name != NODE)


def checks(found: Fleet, now_ms: int, secrets: tuple[str, ...] = ()) -> Iterator[Check]:
    """All findings; `now_ms` by the server's clock, `secrets` the fingerprints of our own settings. Pure."""
    yield presence(found, now_ms)
    yield versions(found)
    yield from filter(None, (secrets_of(found, secrets), public_urls(found), clocks(found), files(found)))
    yield from disks(found)


def presence(found: Fleet, now_ms: int) -> Check:
    """Who is there and who is missing. Pure."""
    nodes = [one.process for one in found.here if one.process.name == NODE]
    count = len(nodes) + sum(one.name == NODE for one in found.unregistered)
    missing = [_gone(one, now_ms) for one in found.gone]
    if not count:
        detail = "; ".join(["no node answers: nobody can write", *missing[:MOST_NAMED]])
        return Check("processes", "wrong", detail, "Start one: `trunkline node`, or `trunkline up`, which has one.")
    if missing:
        more = f"; and {len(missing) - MOST_NAMED} more" * (len(missing) > MOST_NAMED)
        todo = (
            "Look at it there: one that hangs is ended, one that is gone is started again. Taken away for good, it is "
            "forgotten an hour after it was last heard."
        )
        return Check("processes", "wrong", "; ".join(missing[:MOST_NAMED]) + more, todo)
    others = Counter(one.process.name for one in found.here if one.process.name != NODE)
    sockets = sum(node.sockets for node in nodes)
    parts = [
        f"{count} node{'s' * (count > 1)} with {sockets:,} sockets",
        *(f"{n} {name}" for name, n in others.items()),
    ]
    return Check("processes", "ok", ", ".join(parts))


def _gone(one: Registered, now_ms: int) -> str:
    process = one.process
    ago = max(0, now_ms - one.stored_ms) / 1000
    where = f" ({process.address})" if process.address else ""
    who = f"{process.instance} on {process.host}{where}, process {process.pid},"
    if process.failure:
        return f"{who} ended {ago:.0f} s ago: {process.failure}"
    return f"{who} doesn't answer; it was last heard {ago:.0f} s ago"


def versions(found: Fleet) -> Check:
    """Whether all are of one version. Pure."""
    there = {one.process.version for one in found.here} | ({"an earlier one"} if found.unregistered else set())
    if len(there) <= 1 and there <= {RELEASE}:
        return Check("versions", "ok", f"all are of {RELEASE}")
    newest = max({RELEASE, *(one.process.version for one in found.here)}, key=_order)
    behind = [one.process for one in found.here if one.process.version != newest]
    older = [f"{one.instance} on {one.host} is of {one.version}" for one in behind]
    older += [
        f"{one.instance} doesn't register itself: an earlier version, or its user of NATS may not"
        for one in found.unregistered
    ]
    if newest != RELEASE:
        older.append(f"this command is of {RELEASE}")
    detail = "; ".join(older[:MOST_NAMED]) + f"; and {len(older) - MOST_NAMED} more" * (len(older) > MOST_NAMED)
    todo = f"Start them by {newest}: `trunkline upgrade` on a machine of `up`, else one process after the other. "
    todo += "On servers of your own run `trunkline init` and make nats-users.conf anew (`trunkline nats users`)."
    return Check("versions", "warning", detail, todo)


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """1.10 is newer than 1.9; what is no number sorts by its letters."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in version.replace("+", ".").split("."))


def secrets_of(found: Fleet, ours: tuple[str, ...] = ()) -> Check | None:
    """Whether each takes what the others sign: the same secret, or one that stands in TRUNKLINE_OLD_SECRETS. Pure."""
    signing = [(one.process, one.process.secrets) for one in found.here if one.process.secrets]
    if not signing:
        return None
    counts = Counter(secrets[0] for _, secrets in signing)
    usual = ours[0] if ours else counts.most_common(1)[0][0]
    others = [process for process, secrets in signing if usual not in secrets]
    unheard = sorted({secrets[0] for _, secrets in signing if any(secrets[0] not in each for _, each in signing)})
    if others or (unheard and not ours):
        names = others or [process for process, secrets in signing if secrets[0] != usual]
        texts = [f"{one.instance} on {one.host} ({one.secrets[0]}...)" for one in names[:MOST_NAMED]]
        detail = f"another TRUNKLINE_SECRET than {usual}...: {', '.join(texts)}; what it signs counts nowhere else"
        todo = "Give it the same TRUNKLINE_SECRET (or _FILE) as the others and start it again."
        return Check("secrets", "wrong", detail, todo)
    return Check("secrets", "ok", f"all take what {usual}... signs")


def public_urls(found: Fleet) -> Check | None:
    """Whether all nodes send browsers to the same address. Pure."""
    nodes = [one.process for one in found.here if one.process.name == NODE]
    there = Counter(node.public_url for node in nodes)
    if len(there) <= 1:
        return None
    usual = there.most_common(1)[0][0]
    others = [
        f"{node.instance} on {node.host} has {node.public_url or 'none'}" for node in nodes if node.public_url != usual
    ]
    detail = f"TRUNKLINE_NODE_PUBLIC_URL is {usual or 'unset'}, and {'; '.join(others[:MOST_NAMED])}"
    return Check("public url", "wrong", detail, "Give all nodes the same, the one that browsers use; start them again.")


def clocks(found: Fleet) -> Check | None:
    """Whether the machines' clocks agree with the server's. Pure."""
    away = {one.process.instance: (one.process.at - one.stored_ms) / 1000 for one in found.here if one.process.at}
    if not away:
        return None
    late = [one.process for one in found.here if abs(away.get(one.process.instance, 0)) > CLOCK_MOST_S]
    if late:
        texts = [
            f"{one.instance} on {one.host} is {abs(away[one.instance]):.1f} s "
            f"{'ahead' if away[one.instance] > 0 else 'behind'}"
            for one in late[:MOST_NAMED]
        ]
        detail = f"{'; '.join(texts)} of nats-server: its messages have wrong times"
        todo = "Synchronise the clocks there (chrony or systemd-timesyncd)."
        return Check("clocks", "wrong", detail, todo)
    return Check("clocks", "ok", f"{len(away)} processes within {max(map(abs, away.values())) * 1000:.0f} ms")


def files(found: Fleet) -> Check | None:
    """Whether the processes may open the files that they need. Pure."""
    todo = "Raise it there (`ulimit -n`; LimitNOFILE= of its unit), then start the process again."
    full = [
        one.process
        for one in found.here
        if one.process.files_most and one.process.files >= one.process.files_most * FILES_FULL
    ]
    if full:
        texts = [f"{one.instance} on {one.host} has {one.files:,} of {one.files_most:,} files open" for one in full]
        return Check("files", "wrong", "; ".join(texts[:MOST_NAMED]), todo)
    few = [one.process for one in found.here if one.process.name == NODE and 0 < one.process.files_most < FILES_LEAST]
    if few:
        texts = [
            f"{one.instance} on {one.host} may open {one.files_most:,} files: {one.sockets_most:,} sockets at most"
            for one in few
        ]
        return Check("files", "warning", "; ".join(texts[:MOST_NAMED]), todo)
    return None


def disks(found: Fleet) -> Iterator[Check]:
    """A finding for each machine whose disks are short, else one for all. Pure."""
    worst: dict[str, Disk] = {}
    for one in found.here:
        for disk in one.process.disks:
            before = worst.get(one.process.host)
            if disk.total > 0 and (before is None or disk.free < before.free):
                worst[one.process.host] = disk
    short = {host: disk for host, disk in sorted(worst.items()) if state_of_disk(disk) != "ok"}
    for host, disk in list(short.items())[: MOST_NAMED * 3]:
        yield disk_of(disk, f" on {host}")
    if worst and not short:
        least = min(worst.values(), key=lambda disk: disk.free)
        yield Check("disks", "ok", f"{len(worst)} machines of processes, {room_of(least)} at least")


def room_of(disk: Disk) -> str:
    """What is free, in bytes and in %."""
    return f"{size(disk.free)} ({disk.free / disk.total:.0%}) free of {size(disk.total)}"


def state_of_disk(disk: Disk) -> str:
    """How near its end a disk is: by the marks at which files and messages are refused (backbone/space.py). Pure."""
    low = Marks().low(disk.total)
    if disk.free < low:
        return "wrong"
    share = disk.free / disk.total if disk.total else 0.0
    if disk.free < DISK_SOON * low or (share < DISK_WARNING_SHARE and disk.free < DISK_AMPLE_BYTES):
        return "warning"
    return "ok"


def disk_of(disk: Disk, where: str = "") -> Check:
    """The finding on one disk. Pure."""
    state = state_of_disk(disk)
    detail = f"{room_of(disk)} at {disk.folder}{where}"
    if state == "ok":
        return Check("disk", "ok", detail)
    todo = f"Make room{where}, or give it a larger disk: files are refused first, then messages."
    return Check("disk", "wrong" if state == "wrong" else "warning", detail, todo)
