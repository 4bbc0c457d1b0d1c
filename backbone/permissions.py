"""What each kind of process may publish and subscribe in NATS: the one table, as data.

A user of NATS stands for a kind of process, not for a process: `node`, `routing`, `warehouse`, `channel-<name>`; and
`trunkline`, the operator's (command line, `init`), may do everything. What a kind isn't given here it is refused by the
server, and its link goes on. Streams and buckets are those of `streams.py`; a test holds the two together. Standard
library alone, since `trunkline up` writes the server's configuration from this.

What NATS can't refuse: a request is answered at whatever subject the asking one names, so a process that is taken over
can have stored bytes sent to a subject that it may not publish itself. Sessions and seals are signed for that reason.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

OPERATOR: Final = "trunkline"
"""May do everything. The user of earlier versions, too: a process of theirs goes on with it."""

CHANNEL_PREFIX: Final = "channel-"
PROCESSES: Final = ("node", "routing", "warehouse")

INBOXES: Final = ("_TL", "_TA", "_TLF", "_TLW", "_INBOX")
"""First tokens of the subjects on which a link is answered; the second one is its user, so that nobody hears what
another kind is answered."""

BUCKETS: Final = (
    "directory",
    "contacts",
    "heads",
    "presence",
    "sessions",
    "seen",
    "channels",
    "leases",
    "cursors",
    "erased",
)
FILES: Final = "files"
STORES: Final = (*(f"KV_{bucket}" for bucket in BUCKETS), f"OBJ_{FILES}", "DEAD", "LEDGER", "AUDIT")
"""Every stream beside the log's own, whose names are numbers and not known here."""

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
    """Reads all streams of the log from end to end, and begins an epoch where one was put back."""

    dead: bool = False
    """Reads dead letters, and takes them out once they are dealt with."""

    owns: tuple[str, ...] = ()
    """Streams that it makes, changes and empties: what is in them is a projection of its own."""

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
            "channels": ALL,
            "erased": ALL,
        },
        writes={
            "directory": ALL,
            "contacts": ALL,
            "presence": ALL,
            "sessions": ALL,
            # Of an account that is taken away.
            "channels": ("*.token.>", "*.pulse.>", "*.health.*", "*.rate.*"),
        },
        publish=("chat.*.*.*.*", "live.*.*.*.*", "typing.>", "audit.*", "rpc.>"),
        # The command line's own requests: SQL over all tenants, for one.
        not_publish=("rpc.*._.>",),
        subscribe=("live.>",),
        files=True,
    ),
    "routing": _Kind(
        reads={
            "directory": ("*.agent.*", "*.inbox.*"),
            "presence": ALL,
            "heads": ALL,
            "leases": ("routing.*",),
            "cursors": ALL,
        },
        writes={"heads": ALL, "presence": ALL, "leases": ("routing.*",), "cursors": ALL},
        publish=("chat.*.*.*.*", "live.*.*.*.*", "dead.*.routing"),
        owns=("KV_heads",),
        whole_log=True,
    ),
    "warehouse": _Kind(
        reads={"leases": ("warehouse.*",), "cursors": ALL, "erased": ALL},
        writes={"leases": ("warehouse.*",), "cursors": ALL},
        publish=("dead.*.warehouse", "rpc.warehouse-heir._.*"),
        whole_log=True,
        serves=("warehouse", "warehouse-heir"),
    ),
}


def _channel(name: str) -> _Kind:
    """The row of a channel's adapter: its own channel's conversations, accounts and requests."""
    leases = (f"lane.{name}.*", f"member.{name}.*", "poll.>", "token.>")
    return _Kind(
        reads={
            "directory": ("*.inbox.*",),
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


def user_of(process: str) -> str:
    """The user of a process by the name that `trunkline` starts it by: `node`, `routing`, `telegram`, ..."""
    return process if process in PROCESSES else CHANNEL_PREFIX + process


def users(channels: tuple[str, ...]) -> dict[str, Access]:
    """Every user but the operator, with what it may do. `channels`: names of the channels that there are."""
    rows = {**_KINDS, **{CHANNEL_PREFIX + name: _channel(name) for name in channels}}
    workers = tuple(row.worker for row in rows.values() if row.worker)
    return {user: _access(user, row, workers) for user, row in rows.items()}


def own(user: str) -> str:
    """The second token of a user's inboxes. Without a user: a server that asks for none."""
    return _NOT_IN_A_TOKEN.sub("-", user) or "-"


def _access(user: str, row: _Kind, workers: tuple[str, ...]) -> Access:
    api = "$JS.API."
    publish = [
        *row.publish,
        f"health.told.{own(user)}.*",
        # Of the log any: which streams it has is a setting. Everything else by name only.
        *(f"{api}{verb}.*" for verb in ("STREAM.INFO", "DIRECT.GET", "STREAM.MSG.GET")),
    ]
    refused = [f"{api}{verb}.{store}" for verb in ("DIRECT.GET", "STREAM.MSG.GET") for store in STORES]
    refused += [f"{api}STREAM.INFO.{store}" for store in STORES if not _may_know(row, store)]
    for bucket, keys in row.reads.items():
        publish.append(f"{api}CONSUMER.MSG.NEXT.KV_{bucket}.*")
        for key in keys:
            subject = f"$KV.{bucket}.{key}"
            publish += [f"{api}DIRECT.GET.KV_{bucket}.{subject}", f"{api}CONSUMER.CREATE.KV_{bucket}.*.{subject}"]
    publish += [f"$KV.{bucket}.{key}" for bucket, keys in row.writes.items() for key in keys]
    if row.whole_log and row.serves:
        # What the server delivers it would note as a question to be answered, unless the answer is allowed anyway: twice
        # the server's time for an event. Acknowledging is nothing where nobody has to, but taking a worker's events is.
        publish.append("$JS.ACK.>")
        refused += [f"$JS.ACK.*.{worker}.>" for worker in workers]
    if row.files:
        store = f"OBJ_{FILES}"
        publish += [f"$O.{FILES}.>", f"{api}STREAM.NAMES", f"{api}STREAM.PURGE.{store}", f"$JS.FC.{store}.>"]
        publish += [f"{api}{verb}.{store}" for verb in ("DIRECT.GET", "STREAM.MSG.GET", "CONSUMER.CREATE")]
        publish += [f"{api}{verb}.{store}.>" for verb in ("DIRECT.GET", "CONSUMER.CREATE", "CONSUMER.MSG.NEXT")]
        publish += [f"{api}{verb}.{store}.*" for verb in ("CONSUMER.INFO", "CONSUMER.DELETE")]
        refused = [subject for subject in refused if not subject.endswith(f".{store}")]
    if row.whole_log:
        publish += [f"{api}STREAM.NAMES", f"{api}STREAM.UPDATE.*", f"{api}CONSUMER.CREATE.*.*"]
        publish.append(f"{api}CONSUMER.MSG.NEXT.*.*")
        refused += [f"{api}STREAM.UPDATE.{store}" for store in STORES if store not in row.owns]
        refused += [f"{api}CONSUMER.CREATE.{store}.*" for store in STORES]
        refused += [f"{api}CONSUMER.MSG.NEXT.{store}.*" for store in STORES if not _may_know(row, store)]
    for log_filter in row.filters:
        publish.append(f"{api}CONSUMER.CREATE.*.*.{log_filter}")
    if row.worker:
        publish += [f"{api}CONSUMER.MSG.NEXT.*.{row.worker}", f"$JS.ACK.*.{row.worker}.>"]
    publish += [f"{api}STREAM.{verb}.{store}" for store in row.owns for verb in ("CREATE", "UPDATE", "PURGE")]
    if row.dead:
        publish.append(f"{api}STREAM.MSG.DELETE.DEAD")
        refused.remove(f"{api}STREAM.MSG.GET.DEAD")
    subscribe = [*row.subscribe, "health.ask.all", *(f"{root}.{own(user)}.>" for root in INBOXES)]
    for service in row.serves:
        subscribe += [f"rpc.{service}.>", f"$SRV.*.{service}", f"$SRV.*.{service}.*"]
    if row.serves:
        subscribe.append("$SRV.*")
    return Access(tuple(publish), tuple(subscribe), (*row.not_publish, *sorted(refused)), answers=bool(row.serves))


def _may_know(row: _Kind, store: str) -> bool:
    return store.removeprefix("KV_") in row.reads or (row.files and store == f"OBJ_{FILES}")
