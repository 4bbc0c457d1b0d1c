"""`trunkline init` as a child: streams, buckets, tables, the first tenant."""

from __future__ import annotations

import json
import subprocess
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from trunkline.embedded import RefusedStartError, StartError, die_with_parent
from trunkline.up.parts import command

ONCE: Final = ("TRUNKLINE_ADMIN_EMAIL", "TRUNKLINE_ADMIN_PASSWORD")


class Prepared(NamedTuple):
    """What `trunkline init --json` answers: a token if there is no admin yet, the demo's agents, the log's ends."""

    invitation: str
    agents: list[dict[str, str]]
    log: dict[str, int]


def take_secrets(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Settings that are wanted once, to make the first admin, taken out of `environ`: no other process gets them."""
    return {name: environ.pop(name) for name in ONCE if name in environ}


def begin(environment: dict[str, str], *, demo: Path | None) -> subprocess.Popen[bytes]:
    """Start it; `demo` is the file that keeps the logins of the demo's agents, if there is a demo."""
    arguments = ["--demo", str(demo)] if demo else []
    return subprocess.Popen(
        command("init", "--json", *arguments),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (one thread)
    )


def finish(init: subprocess.Popen[bytes]) -> Prepared:
    """Returns once it has ended. Raises StartError if it failed."""
    output, _ = init.communicate()
    if init.returncode:
        kind = RefusedStartError if init.returncode == RefusedStartError.exit_code else StartError
        raise kind("the streams or the first tenant couldn't be made: see the message above.")
    answer: dict[str, Any] = json.loads(output)
    return Prepared(answer["invitation"], answer["agents"], answer["log"])
