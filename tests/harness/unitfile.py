"""Unit files of systemd: read as it reads them, and their commands run as they stand there, in folders of a test."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
PROGRAM = "/opt/trunkline/bin/trunkline"


class Unit(NamedTuple):
    """A unit: each setting with its values, in their order."""

    name: str
    settings: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        """The value that counts: the last."""
        return self.settings[name][-1]


def read(name: str) -> Unit:
    """One of those that are shipped."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return Unit(name, found)


class Place(NamedTuple):
    """Where a test runs them: `root` stands for the machine's own, and `changes` are put in place of what stands there.

    /etc/trunkline is `root`/etc, states are below `root`/state, credentials below `root`/credentials.
    """

    root: Path
    changes: Mapping[str, str]

    def start(self, unit: Unit, instance: str = "", more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """The unit's command with its environment, credentials and folder of state; `more` is what systemd adds."""
        credentials = self.root / "credentials" / f"{unit.name}{instance}"
        credentials.mkdir(parents=True, exist_ok=True)
        for state in unit.settings.get("StateDirectory", ()):
            (self.root / "state" / state).mkdir(mode=0o700, parents=True, exist_ok=True)
        for line in unit.settings.get("LoadCredential", ()):
            name, _, source = self._filled(line, credentials, instance).partition(":")
            (credentials / name).write_bytes(
                (self.root / "etc" / Path(source).relative_to("/etc/trunkline")).read_bytes()
            )
        environment = {n: v for n, v in os.environ.items() if not n.startswith("TRUNKLINE_")}
        for line in unit.settings.get("Environment", ()):
            pairs = (word.partition("=") for word in shlex.split(self._filled(line, credentials, instance)))
            environment |= {name: value for name, _, value in pairs}
        words = shlex.split(self._filled(unit.one("ExecStart"), credentials, instance))
        with (self.root / f"{unit.name}{instance}.log").open("ab") as log:
            return subprocess.Popen(
                words,
                env={**environment, **(more or {})},
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def said(self, unit: Unit, instance: str = "") -> str:
        """What it wrote."""
        return (self.root / f"{unit.name}{instance}.log").read_text()

    def _filled(self, text: str, credentials: Path, instance: str) -> str:
        filled = {
            "%d": str(credentials),
            "${CREDENTIALS_DIRECTORY}": str(credentials),
            "%S": str(self.root / "state"),
            "%i": instance,
            PROGRAM: str(Path(sys.executable).parent / "trunkline"),
            **self.changes,
        }
        for before, after in filled.items():
            text = text.replace(before, after)
        return text
