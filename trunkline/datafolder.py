"""The folder of `trunkline up`: its lock, its secrets, and how the other commands find the running system.

    DATA/lock            held while `up` runs
    DATA/secret/         signing, nats: made once, readable by their owner alone
    DATA/nats/           the log
    DATA/warehouse/      ClickHouse
    DATA/schema.json     of the data, and the release that raised it
    DATA/running.json    ports of the running system
    DATA/children.json   how each child ended last
    DATA/upgrade/        what `trunkline upgrade` and the running `up` tell each other

Standard library alone, since `trunkline up` must be quick.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from backbone import private, schema
from trunkline.embedded import USER, RefusedStartError, StartError

DEFAULT: Final = Path("data")
"""Where `up` keeps its data when nobody says otherwise."""

_RUNNING: Final = "running.json"
_SCHEMA: Final = "schema.json"
"""Beside the log: a release that mustn't touch the data must not even start its nats-server on it."""


class Running(NamedTuple):
    """What a running `trunkline up` tells the other commands."""

    pid: int
    nats_port: int
    node_port: int
    profile: str
    upgrades: bool = False
    """Whether SIGHUP upgrades it; one that knows nothing of that would die of it."""


@contextlib.contextmanager
def locked(data: Path, say: Callable[[str], None] = print) -> Iterator[int]:
    """Hold `data` for one `trunkline up`, closed to others; yields the lock's descriptor.

    Raises StartError if another one holds it, or if it is somebody else's and open.
    """
    import fcntl  # noqa: PLC0415  (not on Windows, where `up` isn't offered)

    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        close_to_others(data, say)
        handle = (data / "lock").open("a+")
    except OSError as error:
        raise StartError(f"The data folder {data} can't be used: {error.strerror}. Give another by --data.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            pid = handle.read().strip() or "unknown"
            raise StartError(
                f"{data} is in use by another `trunkline up` (process {pid}). Stop that one, or give --data DIR."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield handle.fileno()


def close_to_others(data: Path, say: Callable[[str], None]) -> None:
    """Close a folder that was there and is open. Raises StartError where it is somebody else's, OSError."""
    try:
        if private.close_to_others(data):
            say(f"{data} was open to other users of this machine; now it is ours alone (mode 0700)")
    except private.OpenFolderError as error:
        raise StartError(f"The data folder {error}") from error


def secret(data: Path, name: str) -> Path:
    """The file of a secret, made on first use: 32 random bytes, URL-safe, mode 0600."""
    folder = data / "secret"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    if not path.exists():
        keep_private(path, secrets.token_urlsafe(32))
    return path


def keep_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(path)


def say_running(data: Path, running: Running) -> None:
    """Leave word of the ports for `sql`, `doctor` and `init`."""
    keep_private(data / _RUNNING, json.dumps(running._asdict()))


def refuse_newer(data: Path) -> None:
    """Raises StartError where a newer release has worked on `data`, before anything is opened there."""
    try:
        marks = json.loads((data / _SCHEMA).read_bytes())
    except (OSError, ValueError):
        return
    if isinstance(marks, dict) and (problem := schema.newer(str(data), {k: str(v) for k, v in marks.items()})):
        raise RefusedStartError(problem)


def note_schema(data: Path) -> None:
    """This version has worked on `data`: streams and buckets are of its schema."""
    keep_private(data / _SCHEMA, json.dumps(schema.marks()))


def forget_running(data: Path) -> None:
    """The system has stopped."""
    (data / _RUNNING).unlink(missing_ok=True)


def running(data: Path) -> Running | None:
    """What runs on `data`, None if nothing does: a killed `up` leaves its word behind."""
    try:
        told = json.loads((data / _RUNNING).read_bytes())
        # A newer `up` may tell more than we know.
        now = Running(**{name: value for name, value in told.items() if name in Running._fields})
        os.kill(now.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return now


def need_running(data: Path, named: Path | None = None) -> Running:
    """What runs on `data`, which the person has `named` otherwise, perhaps. Raises StartError if nothing does."""
    now = running(data)
    if now is None:
        named = named or data
        raise StartError(f"Nothing runs on {named}: start it by `trunkline up --data {named}`.")
    return now


def environment(data: Path, now: Running) -> dict[str, str]:
    """The settings by which any process of Trunkline joins the system that runs on `data`."""
    return {
        "TRUNKLINE_NATS_URL": f"nats://127.0.0.1:{now.nats_port}",
        "TRUNKLINE_NATS_USER": USER,
        "TRUNKLINE_NATS_PASSWORD_FILE": str(secret(data, "nats").absolute()),
        "TRUNKLINE_SECRET_FILE": str(secret(data, "signing").absolute()),
        "TRUNKLINE_PROFILE": now.profile,
        "TRUNKLINE_WAREHOUSE_DSN": warehouse_dsn(data),
    }


def warehouse_dsn(data: Path) -> str:
    """Where the embedded warehouse of `data` is."""
    return f"chdb://{quote(str((data / 'warehouse').absolute()))}"


def joined(data: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a command that talks to a system.

    `data` given: the system that runs there, or StartError. Not given: whatever the settings say; if they name
    no NATS, the system in ./data, if one runs there.
    """
    if data is not None:
        return {**_without_nats(environ), **environment(data, need_running(data))}
    if "TRUNKLINE_NATS_URL" in environ or "TRUNKLINE_CONFIG" in environ:
        return dict(environ)
    now = running(DEFAULT)
    return {**_without_nats(environ), **environment(DEFAULT, now)} if now else dict(environ)


def _without_nats(environ: Mapping[str, str]) -> dict[str, str]:
    names = ("TRUNKLINE_NATS_", "TRUNKLINE_SECRET")
    return {name: value for name, value in environ.items() if not name.startswith(names)}
