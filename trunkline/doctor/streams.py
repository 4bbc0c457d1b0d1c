"""Streams and buckets: whether each is there and keeps what it is given, what is gone, how full, how many copies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NamedTuple

from backbone import schema
from backbone.errors import TrunklineError
from backbone.nats import replicas, streams
from backbone.nats.cursors import Cursor, cursors
from backbone.nats.epochs import state_of
from backbone.nats.link import SECOND_NS, Link
from backbone.nats.replicas import Replicas
from backbone.nats.streams import UNSET, StreamSpec, chat_stream
from backbone.nats.wire.answers import ApiError
from backbone.settings import Common
from trunkline.doctor.findings import Check
from trunkline.doctor.server import size

MOST_NAMED: Final = 3
FULL_WRONG: Final = 0.95
FULL_WARNING: Final = 0.80

NOTHING: Final = ("mirror", "sources", "subject_transform", "republish")
"""Settings that are absent unless they are wanted."""

LEFT: Final = frozenset({"num_replicas", "persist_mode", "max_bytes"})
"""The operator's: copies and a bound that is near are findings of their own. `persist_mode` follows replicas."""

FIXED: Final = frozenset({"storage", "retention", "sealed", "deny_delete", "deny_purge", "mirror", "max_consumers"})
"""Settings that nats-server doesn't change of a stream that is there, or not back."""

MEANS: Final = {
    "max_age": "drops what is older",
    "max_msgs": "drops or refuses what is more",
    "max_msgs_per_subject": "drops what a conversation or key has beyond",
    "max_bytes": "drops what is older as it fills",
    "retention": "drops what somebody has read",
    "discard": "drops what is older where it is full",
    "allow_rollup_hdrs": "lets one message drop all before it",
    "no_ack": "acknowledges nothing",
    "sealed": "takes nothing more",
    "storage": "is lost when nats-server ends",
    "mirror": "takes nothing that is sent to it",
    "sources": "holds what was written elsewhere",
    "max_msg_size": "refuses what is larger",
    "subjects": "doesn't get what is published beside them",
    "republish": "tells nobody what it stores, or others",
    "deny_delete": "can't delete what must go",
    "deny_purge": "can't delete what must go",
}


class Difference(NamedTuple):
    """A setting of a stream that isn't as this version wants it."""

    key: str
    wanted: Any
    present: Any


class Found(NamedTuple):
    """A stream as it is: what differs, and what it holds."""

    spec: StreamSpec
    differs: list[Difference]
    messages: int


def differences(spec: StreamSpec, present: Mapping[str, Any]) -> list[Difference]:
    """Every setting by which the stream can drop, refuse or miss what it is given. Pure."""
    wanted = UNSET | dict.fromkeys(NOTHING) | {"storage": "file"} | spec.config
    found = []
    for key, value in wanted.items():
        is_here = present.get(key, UNSET.get(key)) or None if key in NOTHING else present.get(key, UNSET.get(key))
        is_same = streams.same_sources(is_here, value) if key == "sources" else is_here == value
        if key not in LEFT and not is_same:
            found.append(Difference(key, value, is_here))
    most, least = present.get("max_bytes", -1), spec.config.get("max_bytes", -1)
    if present.get("discard") == "old" and most > 0 and (least < 0 or most < least):
        found.append(Difference("max_bytes", least, most))
    return found


def settings_of(found: list[Found], missing: list[str], wanted: int) -> Check | None:
    """The finding on what differs and what is missing; None if nothing. Pure."""
    texts = [f"{each.spec.name}: {'; '.join(map(_told, each.differs))}" for each in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        texts.append(f"{len(found) - MOST_NAMED} more streams have other settings")
    if missing:
        more = " ..." * (len(missing) > MOST_NAMED)
        texts.append(f"{len(missing)} of {wanted} missing ({', '.join(missing[:MOST_NAMED])}{more})")
    if not texts:
        return None
    fixed = [each for each in found if any(_is_fixed(one) for one in each.differs)]
    todo = "Run `trunkline init`: it makes and updates them."
    if fixed:
        name, keys = fixed[0].spec.name, ", ".join(one.key for one in fixed[0].differs if _is_fixed(one))
        todo = f"nats-server doesn't change {keys} of a stream that is there. "
        todo += (
            f"Save {name} (`nats stream backup {name} DIR`), delete it, and restore it with --config as said here."
            if fixed[0].messages
            else f"{name} is empty: delete it (`nats stream rm {name}`), then run `trunkline init`."
        )
    return Check("streams", "wrong", "; ".join(texts), todo)


def _is_fixed(one: Difference) -> bool:
    return one.key in FIXED


def _told(one: Difference) -> str:
    means = f", so that it {MEANS[one.key]}" if one.key in MEANS else ""
    return f"{one.key} is {_value(one.key, one.present)}, not {_value(one.key, one.wanted)}{means}"


def _value(key: str, value: Any) -> str:
    if key in {"max_age", "duplicate_window", "subject_delete_marker_ttl"} and isinstance(value, int):
        return f"{value / SECOND_NS:g} s"
    text = "unset" if value is None or value == -1 else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


class Lost(NamedTuple):
    """Events that somebody has read and that the log hasn't any more; `last` is None where the stream is gone."""

    stream: str
    reader: str
    read: int
    last: int | None


def lost(log_streams: list[str], infos: Mapping[str, Any], read: Mapping[str, Cursor]) -> list[Lost]:
    """What is gone, as cursors (`<reader>.<s>`) tell; a log in which a new epoch has begun since was restored. Pure."""
    found = []
    for key, cursor in sorted(read.items()):
        reader, _, s = key.partition(".")
        name = chat_stream(s)
        if s not in log_streams or not cursor.seq:
            continue
        if name not in infos:
            found.append(Lost(name, reader, cursor.seq, None))
            continue
        state = state_of(infos[name])
        if state.last < cursor.seq and state.epochs.now <= cursor.epoch:
            found.append(Lost(name, reader, cursor.seq, state.last))
    return found


def lost_of(found: list[Lost]) -> Check | None:
    """The finding on what is gone; None if nothing is. Pure."""
    if not found:
        return None
    texts = []
    for one in found[:MOST_NAMED]:
        count = one.read - (one.last or 0)
        ends = "is gone" if one.last is None else f"ends at {one.last:,}"
        texts.append(f"{one.stream} {ends}, and {one.reader} has read up to {one.read:,}: {count:,} events are gone")
    todo = "Restore the newest backup first (docs/operations.md): `trunkline init` would go on without them."
    return Check("log", "wrong", "; ".join(texts), todo)


def schema_of(configs: Mapping[str, Mapping[str, Any]]) -> Check | None:
    """The finding on what other releases wrote; None if all is of this one's schema. Pure."""
    for name, config in configs.items():
        if problem := schema.newer(name, config.get("metadata")):
            detail = problem.removesuffix(" Nothing was changed: start the newer version.")
            return Check("schema", "wrong", detail, "Start the newer version; this one writes nothing here.")
    older = [name for name, config in configs.items() if schema.schema_of(config.get("metadata")) < schema.SCHEMA]
    if older:
        detail = f"{len(older)} streams and buckets are of an earlier schema ({', '.join(older[:MOST_NAMED])})"
        return Check("schema", "warning", detail, "Run `trunkline init`: it raises them.")
    return None


def fullness(infos: Mapping[str, Any]) -> Check | None:
    """The finding on streams that have a bound and come near it; None if none does. Pure.

    Not of AUDIT, whose oldest entries make room.
    """
    shares = {
        name: info["state"]["bytes"] / most
        for name, info in infos.items()
        if name != streams.AUDIT and (most := info["config"]["max_bytes"]) > 0
    }
    near = [name for name, share in sorted(shares.items(), key=lambda each: -each[1]) if share >= FULL_WARNING]
    if not near:
        return None
    name = near[0]
    config, share = infos[name]["config"], shares[name]
    more = f" ({len(near) - 1} more are near)" * (len(near) > 1)
    detail = f"{name} holds {share:.0%} of its {size(config['max_bytes'])}{more}; full, it refuses what comes"
    todo = (
        "Set TRUNKLINE_FILES_BYTES to more than it is, then run `trunkline init`."
        if name == f"OBJ_{streams.FILES_BUCKET}"
        else f"Take its bound away: `nats stream edit {name} --max-bytes=-1`."
    )
    return Check("room", "wrong" if share >= FULL_WRONG else "warning", detail, todo)


async def log(link: Link, common: Common) -> AsyncIterator[Check]:
    """Whether every stream and bucket is there as this version wants it, and holds what was read of it."""
    wanted = streams.everything(common.log_streams(), common.copies(), common.files_bytes)
    infos: dict[str, Any] = {}
    for spec in wanted:
        try:
            infos[spec.name] = await link.api(f"STREAM.INFO.{spec.name}", {})
        except ApiError:
            continue
    read = await cursors_of(link)
    gone = lost_of(lost(common.log_streams(), infos, read))
    if gone:
        yield gone
    if check := schema_of({name: info["config"] for name, info in infos.items()}):
        yield check
    missing = [spec.name for spec in wanted if spec.name not in infos]
    found = [
        Found(spec, differs, infos[spec.name]["state"]["messages"])
        for spec in wanted
        if spec.name in infos and (differs := differences(spec, infos[spec.name]["config"]))
    ]
    if check := settings_of(found, missing, len(wanted)):
        if gone and missing:
            check.todo = f"{gone.todo} Then run `trunkline init`."
        yield check
    else:
        events = sum(info["state"]["messages"] for name, info in infos.items() if name.startswith("CHAT_"))
        stored = sum(info["state"]["bytes"] for info in infos.values())
        yield Check("streams", "ok", f"{len(wanted)} streams and buckets, {events:,} events, {size(stored)}")
    if check := fullness(infos):
        yield check


async def cursors_of(link: Link) -> dict[str, Cursor]:
    """How far each reader has come, by `<reader>.<s>`; nothing where that can't be read."""
    try:
        await link.api("STREAM.INFO.KV_cursors", {})
        return {kept.key: kept.value for kept in await cursors(link).all("*.*")}
    except TrunklineError:
        return {}


async def copies(link: Link, common: Common) -> Check:
    """Whether each stream of the log has the replicas that the profile promises, and all of them are in step."""
    found: dict[str, Replicas] = {}
    for s in common.log_streams():
        name = streams.chat_stream(s)
        try:
            found[name] = replicas.of(await link.api(f"STREAM.INFO.{name}", {}))
        except ApiError:
            return Check("replicas", "warning", f"can't be told without {name}", "Mend the streams first; see above.")
    return copies_of(common.copies(), found)


def copies_of(wanted: int, found: dict[str, Replicas]) -> Check:
    """The finding on the replicas of the streams. Pure."""
    stuck = [text for name, each in found.items() if (text := replicas.problem(name, each))]
    few = [name for name, each in found.items() if each.wanted < wanted]
    behind = [name for name, each in found.items() if each.present < each.wanted]
    if stuck:
        return Check("replicas", "wrong", "; ".join(stuck), "Start the servers that are away.")
    if few:
        more = f", and {len(few) - 1} more" * (len(few) > 1)
        detail = f"{few[0]} has {found[few[0]].wanted} of {wanted} replicas{more}"
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
