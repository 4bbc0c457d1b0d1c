"""Settings of the warehouse: where the engine is, and how much one load may hold."""

from __future__ import annotations

from typing import Annotated, NamedTuple
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct

from backbone.errors import SettingError
from backbone.settings import variable

SECTION = "warehouse"
DATABASE = "trunkline"


class Target(NamedTuple):
    """The engine a DSN names: `path` of an embedded one, else `path` is empty and `dsn` is a server's."""

    dsn: str
    path: str
    database: str


class Warehouse(Struct, frozen=True, kw_only=True):
    """What `trunkline adapter warehouse` reads besides the common settings."""

    dsn: Annotated[
        str,
        Meta(
            description="Where ClickHouse is: chdb:///absolute/path for the embedded engine, "
            "clickhouse://user:password@host:8123/trunkline for a server.",
            extra_json_schema={"secret": True},
        ),
    ] = ""
    group: Annotated[
        str, Meta(pattern="^[A-Za-z0-9-]{1,32}$", description="Loaders of one group take turns; one loads at a time.")
    ] = "main"
    cluster: Annotated[
        str,
        Meta(pattern="^[A-Za-z0-9_-]{0,64}$", description="Cluster of the server, whose tables are then replicated."),
    ] = ""
    memory_bytes: Annotated[int, Meta(ge=500_000_000, description="Memory cap of the embedded engine, in bytes.")] = (
        2_000_000_000
    )
    backup_dir: Annotated[str, Meta(description="Directory that BACKUP of the embedded engine may write to.")] = ""
    load_events: Annotated[int, Meta(ge=1, le=100_000, description="A load closes at this many events.")] = 5_000
    load_bytes: Annotated[int, Meta(ge=1_024, description="A load closes at this many bytes of events.")] = (
        4 * 1024 * 1024
    )
    load_ms: Annotated[
        int, Meta(ge=1, le=10_000, description="A load closes this many milliseconds after it began.")
    ] = 250
    nice: Annotated[
        int,
        Meta(
            ge=0,
            le=19,
            description="How far the warehouse stands back where processes compete for the processor: reports may "
            "be late, messages may not.",
        ),
    ] = 5
    hot_conversations: Annotated[
        int,
        Meta(ge=100, description="Conversations whose fold is kept in memory; others are read again when they move."),
    ] = 50_000
    keep_days: Annotated[
        int, Meta(ge=0, le=36_500, description="Days after which rows are deleted; 0 keeps them for ever.")
    ] = 0
    lease_s: Annotated[
        int, Meta(ge=2, le=60, description="Seconds after which another loader may follow one that died.")
    ] = 15
    timeout_s: Annotated[
        int,
        Meta(ge=1, le=600, description="Seconds after which a ClickHouse server that gives a load no answer is away."),
    ] = 30
    readers: Annotated[int, Meta(ge=1, le=16, description="Queries that may run at once.")] = 4


def target(dsn: str) -> Target:
    """The engine that `dsn` names. Raises SettingError for what is neither kind."""
    name = variable(SECTION, "dsn")
    parts = urlsplit(dsn)
    if parts.scheme == "chdb":
        path = unquote(parts.path)
        if parts.netloc or not path.startswith("/") or path == "/":
            raise SettingError(
                message=f"{name} must hold an absolute path after chdb://, such as chdb:///var/lib/trunkline/warehouse.",
                field=name,
            )
        return Target(dsn, path, DATABASE)
    if parts.scheme in {"clickhouse", "clickhouses", "http", "https"} and parts.hostname:
        return Target(dsn, "", parts.path.strip("/") or DATABASE)
    raise SettingError(
        message=f"{name} must be chdb:///absolute/path or clickhouse://user:password@host:8123/{DATABASE}.",
        field=name,
    )
