"""A whole system for a test: nats-server, nodes, adapters, agents; each a real process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from backbone import directory
from backbone.directory import Agent
from backbone.settings import Common, load
from console import DIST
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.nats import NatsServer
from tests.harness.processes import STRICT, Process
from trunkline import rest
from trunkline.client import Client
from trunkline.connect import connected
from trunkline.prepare import prepare

SECRET = "a-signing-secret-for-systems-that-live-for-one-test"
PASSWORD = "correct horse battery"
TENANT, INBOX = "main", "web"

ELSEWHERE: Final = frozenset({"PYTHONPATH"})
"""Settings with which a process of ours finds other channels than this one does."""

_hashes: Final[dict[str, str]] = {}
"""Of passwords: one takes a tenth of a second of CPU."""


class Login(NamedTuple):
    """An agent of a test's system."""

    id: str
    name: str
    email: str
    password: str = PASSWORD


LIN = Login("lin", "林晓", "lin@example.com")
EMMA = Login("emma", "Emma Clarke", "emma@example.com")


class System:
    """Runs on `folder`. Start what the test needs; `end` stops all of it."""

    module = STRICT

    def __init__(self, folder: Path, *, sync: str = "10ms") -> None:
        self.folder = folder
        self.nats = NatsServer(folder, sync=sync)
        self.more: dict[str, str] = {}
        """Settings of this system beside the usual ones; set them before `start`."""
        self.nodes: list[Process] = []
        self.adapters: dict[str, Process] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The settings of each of its processes."""
        return {
            **self.nats.environment,
            "TRUNKLINE_SECRET": SECRET,
            "TRUNKLINE_PROFILE": "fast",
            # Simulators of platforms run on this machine.
            "TRUNKLINE_OUTSIDE_ALLOW": "127.0.0.0/8,::1",
            "TRUNKLINE_LOG_LEVEL": "info",
            "TRUNKLINE_LOG_FORMAT": "json",
            "TRUNKLINE_NODE_CONSOLE_DIR": str(DIST),
            "TRUNKLINE_WAREHOUSE_DSN": f"chdb://{quote(str(self.folder / 'warehouse'))}",
            **self.more,
        }

    @property
    def common(self) -> Common:
        """The same as a Struct, for tests that look into the log."""
        return load(Common, environ=self.environment)

    def start(self, *, nodes: int = 1, adapters: tuple[str, ...] = ()) -> System:
        """NATS, streams, the first tenant, then nodes and adapters side by side."""
        self.nats.start()
        if self.more.keys() & ELSEWHERE:
            answer = self.run("init", "--json")
            assert answer.returncode == 0, answer.stderr
        else:
            run_apart(self._prepare())
        self.nodes = [self._process(f"node{n}", ["node"]) for n in range(nodes)]
        self.adapters = {name: self._process(name, ["adapter", name]) for name in adapters}
        for process in (*self.nodes, *self.adapters.values()):
            process.start()
        for process in (*self.nodes, *self.adapters.values()):
            process.wait_ready()
        return self

    async def _prepare(self) -> None:
        """`trunkline init`, without the process: its imports take most of its second."""
        async with connected(self.common, "init") as link:
            await prepare(link, self.common)

    def end(self) -> None:
        """Everything stops; nodes and adapters before NATS."""
        for process in (*self.nodes, *self.adapters.values()):
            process.end()
        self.nats.stop()

    def add_agents(self, *logins: Login) -> None:
        """Make agents who can sign in."""

        async def add() -> None:
            async with connected(self.common, "test") as link:
                for login in logins:
                    hashed = _hashes[login.password] = _hashes.get(login.password) or await hash_password(
                        login.password
                    )
                    agent = Agent(id=login.id, name=login.name, email=login.email, password=hashed)
                    await directory.create_agent(link, TENANT, agent)

        run_apart(add())

    def run(self, *arguments: str, within_s: float = 60) -> subprocess.CompletedProcess[str]:
        """`trunkline ...` to its end."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRUNKLINE_")}
        return subprocess.run(
            [sys.executable, "-m", "trunkline", *arguments],
            env={**inherited, **self.environment},
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def sql(self, query: str) -> list[dict[str, Any]]:
        """What `trunkline sql` answers, as rows."""
        answer = self.run("sql", query, "--format", "json")
        assert answer.returncode == 0, answer.stderr
        rows: list[dict[str, Any]] = json.loads(answer.stdout)
        return rows

    def agent(self, login: Login, *, nodes: list[Process] | None = None, **more: Any) -> Client:
        """An agent's client, signed in at the first of `nodes`."""
        nodes = nodes or self.nodes
        answer = rest.sign_in(nodes[0].http, login.email, login.password)
        assert answer.status == 200, answer
        return Client([node.ws for node in nodes], cookie=answer.cookie, **more)

    def visitor(self, *, nodes: list[Process] | None = None, token: str = "", **more: Any) -> Client:
        """A visitor's client; the same person again with a token."""
        nodes = nodes or self.nodes
        token, _ = rest.become_visitor(nodes[0].http, INBOX, token)
        return Client([node.ws for node in nodes], token=token, **more)

    def visitor_at(self, url: str, token: str) -> Client:
        """The client of somebody who has a token, at any address, such as a proxy's."""
        return Client([url], token=token)

    def _process(self, name: str, arguments: list[str]) -> Process:
        return Process(name, arguments, self.environment, self.folder, self.module)


@contextlib.contextmanager
def running_system(
    folder: Path, *, nodes: int = 1, adapters: tuple[str, ...] = (), agents: tuple[Login, ...] = ()
) -> Iterator[System]:
    """A system for as long as the block lasts."""
    system = System(folder)
    try:
        system.start(nodes=nodes, adapters=adapters)
        system.add_agents(*agents)
        yield system
    finally:
        system.end()
