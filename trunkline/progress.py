"""How `trunkline upgrade` asks the running `up`, and hears how it goes: two files in DATA/upgrade/.

`request.json` names the request and the Python that has the new code; SIGHUP says that it is there. `up` answers in
`<request>.jsonl`, a line of JSON a step, the last one with `done`. Files outlive the execution of the new code, and who
asked may leave without harm. Standard library alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from trunkline.datafolder import Running, keep_private
from trunkline.embedded import StartError

FIRST_ANSWER_S: Final = 30.0
LOOK_S: Final = 0.05
_FOLDER: Final = "upgrade"
_REQUEST: Final = "request.json"


class Request(NamedTuple):
    """Who asks, and by which Python the new code is run. `id` is empty for a bare SIGHUP."""

    id: str
    python: str


class Teller:
    """Tells how one upgrade goes: to the terminal of `up`, and to whoever asked."""

    def __init__(self, data: Path, request: str, say: Callable[[str], None]) -> None:
        self._path = data / _FOLDER / f"{request}.jsonl" if request else None
        self._say = say

    def step(self, part: str, state: str, text: str) -> None:
        """One thing that happened: `part` is a process, or empty; `state` one word for programs."""
        self._say(f"Upgrade: {part + ': ' if part else ''}{text}")
        self._write({"part": part, "state": state, "text": text})

    def end(self, problem: str, version: str) -> None:
        """It is over: `problem` is empty if all went well."""
        text = f"failed: {problem}" if problem else f"done; Trunkline {version} runs"
        self._say(f"Upgrade: {text}")
        self._write(
            {"part": "", "state": "failed" if problem else "done", "text": text, "done": True, "version": version}
        )

    def _write(self, told: dict[str, Any]) -> None:
        if self._path is None:
            return
        # Who asked may have gone, and a full disk is no reason to stop half-way.
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.time(), **told}, ensure_ascii=False) + "\n")


def prepare(data: Path) -> None:
    """An empty place for requests; what an `up` before us left is of no use."""
    folder = data / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.glob("*.json*"):
        left.unlink(missing_ok=True)


def take(data: Path) -> Request:
    """The request that SIGHUP announced; a bare one means the Python that we run on."""
    path = data / _FOLDER / _REQUEST
    try:
        told = json.loads(path.read_bytes())
        path.unlink()
        return Request(str(told["id"]), str(told["python"]))
    except (OSError, ValueError, KeyError):
        return Request("", sys.executable)


def as_owner(data: Path) -> Path:
    """As root: become the user whose folder `data` is, for the rest of this process; returns how to name it then.

    Root would leave files that the service can't open, follow a link that the service's user planted, and signal
    whatever process that user names. The folder may lie where only root may pass: hence the relative name. Raises
    StartError.
    """
    if os.geteuid() != 0 or not data.exists():
        return data
    try:
        os.chdir(data)
        owner = Path().stat()
    except OSError as error:
        raise StartError(f"{data} can't be used: {error.strerror}.") from error
    if owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    return Path()


def ask(data: Path, now: Running) -> Iterator[dict[str, Any]]:
    """Ask the running `up` for an upgrade to the code that runs here; yields its steps until the last.

    Raises StartError if another one is under way, if `up` can't be asked, doesn't answer or ends.
    """
    if not now.upgrades:
        raise StartError("the running `up` can't be upgraded while it runs: stop it and start this version.")
    folder = data / _FOLDER
    try:
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise StartError(f"{folder.absolute()} can't be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError("another upgrade of this system is under way; wait for its end.") from None
        request = Request(secrets.token_hex(8), sys.executable)
        steps, asked = folder / f"{request.id}.jsonl", folder / _REQUEST
        for path, text in ((steps, ""), (asked, json.dumps(request._asdict()))):
            keep_private(path, text)
        try:
            os.kill(now.pid, signal.SIGHUP)
        except PermissionError:
            raise StartError(
                f"process {now.pid} isn't of the user whose folder this is: look at running.json."
            ) from None
        try:
            yield from _follow(steps, now.pid)
        finally:
            for path in (steps, asked):
                path.unlink(missing_ok=True)


def _follow(steps: Path, pid: int) -> Iterator[dict[str, Any]]:
    deadline = time.monotonic() + FIRST_ANSWER_S
    has_answered = False
    with steps.open(encoding="utf-8") as file:
        half = ""
        while True:
            ended = not _runs(pid)
            half += file.read()
            *lines, half = half.split("\n")
            for line in lines:
                has_answered = True
                told: dict[str, Any] = json.loads(line)
                yield told
                if told.get("done"):
                    return
            if ended:
                raise StartError("`up` ended during the upgrade: see its messages.")
            if not has_answered and time.monotonic() > deadline:
                raise StartError(f"`up` (process {pid}) didn't answer within {FIRST_ANSWER_S:.0f} s: see its messages.")
            time.sleep(LOOK_S)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
