"""A ClickHouse server of a test: started, killed, back under the same address, slow, locked, full, of another version.

No server of the version that is needed can be had from the package registries (docs/warehouse.md), so it is a
stand-in: ClickHouse's own engine behind HTTP (clickhouse_server.py). TLS, replicas and grants aren't in it.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.harness.ports import free_port
from trunkline.embedded import die_with_parent

USER = "trunkline"
PASSWORD = "secret"
_SIGN_IN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class ClickHouse:
    """One server; its tables stay in `folder` when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.faults()

    @property
    def dsn(self) -> str:
        """As a setting names it."""
        return f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{self.port}/trunkline"

    def faults(self, **faults: Any) -> None:
        """What is wrong with it from now on, in place of what was before; without arguments it is well again.

        `user`, `password`: whom it lets in. `version`: what it says it is. On statements that match `where`: `slow_s`
        before they run; `code` and `text`: they are refused.
        """
        file = self.folder / "faults.new"
        file.write_text(json.dumps({"user": USER, "password": PASSWORD, **faults}))
        file.rename(self.folder / "faults.json")

    def start(self) -> ClickHouse:
        """Returns once it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.clickhouse_server", str(self.port), str(self.folder)],
            stdout=subprocess.PIPE,
            process_group=0,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - tests start processes outside of threads
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def kill(self) -> None:
        """`kill -9`, whatever state it is in."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None

    def run(self, statement: str) -> str:
        """What it answers to a statement, of a user that may do anything."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/", statement.encode(), {"Authorization": f"Basic {_SIGN_IN}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - the same
            return str(answer.read().decode().strip())
