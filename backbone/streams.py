"""Streams, buckets and the object store as data, and `ensure()` that makes them (log-and-protocol.md,
"Subjects, streams, buckets").

Everything is made through the raw JetStream API: nats-py lacks `allow_atomic`, `persist_mode` and
`subject_delete_marker_ttl`. Additive and safe to repeat: an existing stream keeps its metadata, its
replicas and whatever else this version doesn't name.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from backbone import subjects
from backbone.errors import UnavailableError, UnknownOutcomeError
from backbone.link import SECOND_NS, ApiError, Link

CLUSTER_WITHIN_S = 30.0
TRY_AGAIN_S = 0.3
MAX_EVENT_BYTES = 128 * 1024
DEDUPE_S = 60
EPOCH_KEY = "epoch"
SERVERS_KEY = "servers"
"""Of a stream's metadata: ids of the servers that are known to serve it as it was written last (lineage.py)."""

SERVERS_MOST = 16
FILES_BUCKET = "files"
FILES_MOST = 20 * 1024**3


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

BUCKETS: tuple[BucketSpec, ...] = (
    BucketSpec(name="directory", history=10),
    BucketSpec(name="contacts"),
    BucketSpec(name="heads", volatile=True),
    BucketSpec(name="presence", per_key_ttl=True, marker_s=60, volatile=True),
    BucketSpec(name="sessions", per_key_ttl=True, marker_s=60),
    BucketSpec(name="seen", ttl_s=7 * 86_400),
    BucketSpec(name="uploads", per_key_ttl=True, marker_s=60),
    BucketSpec(name="channels", per_key_ttl=True),
    BucketSpec(name="leases", per_key_ttl=True),
    BucketSpec(name="cursors"),
    BucketSpec(name="erased"),
)


def named_with(servers: list[str], server: str) -> str:
    """`SERVERS_KEY` with one server more; the oldest are forgotten beyond `SERVERS_MOST`."""
    return ",".join([*(s for s in servers if s and s != server), server][-SERVERS_MOST:])


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
        AUDIT: {"subjects": ["audit.*"], "allow_direct": True, "deny_delete": True},
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
    """All streams that `ensure` makes."""
    return [
        *streams(log_streams, replicas),
        *(bucket_stream(spec, replicas) for spec in BUCKETS),
        files_stream(replicas, files_bytes),
    ]


async def ensure(link: Link, log_streams: list[str], replicas: int = 1, files_bytes: int = FILES_MOST) -> list[str]:
    """Makes what is missing and updates what is old; returns the names of streams it made.

    `files_bytes`: the bound of the store of files.

    A new `CHAT_` stream begins an epoch now. Raises UnavailableError if JetStream doesn't answer. A cluster that has
    just been started is waited for: its servers find each other and elect a leader first.
    """
    deadline = asyncio.get_running_loop().time() + (CLUSTER_WITHIN_S if replicas > 1 else 0)
    specs = everything(log_streams, replicas, files_bytes)
    return [spec.name for spec in specs if await _ensure_in_time(link, spec, deadline)]


async def ensure_bucket(link: Link, name: str, replicas: int = 1) -> None:
    """Makes one bucket of `BUCKETS` if it is missing, or updates it. Raises as `ensure`."""
    spec = next(spec for spec in BUCKETS if spec.name == name)
    deadline = asyncio.get_running_loop().time() + (CLUSTER_WITHIN_S if replicas > 1 else 0)
    await _ensure_in_time(link, bucket_stream(spec, replicas), deadline)


async def _ensure_in_time(link: Link, spec: StreamSpec, deadline: float) -> bool:
    while True:
        try:
            return await _ensure_one(link, spec)
        except (ApiError, UnavailableError, UnknownOutcomeError):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(TRY_AGAIN_S)


async def _ensure_one(link: Link, spec: StreamSpec) -> bool:
    try:
        present = await link.api(f"STREAM.INFO.{spec.name}", {})
    except ApiError as refused:
        if refused.status_code != 404:
            raise UnavailableError("log.unavailable", f"NATS refused {spec.name}: {refused}") from refused
        config = {"name": spec.name, **spec.config}
        if spec.has_epoch:
            config["metadata"] = {EPOCH_KEY: f"{int(time.time())}@1", SERVERS_KEY: link.server_id}
        await link.api(f"STREAM.CREATE.{spec.name}", config)
        return True
    config = present["config"]
    wanted = {k: v for k, v in spec.config.items() if k not in _KEPT}
    if any(config.get(k) != v for k, v in wanted.items()):
        await link.api(f"STREAM.UPDATE.{spec.name}", {**config, **wanted})
    return False


_KEPT = frozenset({"num_replicas", "persist_mode", "storage"})
"""Settings of an existing stream that belong to its operator or can't be changed."""
