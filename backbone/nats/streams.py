"""Streams, buckets and the object store as data, and `ensure()` that makes them.

Everything is made through the raw JetStream API: nats-py lacks `allow_atomic`, `persist_mode` and
`subject_delete_marker_ttl`. Additive and safe to repeat: an existing stream keeps its metadata, its
replicas and whatever else this version doesn't name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec

from backbone import schema
from backbone.errors import TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.nats import admission, subjects
from backbone.nats.link import SECOND_NS, Link
from backbone.nats.wire.answers import ApiError
from backbone.schema import NewerDataError

NOT_FOUND = 404
CLUSTER_WITHIN_S = 30.0
TRY_AGAIN_S = 0.3
MAX_EVENT_BYTES = 128 * 1024
DEDUPE_S = 60
EPOCH_KEY = "epoch"
SERVERS_KEY = "servers"
"""Of a stream's metadata: ids of the servers that are known to serve it as it was written last (lineage.py)."""

DAY_S: Final = 86_400

FILES_BUCKET = "files"
FILES_MOST = 20 * 1024**3

R = TypeVar("R")

UNSET: Final[dict[str, Any]] = {
    "retention": "limits",
    "discard": "old",
    "max_consumers": -1,
    "max_msgs": -1,
    "max_bytes": -1,
    "max_msgs_per_subject": -1,
    "max_age": 0,
    "max_msg_size": -1,
    "discard_new_per_subject": False,
    "no_ack": False,
    "sealed": False,
    "deny_delete": False,
    "deny_purge": False,
    "allow_rollup_hdrs": False,
    "allow_direct": False,
    "allow_msg_ttl": False,
    "allow_atomic": False,
    "subject_delete_marker_ttl": 0,
}
"""Settings of a stream by which it keeps, drops or refuses, and what they are where nobody names them."""

HOLDS: Final = (
    "max_age",
    "max_msgs",
    "max_msgs_per_subject",
    "max_msg_size",
    "discard_new_per_subject",
    "allow_rollup_hdrs",
    "no_ack",
)
"""Settings of `UNSET` that `ensure` puts back: by these a stream drops what was stored, or doesn't acknowledge."""


class StreamSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One stream: `config` is sent to the server as it is, `has_epoch` streams carry `metadata.epoch`."""

    name: str
    config: dict[str, Any]
    has_epoch: bool = False


class BucketSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One key-value bucket. `volatile`: can be rebuilt, so written without waiting for the disk."""

    name: str
    history: int = 1
    ttl_s: int = 0
    per_key_ttl: bool = False
    marker_s: int = 0
    volatile: bool = False


def chat_stream(s: str) -> str:
    """The name of the stream whose two digits are `s`."""
    return f"CHAT_{s}"


DEAD = "DEAD"
LEDGER = "LEDGER"
AUDIT = "AUDIT"
AUDIT_DAYS: Final = 400
AUDIT_BYTES: Final = 256 * 1024**2
AUDIT_OF_DIRECTORY: Final = "audit.directory"
"""First tokens of its subjects; `<tenant>.<kind>.<id>` follow."""

AUDITED: Final = ("tenant", "inbox", "agent", "invitation", "team", "skill", "calendar", "role", "reset")
"""Kinds of records of the directory that are copied; secrets stand under a kind of their own and never are."""

BUCKETS: tuple[BucketSpec, ...] = (
    BucketSpec(name="directory", history=10),
    BucketSpec(name="contacts"),
    BucketSpec(name="heads", volatile=True),
    BucketSpec(name="presence", per_key_ttl=True, marker_s=60, volatile=True),
    BucketSpec(name="sessions", per_key_ttl=True, marker_s=60),
    BucketSpec(name="answers", per_key_ttl=True, marker_s=60),
    BucketSpec(name="seen", ttl_s=7 * 86_400),
    BucketSpec(name="uploads", per_key_ttl=True, marker_s=60),
    BucketSpec(name="channels", per_key_ttl=True),
    BucketSpec(name="leases", per_key_ttl=True),
    BucketSpec(name="cursors"),
    BucketSpec(name="erased"),
    BucketSpec(name="processes", per_key_ttl=True, marker_s=60, volatile=True),
)


async def names_of_log(link: Link) -> list[str]:
    """The names of all streams of the log that there are, ascending; those closed for new conversations too."""
    listed = await link.api("STREAM.NAMES", {"subject": "chat.>"})
    prefix = chat_stream("")
    return sorted(str(name) for name in listed.get("streams") or [] if str(name).startswith(prefix))


def streams(log_streams: list[str], replicas: int = 1) -> list[StreamSpec]:
    """Every stream of the log and beside it; `log_streams` are the two-digit names of all `CHAT_` streams."""
    chats = [
        StreamSpec(
            name=chat_stream(s),
            has_epoch=True,
            config={
                "subjects": [subjects.stream_subjects(s)],
                "storage": "file",
                "allow_direct": True,
                "allow_atomic": True,
                "duplicate_window": DEDUPE_S * SECOND_NS,
                "max_msg_size": MAX_EVENT_BYTES,
                "discard": "new",
                "republish": dict(zip(("src", "dest"), subjects.republish(s), strict=True)),
                "num_replicas": replicas,
            },
        )
        for s in log_streams
    ]
    others = {
        DEAD: {"subjects": ["dead.*.*"], "allow_direct": True},
        LEDGER: {"subjects": ["ledger.*"], "allow_direct": True, "deny_delete": True, "deny_purge": True},
        AUDIT: {
            # Nobody publishes here: nats-server copies what the sources below get.
            "subjects": ["audit.*"],
            "allow_direct": True,
            "deny_delete": True,
            "max_age": AUDIT_DAYS * DAY_S * SECOND_NS,
            "max_bytes": AUDIT_BYTES,
            "sources": [
                {
                    "name": "KV_directory",
                    "subject_transforms": [
                        {
                            "src": f"$KV.directory.*.{kind}.*",
                            "dest": f"{AUDIT_OF_DIRECTORY}.{{{{wildcard(1)}}}}.{kind}.{{{{wildcard(2)}}}}",
                        }
                        for kind in AUDITED
                    ],
                }
            ],
        },
    }
    return chats + [
        StreamSpec(name=name, config={"storage": "file", "num_replicas": replicas, **config})
        for name, config in others.items()
    ]


def bucket_stream(spec: BucketSpec, replicas: int = 1) -> StreamSpec:
    """The stream behind a bucket, as the NATS key-value convention has it."""
    config: dict[str, Any] = {
        "subjects": [f"$KV.{spec.name}.>"],
        "storage": "file",
        "max_msgs_per_subject": spec.history,
        "allow_direct": True,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "discard": "new",
        "duplicate_window": DEDUPE_S * SECOND_NS,
        "num_replicas": replicas,
    }
    if spec.ttl_s:
        config["max_age"] = spec.ttl_s * SECOND_NS
    if spec.per_key_ttl:
        config["allow_msg_ttl"] = True
    if spec.marker_s:
        config["subject_delete_marker_ttl"] = spec.marker_s * SECOND_NS
    if spec.volatile and replicas == 1:
        config["persist_mode"] = "async"
    return StreamSpec(name=f"KV_{spec.name}", config=config)


def files_stream(replicas: int = 1, most_bytes: int = FILES_MOST) -> StreamSpec:
    """The stream behind the object store, as the NATS object-store convention has it.

    Its bound leaves the log its room: who fills the store of files doesn't stop messages.
    """
    return StreamSpec(
        name=f"OBJ_{FILES_BUCKET}",
        config={
            "subjects": [f"$O.{FILES_BUCKET}.C.>", f"$O.{FILES_BUCKET}.M.>"],
            "storage": "file",
            "allow_direct": True,
            "allow_rollup_hdrs": True,
            "discard": "new",
            "max_bytes": most_bytes,
            "num_replicas": replicas,
        },
    )


def everything(log_streams: list[str], replicas: int = 1, files_bytes: int = FILES_MOST) -> list[StreamSpec]:
    """All streams that `ensure` makes, each behind those that it takes from."""
    found = [
        *streams(log_streams, replicas),
        *(bucket_stream(spec, replicas) for spec in BUCKETS),
        files_stream(replicas, files_bytes),
    ]
    return sorted(found, key=lambda spec: "sources" in spec.config)


def wanted_of(spec: StreamSpec) -> dict[str, Any]:
    """What an existing stream is updated to."""
    held = {key: UNSET[key] for key in HOLDS} | {"sources": None, "subject_transform": None}
    if spec.config.get("discard") != "new":
        # Where what is older makes room for what is new, a bound drops; elsewhere it refuses and is the operator's.
        held["max_bytes"] = UNSET["max_bytes"]
    return held | {k: v for k, v in spec.config.items() if k not in KEPT}


async def ensure(link: Link, log_streams: list[str], replicas: int = 1, files_bytes: int = FILES_MOST) -> list[str]:
    """Makes what is missing and updates what is old; returns the names of streams it made.

    `files_bytes`: the bound of the store of files.

    A new `CHAT_` stream begins an epoch now. Raises UnavailableError if JetStream doesn't answer. A cluster that has
    just been started is waited for: its servers find each other and elect a leader first.

    Raises NewerDataError and OldServerError before anything is changed. One stream that can't be updated doesn't keep
    the others from it; the first refusal is raised in the end.
    """
    deadline = asyncio.get_running_loop().time() + (CLUSTER_WITHIN_S if replicas > 1 else 0)
    specs = everything(log_streams, replicas, files_bytes)
    admission.need_server(link.connected_server_version)
    for spec in specs:
        await _in_time(lambda spec=spec: _present(link, spec), deadline)  # type: ignore[misc]
    made: list[str] = []
    refused: list[TrunklineError] = []
    for spec in specs:
        try:
            if await _ensure_in_time(link, spec, deadline):
                made.append(spec.name)
        except ApiError as error:
            refused.append(ApiError(error.status_code, error.err_code, f"NATS refused {spec.name}: {error}"))
    if refused:
        raise refused[0]
    return made


async def ensure_bucket(link: Link, name: str, replicas: int = 1) -> None:
    """Makes one bucket of `BUCKETS` if it is missing, or updates it. Raises as `ensure`."""
    spec = next(spec for spec in BUCKETS if spec.name == name)
    deadline = asyncio.get_running_loop().time() + (CLUSTER_WITHIN_S if replicas > 1 else 0)
    await _ensure_in_time(link, bucket_stream(spec, replicas), deadline)


async def _ensure_in_time(link: Link, spec: StreamSpec, deadline: float) -> bool:
    return await _in_time(lambda: _ensure_one(link, spec), deadline)


async def _in_time(work: Callable[[], Awaitable[R]], deadline: float) -> R:
    while True:
        try:
            return await work()
        except (ApiError, UnavailableError, UnknownOutcomeError):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(TRY_AGAIN_S)


async def _present(link: Link, spec: StreamSpec) -> dict[str, Any] | None:
    """The configuration of a stream as it is; None if there is none. Raises NewerDataError, UnavailableError."""
    try:
        present = await link.api(f"STREAM.INFO.{spec.name}", {})
    except ApiError as refused:
        if refused.status_code != NOT_FOUND:
            raise UnavailableError("log.unavailable", f"NATS refused {spec.name}: {refused}") from refused
        return None
    config: dict[str, Any] = present["config"]
    if problem := schema.newer(spec.name, config.get("metadata")):
        raise NewerDataError(message=problem)
    return config


async def _ensure_one(link: Link, spec: StreamSpec) -> bool:
    config = await _present(link, spec)
    if config is None:
        config = {"name": spec.name, **spec.config, **await _sources(link, spec, None), "metadata": schema.marks()}
        if spec.has_epoch:
            config["metadata"] |= {EPOCH_KEY: f"{int(time.time())}@1", SERVERS_KEY: link.server_id}
        await link.api(f"STREAM.CREATE.{spec.name}", config)
        return True
    wanted = wanted_of(spec) | await _sources(link, spec, config.get("sources"))
    raised = schema.raised(config.get("metadata"))
    if raised is not None:
        wanted["metadata"] = raised
    if any(config.get(k, UNSET.get(k)) != v for k, v in wanted.items()):
        await link.api(f"STREAM.UPDATE.{spec.name}", {**config, **wanted})
    return False


def same_sources(present: Any, wanted: Any) -> bool:
    """Whether a stream takes from others what it should, from wherever on."""
    return [_source(one) for one in present or []] == [_source(one) for one in wanted or []]


def _source(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["name"], one.get("filter_subject", ""), one.get("subject_transforms", [])


async def _sources(link: Link, spec: StreamSpec, present: Any) -> dict[str, Any]:
    """What a stream takes from others, each from its next message on where it wasn't taken so far.

    What the directory held before isn't: earlier versions stored secrets inside, in up to ten versions of a key.
    """
    wanted = spec.config.get("sources")
    if not wanted:
        return {}
    if same_sources(present, wanted):
        return {"sources": present}
    found = []
    for one in wanted:
        info = await link.api(f"STREAM.INFO.{one['name']}", {})
        found.append({**one, "opt_start_seq": info["state"]["last_seq"] + 1})
    return {"sources": found}


KEPT = frozenset({"num_replicas", "persist_mode", "storage"})
"""Settings of an existing stream that belong to its operator or can't be changed."""
