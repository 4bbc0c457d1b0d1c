"""`trunkline up`, started as a person starts it, and what it said."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.machine import children, name_of
from tests.harness.ports import free_port
from trunkline.embedded import die_with_parent


class Up:
    """A running `trunkline up` and what it said. It runs in `folder`, where no checkout is found by chance."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: dict[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.http = f"http://127.0.0.1:{self.port}"
        self.health_port = int((environment or {}).get("TRUNKLINE_HEALTH_PORT", "0"))
        self.output = folder / "output"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRUNKLINE_")}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [python, "-P", "-m", "trunkline", "up", "--data", str(self.data), "--port", str(self.port), *arguments],
                env={**inherited, **(environment or {})},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  (tests start processes outside of threads)
            )

    def wait_ready(self, within_s: float = 60) -> Up:
        """Until its banner says so."""
        deadline = time.monotonic() + within_s
        while "Ready after" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self

    def said(self) -> str:
        """Everything on its terminal."""
        return self.output.read_text()

    def child(self, name: str) -> int:
        """The process that does one job."""
        return self.family()[name]

    def family(self) -> dict[str, int]:
        """Every child by its job."""
        return {name_of(pid): pid for pid in children(self.process.pid)}

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextlib.contextmanager
def up(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None, python: str = sys.executable
) -> Iterator[Up]:
    """A system for as long as the block lasts."""
    running = Up(folder, *arguments, environment=environment, python=python)
    try:
        yield running.wait_ready()
    finally:
        if running.process.poll() is None:
            running.stop()


def trunkline(*arguments: str, python: str = sys.executable, within_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Another command, to its end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRUNKLINE_")}
    command = [python, "-P", "-m", "trunkline", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=inherited, timeout=within_s, check=False)
