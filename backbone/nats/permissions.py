"""What each kind of process may publish and subscribe in NATS: the one table, as data.

A user of NATS stands for a kind of process, not for a process: `node`, `routing`, `warehouse`, `channel-<name>`,
`adapter-<name>`; and `trunkline`, the operator's (command line, `init`), may do everything. What a kind isn't given
here it is refused by the server, and its link goes on. Streams and buckets are those of `streams.py`; a test holds the
two together. Standard library alone, since `trunkline up` writes the server's configuration from this.

What NATS can't refuse: a request is answered at whatever subject the asking one names, so a process that is taken over
can have stored bytes sent to a subject that it may not publish itself. Such bytes are told by their header and are no
value and no event (`link.is_reflected`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

OPERATOR: Final = "trunkline"
"""May do everything. The user of earlier versions, too: a process of theirs goes on with it."""

CHANNEL_PREFIX: Final = "channel-"
ADAPTER_PREFIX: Final = "adapter-"
"""Of the name that an adapter of another package has as a user, and as a reader of the log."""

PROCESSES: Final = ("node", "routing", "warehouse", "nats")

INBOXES: Final = ("_TL", "_TA", "_TLF", "_TLW", "_INBOX")
"""First tokens of the subjects on which a link is answered; the second one is its user, so that nobody hears what
another kind is answered."""

BUCKETS: Final = (
    "directory",
    "contacts",
    "heads",
    "presence",
    "sessions",
    "answers",
    "seen",
    "uploads",
    "channels",
    "leases",
    "cursors",
    "erased",
    "processes",
)
FILES: Final = "files"
_FILES_STORE: Final = f"OBJ_{FILES}"
STORES: Final = (*(f"KV_{bucket}" for bucket in BUCKETS), _FILES_STORE, "DEAD", "LEDGER", "AUDIT")
"""Every stream beside the log's own, whose names are numbers and not known here."""

_API: Final = "$JS.API."
_FILES: Final = [
    f"$O.{FILES}.>",
    f"{_API}STREAM.PURGE.{_FILES_STORE}",
    *(f"{_API}{verb}.{_FILES_STORE}" for verb in ("DIRECT.GET", "STREAM.MSG.GET")),
]
"""Putting, getting and deleting files of the object store, as `objects.py` does it."""

_AUDIT: Final = (f"{_API}CONSUMER.CREATE.AUDIT.*.audit.directory.>", f"{_API}CONSUMER.MSG.NEXT.AUDIT.*")

_NOT_IN_A_TOKEN: Final = re.compile(r"[^A-Za-z0-9_-]")


class Access(NamedTuple):
    """What one user may do. `answers`: it may publish once to where a request that reached it wants its answer."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    not_publish: tuple[str, ...] = ()
    answers: bool = False


class _Kind(NamedTuple):
    """One row. `reads`: bucket to the keys that may be read; `writes`: the same for writing."""

    reads: dict[str, tuple[str, ...]]
    writes: dict[str, tuple[str, ...]]
    publish: tuple[str, ...] = ()
    not_publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    files: bool = False
    whole_log: bool = False
    """Reads all streams of the log from end to end."""

    epochs: bool = False
    """Begins an epoch where a stream of the log was put back. That is metadata: it may change all its settings."""

    dead: bool = False
    """Reads dead letters, and takes them out once they are dealt with."""

    owns: tuple[str, ...] = ()
    """Streams that it makes, changes and empties: what is in them is a projection of its own."""

    audit: bool = False
    """Reads who changed which setting."""

    worker: str = ""
    """Name of the durable consumer that it works with."""

    filters: tuple[str, ...] = ()
    """Subjects of the log that its consumers may be of."""

    serves: tuple[str, ...] = ()
    """Services whose requests it answers."""


ALL: Final = (">",)

_KINDS: Final = {
    "node": _Kind(
        reads={
            "directory": ALL,
            "contacts": ALL,
            "heads": ALL,
            "presence": ALL,
            "sessions": ALL,
            "answers": ALL,
            "uploads": ALL,
            "channels": ALL,
            "erased": ALL,
            "leases": ("epochs.*",),
        },
        writes={
            "directory": ALL,
            "contacts": ALL,
            "presence": ALL,
            "sessions": ALL,
            "answers": ALL,
            "uploads": ALL,
            # Of an account that is taken away.
            "channels": ("*.token.>", "*.pulse.>", "*.health.*", "*.rate.*"),
            "leases": ("epochs.*",),
        },
        publish=("chat.*.*.*.*", "live.*.*.*.*", "opened.*.*", "typing.>", "rpc.>"),
        # The command line's own requests: SQL over all tenants, for one.
        not_publish=("rpc.*._.>",),
        subscribe=("live.>", "opened.*.*"),
        files=True,
        epochs=True,
        audit=True,
    ),
    "routing": _Kind(
        reads={
            "directory": ("*.agent.*", "*.inbox.*"),
            "presence": ALL,
            "heads": ALL,
            "leases": ("routing.*", "epochs.*"),
            "cursors": ALL,
        },
        writes={"heads": ALL, "presence": ALL, "leases": ("routing.*", "epochs.*"), "cursors": ALL},
        publish=("chat.*.*.*.*", "live.*.*.*.*", "dead.*.routing"),
        owns=("KV_heads",),
        whole_log=True,
        epochs=True,
    ),
    "warehouse": _Kind(
        reads={"leases": ("warehouse.*", "epochs.*"), "cursors": ALL, "erased": ALL},
        writes={"leases": ("warehouse.*", "epochs.*"), "cursors": ALL},
        publish=("dead.*.warehouse", "rpc.warehouse-heir._.*"),
        whole_log=True,
        epochs=True,
        serves=("warehouse", "warehouse-heir"),
    ),
    # Beside a server: tells of its disk.
    "nats": _Kind(reads={}, writes={}, publish=("disk.told.all",)),
}


def _channel(name: str) -> _Kind:
    """The row of a channel's adapter: its own channel's conversations, accounts and requests."""
    leases = (f"lane.{name}.*", f"member.{name}.*", "poll.>", "token.>")
    return _Kind(
        reads={
            # Its accounts' sealed settings; no agent's password.
            "directory": ("*.inbox.*", "*.secret.inbox.*.*"),
            "contacts": ALL,
            "heads": ALL,
            "seen": (f"*.{name}.*",),
            "channels": ALL,
            "leases": leases,
            "erased": ALL,
        },
        writes={
            "contacts": ALL,
            "seen": (f"*.{name}.*",),
            "channels": ALL,
            "leases": leases,
        },
        publish=(
            f"chat.*.*.{name}.*",
            f"live.*.*.{name}.*",
            f"bell.{name}.>",
            f"dead.*.{name}",
        ),
        subscribe=(f"live.*.*.{name}.*", f"bell.{name}.>", f"typing.{name}.>"),
        files=True,
        dead=True,
        worker=f"channel-{name}",
        filters=(f"chat.*.*.{name}.*",),
        serves=(name,),
    )


def _adapter(name: str) -> _Kind:
    """The row of an adapter of another package: it reads the log, keeps its own cursors, and gives events up."""
    lease, cursors = f"adapter.{name}", f"{ADAPTER_PREFIX}{name}.*"
    return _Kind(
        reads={"leases": (lease,), "cursors": (cursors,)},
        writes={"leases": (lease,), "cursors": (cursors,)},
        publish=(f"dead.*.{name}",),
        whole_log=True,
    )


def user_of(process: str, adapters: Collection[str] = ()) -> str:
    """The user of a process by the name that `trunkline` starts it by: `node`, `routing`, `telegram`, ...

    `adapters`: names of those of other packages; every further name is a channel's.
    """
    if process in PROCESSES:
        return process
    return (ADAPTER_PREFIX if process in adapters else CHANNEL_PREFIX) + process


def users(channels: tuple[str, ...], adapters: tuple[str, ...] = ()) -> dict[str, Access]:
    """Every user but the operator, with what it may do: of the channels and other packages' adapters of these names."""
    rows = {
        **_KINDS,
        **{CHANNEL_PREFIX + name: _channel(name) for name in channels},
        **{ADAPTER_PREFIX + name: _adapter(name) for name in adapters},
    }
    workers = tuple(row.worker for row in rows.values() if row.worker)
    return {user: _access(user, row, workers) for user, row in rows.items()}


def own(user: str) -> str:
    """The second token of a user's inboxes. Without a user: a server that asks for none."""
    return _NOT_IN_A_TOKEN.sub("-", user) or "-"


def _access(user: str, row: _Kind, workers: tuple[str, ...]) -> Access:
    # Of the register of processes its own records, so that none speaks for another kind.
    publish = [
        *row.publish,
        f"health.told.{own(user)}.*",
        f"$KV.processes.{own(user)}.*",
        *_buckets(row),
        *_consumers(row),
    ]
    publish += [f"{_API}STREAM.{verb}.{store}" for store in row.owns for verb in ("CREATE", "UPDATE", "PURGE")]
    # Of the log any: which streams it has is a setting. Everything else by name only.
    publish += [f"{_API}{verb}.*" for verb in ("STREAM.INFO", "DIRECT.GET", "STREAM.MSG.GET")]
    publish += [f"{_API}STREAM.NAMES", "lineage.ask.all"]
    publish += _FILES if row.files else []
    publish += [f"{_API}STREAM.MSG.DELETE.DEAD"] if row.dead else []
    publish += _AUDIT if row.audit else []
    subscribe = [
        *row.subscribe,
        "health.ask.all",
        "lineage.ask.all",
        "disk.told.all",
        *(f"{root}.{own(user)}.>" for root in INBOXES),
    ]
    for service in row.serves:
        subscribe += [f"rpc.{service}.>", f"$SRV.*.{service}", f"$SRV.*.{service}.*"]
    if row.serves:
        subscribe.append("$SRV.*")
    refused = (*row.not_publish, *_refused(row, workers))
    return Access(tuple(publish), tuple(subscribe), refused, answers=bool(row.serves))


def _buckets(row: _Kind) -> list[str]:
    publish = [f"$KV.{bucket}.{key}" for bucket, keys in row.writes.items() for key in keys]
    for bucket, keys in row.reads.items():
        publish.append(f"{_API}CONSUMER.MSG.NEXT.KV_{bucket}.*")
        for key in keys:
            subject = f"$KV.{bucket}.{key}"
            publish += [f"{_API}DIRECT.GET.KV_{bucket}.{subject}", f"{_API}CONSUMER.CREATE.KV_{bucket}.*.{subject}"]
    return publish


def _consumers(row: _Kind) -> list[str]:
    """Reading the log from end to end, or working on a part of it."""
    publish = [f"{_API}CONSUMER.CREATE.*.*.{log_filter}" for log_filter in row.filters]
    if row.worker:
        publish += [f"{_API}CONSUMER.MSG.NEXT.*.{row.worker}", f"$JS.ACK.*.{row.worker}.>"]
    if row.whole_log:
        publish += [f"{_API}CONSUMER.{verb}.*.*" for verb in ("CREATE", "MSG.NEXT")]
    if row.epochs:
        publish.append(f"{_API}STREAM.UPDATE.*")
    if _is_delivered_much(row):
        publish.append("$JS.ACK.>")
    return publish


def _refused(row: _Kind, workers: tuple[str, ...]) -> list[str]:
    """What the patterns for any stream of the log would let through of the others."""
    refused = [f"DIRECT.GET.{store}" for store in STORES if not (row.files and store == _FILES_STORE)]
    refused += [f"STREAM.MSG.GET.{store}" for store in STORES if not _may_look_up(row, store)]
    refused += [f"STREAM.INFO.{store}" for store in STORES if not _may_know(row, store)]
    if row.epochs:
        refused += [f"STREAM.UPDATE.{store}" for store in STORES if store not in row.owns]
    if row.whole_log:
        refused += [f"CONSUMER.CREATE.{store}.*" for store in STORES]
        refused += [f"CONSUMER.MSG.NEXT.{store}.*" for store in STORES if not _may_know(row, store)]
    acknowledged = [f"$JS.ACK.*.{worker}.>" for worker in workers] if _is_delivered_much(row) else []
    return [*(_API + subject for subject in refused), *acknowledged]


def _is_delivered_much(row: _Kind) -> bool:
    """Whether it answers requests and reads the whole log.

    The server notes each delivery as a question to be answered unless the answer is allowed anyway: twice its time for
    an event. So acknowledging is allowed, which is nothing where nobody has to, but for a worker's events.
    """
    return row.whole_log and bool(row.serves)


def _may_look_up(row: _Kind, store: str) -> bool:
    return (row.dead and store == "DEAD") or (row.files and store == _FILES_STORE)


def _may_know(row: _Kind, store: str) -> bool:
    return (
        store.removeprefix("KV_") in row.reads
        or (row.files and store == _FILES_STORE)
        or (row.audit and store == "AUDIT")
    )
