"""The processes of a system, started by the command line that production uses, killed and stopped at will."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.harness.ports import free_port
from trunkline import nats_users
from trunkline.embedded import USER, die_with_parent

STRICT = "tests.harness.strict"
"""`trunkline` under blockbuster."""

PLAIN = "trunkline"
"""As it is deployed: for what is measured."""

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 20.0


class Process:
    """One `trunkline ...` process; its output is kept in `log`."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str],
        folder: Path,
        module: str = STRICT,
    ) -> None:
        self.name = name
        self.arguments = arguments
        self.environment = {**environment, **_own(arguments, environment)}
        self.module = module
        self.log = folder / f"{name}.log"
        self.port = 0
        self.health_port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def http(self) -> str:
        """Where it answers HTTP."""
        return f"http://{self.host}:{self.port}"

    @property
    def host(self) -> str:
        """The address that a node listens on, as its settings say."""
        return self.environment.get("TRUNKLINE_NODE_HOST", "127.0.0.1")

    @property
    def health(self) -> str:
        """Where it answers for its health and metrics: of an adapter the same."""
        return f"http://127.0.0.1:{self.health_port}"

    @property
    def ws(self) -> str:
        """Where a node takes sockets."""
        return f"ws://{self.host}:{self.port}/ws"

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> Process:
        """Start it without waiting; a second start keeps the port."""
        is_node = self.arguments == ["node"]
        self.port = self.port or free_port()
        self.health_port = self.health_port or (free_port() if is_node else self.port)
        settings = {
            "TRUNKLINE_HEALTH_PORT": str(self.health_port),
            **({"TRUNKLINE_NODE_PORT": str(self.port)} if is_node else {}),
        }
        with self.log.open("ab") as log:
            self.process = start_trunkline(self.arguments, {**self.environment, **settings}, log, self.module)
        return self

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> Process:
        """Return once /readyz says so; fail with the end of its log if it dies or takes too long."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with code {self.process.returncode}:\n{self.tail()}")
            if self.ready()[0] == http.client.OK:
                return self
            time.sleep(0.02)
        raise AssertionError(f"{self.name} wasn't ready within {within_s} s: {self.ready()}\n{self.tail()}")

    def wait_listening(self, within_s: float = READY_WITHIN_S) -> Process:
        """Return once it answers at all, ready or not."""
        deadline = time.monotonic() + within_s
        while not self.ready()[0]:
            assert time.monotonic() < deadline, f"{self.name} didn't listen within {within_s} s:\n{self.tail()}"
            time.sleep(0.02)
        return self

    def ready(self) -> tuple[int, object]:
        """Status and body of /readyz; status 0 while nobody listens."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        except (OSError, ValueError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} was dead before it was killed:\n{self.tail()}"
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self, within_s: float = STOP_WITHIN_S) -> int:
        """SIGTERM; returns the exit code. Fails if it doesn't end in time."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"{self.name} didn't stop within {within_s} s:\n{self.tail()}") from None

    def end(self) -> None:
        """After a test: gone, whatever state it was in."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def tail(self, lines: int = 40) -> str:
        """The end of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


def _own(arguments: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The user of NATS of a process of ours, in place of the operator's."""
    if environment.get("TRUNKLINE_NATS_USER") != USER or arguments[0] not in {"node", "adapter"}:
        return {}
    return nats_users.credential(environment["TRUNKLINE_NATS_PASSWORD"], arguments[-1]).settings


def start_trunkline(
    arguments: list[str], environment: Mapping[str, str], output: IO[bytes] | int, module: str = STRICT
) -> subprocess.Popen[bytes]:
    """`python -m trunkline ...` with no settings but those given; it dies with us."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRUNKLINE_")}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output != subprocess.PIPE else subprocess.PIPE,
        process_group=0,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (tests start processes outside of threads)
    )
