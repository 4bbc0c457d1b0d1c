"""Settings: frozen Structs read from the environment and one TOML file; the environment wins.

Field `dsn` of section `warehouse` is `TRUNKLINE_WAREHOUSE_DSN`, or `dsn` under `[warehouse]` in the
file that `TRUNKLINE_CONFIG` names. `<NAME>_FILE` names a file that holds the value, for secrets.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from backbone.errors import SettingError
from backbone.space import MIB, Marks

PREFIX = "TRUNKLINE_"
CONFIG = PREFIX + "CONFIG"
SECRET_MIN = 32

T = TypeVar("T", bound=Struct)


class Common(Struct, frozen=True, kw_only=True):
    """What every process reads."""

    nats_url: Annotated[str, Meta(description="Address of NATS; several, comma-separated.")] = "nats://127.0.0.1:4222"
    nats_user: Annotated[str, Meta(description="User of NATS, if it asks for one.")] = ""
    nats_password: Annotated[str, Meta(description="Password of NATS.", extra_json_schema={"secret": True})] = ""
    secret: Annotated[
        str,
        Meta(
            description="Signs visitors' tokens and file links; at least 32 characters, the same in every process.",
            extra_json_schema={"secret": True},
        ),
    ] = ""
    old_secrets: Annotated[
        str,
        Meta(
            description="Other values of the secret, comma-separated: what they signed still counts, what they sealed "
            "can still be read, for as long as they stand here.",
            extra_json_schema={"secret": True},
        ),
    ] = ""
    streams: Annotated[str, Meta(description="Streams of the log that are open for new conversations.")] = (
        "00,01,02,03,04,05,06,07"
    )
    replicas: Annotated[
        int, Meta(ge=0, le=5, description="Copies of each stream on making it; 0: 3 in a cluster, else 1.")
    ] = 0
    files_bytes: Annotated[
        int, Meta(ge=1024**2, description="Most bytes of all files; the log keeps the rest of the disk.")
    ] = 20 * 1024**3
    profile: Annotated[
        Literal["synced", "fast", "cluster"],
        Meta(description="What acknowledged means: synced to disk, synced within 10 ms, or on a majority of servers."),
    ] = "synced"
    log_dir: Annotated[
        str,
        Meta(
            description="Folder of nats-server's store where it is on this machine: its disk is watched. Elsewhere "
            "`trunkline nats run` tells."
        ),
    ] = ""
    disk_low_percent: Annotated[
        float, Meta(ge=0, le=50, description="Of the log's disk: with less free no files are taken.")
    ] = 5.0
    disk_low_mib: Annotated[
        int, Meta(ge=0, description="The same in MiB; the smaller of the two counts, and never less than 64 MiB.")
    ] = 2048
    disk_full_percent: Annotated[
        float, Meta(ge=0, le=50, description="Of the log's disk: with less free no messages are taken (`log.full`).")
    ] = 2.0
    disk_full_mib: Annotated[
        int, Meta(ge=0, description="The same in MiB; the smaller of the two counts, and never less than 32 MiB.")
    ] = 512
    outside_allow: Annotated[
        str,
        Meta(
            description="Private networks that accounts of tenants may lead to, comma-separated, such as 10.1.0.0/16. "
            "Public addresses are allowed always."
        ),
    ] = ""
    log_format: Annotated[
        Literal["auto", "json", "console"],
        Meta(description="auto is console in a terminal and json elsewhere."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least level that is logged.")
    ] = "info"
    health_host: Annotated[
        str, Meta(description="Address of the port of /healthz, /readyz and /metrics; only scrapers should reach it.")
    ] = "127.0.0.1"
    health_port: Annotated[
        int,
        Meta(
            ge=-1,
            le=65535,
            description="Port of the same: of this process, and under `trunkline up` of all processes together. "
            "0 serves none; -1 takes a free one and tells whoever started the process.",
        ),
    ] = 0
    still_s: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds after which a process of which nothing gets on, though work waits, isn't ready.",
        ),
    ] = 60.0
    drain_s: Annotated[float, Meta(ge=0, le=600, description="Seconds a leaving process may take to finish.")] = 10.0
    hung_s: Annotated[
        float,
        Meta(
            ge=2,
            le=600,
            description="Seconds of silence after which `up` takes a process for hung, ends it and starts it again.",
        ),
    ] = 30.0
    first: Annotated[
        bool,
        Meta(description="True where nats-server was started just before and no other process runs yet: `up` says so."),
    ] = False
    report_fd: Annotated[
        int, Meta(ge=-1, description="Pipe on which a parent is told what the process does; -1 for none.")
    ] = -1

    def log_streams(self) -> list[str]:
        """The two-digit names of the open streams. Raises SettingError if one isn't."""
        names = [part.strip() for part in self.streams.split(",") if part.strip()]
        if not names or any(len(n) != 2 or not n.isdigit() for n in names) or len(names) > 100:
            raise SettingError(
                message=f"{PREFIX}STREAMS is {self.streams!r}; give two digits each, such as 00,01.",
                field="streams",
            )
        return sorted(set(names))

    def disk_marks(self) -> Marks:
        """Below which a disk is low and full."""
        return Marks(self.disk_low_percent, self.disk_low_mib * MIB, self.disk_full_percent, self.disk_full_mib * MIB)

    def copies(self) -> int:
        """Replicas of a stream that is made now."""
        return self.replicas or (3 if self.profile == "cluster" else 1)

    def secrets(self) -> list[str]:
        """The secret that signs and seals, then earlier ones. Raises SettingError if one is missing or short."""
        earlier = [part.strip() for part in self.old_secrets.split(",") if part.strip()]
        if any(len(one) < SECRET_MIN for one in earlier):
            raise SettingError(
                message=f"{PREFIX}OLD_SECRETS holds a secret of less than {SECRET_MIN} characters; what it signs "
                "would count.",
                field="old_secrets",
            )
        return [self.need_secret(), *earlier]

    def need_secret(self) -> str:
        """The signing secret. Raises SettingError if it is missing or short."""
        if len(self.secret) < SECRET_MIN:
            raise SettingError(
                message=f"{PREFIX}SECRET must have at least {SECRET_MIN} characters; "
                f"set it, or {PREFIX}SECRET_FILE, to the same value for every process.",
                field="secret",
            )
        return self.secret


def load(kind: type[T], section: str = "", environ: Mapping[str, str] | None = None) -> T:
    """`kind` filled from the environment and the TOML file.

    Raises SettingError that names the variable, what is wrong and the fix.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    in_file = _table(environ, section)
    for field in msgspec.structs.fields(kind):
        if field.name in in_file:
            values[field.name] = in_file[field.name]
        name = variable(section, field.name)
        if name in environ:
            values[field.name] = environ[name]
        elif name + "_FILE" in environ:
            values[field.name] = _content(name + "_FILE", environ[name + "_FILE"])
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise _explain(kind, section, values, str(wrong)) from None


def variable(section: str, field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + (f"{section}_{field}" if section else field).upper()


def redacted(settings: Struct) -> dict[str, Any]:
    """The settings as they may be shown: secrets that are set read `***`."""
    secret = {
        name
        for name, prop in msgspec.json.schema_components([type(settings)])[1][type(settings).__name__][
            "properties"
        ].items()
        if prop.get("secret")
    }
    return {k: "***" if k in secret and v else v for k, v in msgspec.structs.asdict(settings).items()}


def _table(environ: Mapping[str, str], section: str) -> dict[str, Any]:
    path = environ.get(CONFIG)
    if not path:
        return {}
    try:
        table = tomllib.loads(_content(CONFIG, path))
    except tomllib.TOMLDecodeError as wrong:
        raise SettingError(message=f"{path} isn't TOML: {wrong}.", field=CONFIG) from None
    part = table.get(section, {}) if section else table
    if not isinstance(part, dict):
        raise SettingError(message=f"[{section}] in {path} must be a table.", field=section)
    return part


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as wrong:
        raise SettingError(message=f"{name} names {path}, which can't be read: {wrong.strerror}.", field=name) from None


def _explain(kind: type[Struct], section: str, values: dict[str, Any], problem: str) -> SettingError:
    for field in msgspec.structs.fields(kind):
        if f"`$.{field.name}`" in problem:
            name = variable(section, field.name)
            reason = problem.partition(" - at ")[0]
            value = values.get(field.name)
            return SettingError(message=f"{name} is {value!r}: {reason}.", field=name)
    return SettingError(message=problem, field=section or None)
