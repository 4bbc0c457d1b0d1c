"""A system with a proxy between any two of its processes, three tenants, ten agents and a load that is on tape."""

from __future__ import annotations

import contextlib
import http
import http.client
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from backbone import directory
from backbone.failpoints import CONSENT, CONSENTED, POINT
from backbone.settings import Common
from node.entry.passwords import hash_password
from tests.faults import history as h
from tests.faults.load import Agent, Node, Plan, Status
from tests.faults.logdump import dump, lasts, load
from tests.faults.proxy import Proxy, Wire
from tests.faults.world import Branch
from tests.harness.apart import run_apart
from tests.harness.processes import PLAIN, Process
from tests.harness.system import System
from tests.harness.up import Up
from trunkline.connect import connected
from trunkline.embedded import die_with_parent

INBOXES = {"main": "web", "acme": "acme-web", "umbrella": "umbrella-web"}
AGENTS = {"main": 4, "acme": 3, "umbrella": 3}
PASSWORD = "correct horse battery"
CAPACITY = 8
NODES = 2
RECOVERED_WITHIN_S = 60.0
ANSWERED_WITHIN_S = 15.0
"""After a fault is healed no post may be older than this: the load goes on for everybody."""

SETTINGS = {
    # A room of people who write much, from one address.
    "TRUNKLINE_NODE_VISITOR_RATE": "200",
    "TRUNKLINE_NODE_VISITOR_BURST": "400",
    "TRUNKLINE_NODE_AGENT_RATE": "200",
    "TRUNKLINE_NODE_AGENT_BURST": "400",
    "TRUNKLINE_NODE_ADDRESS_RATE": "5000",
    "TRUNKLINE_NODE_ADDRESS_BURST": "10000",
    "TRUNKLINE_NODE_VISITORS_RATE": "100000",
    "TRUNKLINE_NODE_LOGIN_ADDRESS_RATE": "10000",
    # Shorter times, so that a round is short: the mechanisms are the same.
    "TRUNKLINE_NODE_HEARTBEAT_S": "2",
    "TRUNKLINE_NODE_SILENT_S": "8",
    "TRUNKLINE_NODE_DRAIN_SPREAD_MS": "500",
    "TRUNKLINE_NODE_UNSENT_BYTES": "65536",
    "TRUNKLINE_WAREHOUSE_LEASE_S": "2",
    "TRUNKLINE_LOG_LEVEL": "info",
}


class Wired(System):
    """A system whose processes reach NATS, and whose clients reach the nodes, over the proxy's wires."""

    module = PLAIN

    def __init__(self, folder: Path, proxy: Proxy) -> None:
        super().__init__(folder)
        self.proxy = proxy
        self.more = dict(SETTINGS)

    @property
    def processes(self) -> dict[str, Process]:
        """Nodes and adapters by name."""
        return {process.name: process for process in (*self.nodes, *self.adapters.values())}

    def wires_to_nats(self) -> list[Wire]:
        """Every way to the log."""
        return [wire for name, wire in self.proxy.wires.items() if name.endswith("-nats")]

    def _process(self, name: str, arguments: list[str]) -> Process:
        process = super()._process(name, arguments)
        wire = self.proxy.wire(f"{name}-nats", ("127.0.0.1", self.nats.port))
        process.environment["TRUNKLINE_NATS_URL"] = f"nats://127.0.0.1:{wire.port}"
        return process


async def add_people(common: Common) -> list[Agent]:
    """Tenants, inboxes and agents who can sign in."""
    hashed, agents = await hash_password(PASSWORD), []
    async with connected(common, "test") as link:
        for tenant, inbox in INBOXES.items():
            await directory.create_tenant(link, tenant, tenant)
            await directory.create_inbox(link, tenant, directory.Inbox(id=inbox, channel="web", name=inbox))
            for n in range(AGENTS[tenant]):
                name = f"{tenant}-{n}"
                agents.append(Agent(tenant, name, f"{name}@example.com", PASSWORD))
                record = directory.Agent(id=name, name=name, email=agents[-1].email, password=hashed, capacity=CAPACITY)
                await directory.create_agent(link, tenant, record)
    return agents


async def dump_log(common: Common, path: Path, after: dict[str, int]) -> int:
    """Writes what the log holds after these sequences into a file; returns how many events."""
    async with connected(common, "test") as link:
        return await dump(link, path, after)


class Loading:
    """The process that makes the load, its last word on how it goes, and words to it."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.errors = folder / "load.log"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.load"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                process_group=0,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  (the proxy's thread holds no lock that a child needs)
            )
        self.status = Status(
            at=0,
            ok=0,
            fail=0,
            refused=0,
            resyncs=0,
            resent=0,
            longest_resent_s=0,
            unanswered=0,
            oldest_s=0,
            oldest="",
            sessions=0,
            live=0,
            did=[],
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._write(msgspec.json.encode(plan))

    def tell(self, word: str, within_s: float = RECOVERED_WITHIN_S) -> str:
        """A word to the load; returns what came of it, once it says so."""
        known = len(self.status.did)
        self.send(word)
        return self.until(lambda: self.said(word, known), word, within_s)

    def said(self, word: str, known: int = 0) -> str:
        """The first of what was done, after the `known` first, that begins with a word; empty if none does."""
        return next((did for did in self.status.did[known:] if did.startswith(word)), "")

    def send(self, word: str) -> None:
        """A word to the load, without waiting."""
        self._write(word.encode())

    def until(self, condition: Callable[[], str | bool], what: str, within_s: float) -> str:
        """Waits for what the load says. Fails when it dies or the time is over."""
        deadline = time.monotonic() + within_s
        while not (result := condition()):
            assert self.process.poll() is None, f"the load died:\n{self.errors.read_text()[-4000:]}"
            assert time.monotonic() < deadline, f"not within {within_s} s: {what}; {self.status}"
            time.sleep(0.02)
        return str(result)

    def end(self) -> None:
        """It leaves in order."""
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                self._write(b"end")
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def _write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def _listen(self) -> None:
        decoder = msgspec.json.Decoder(Status)
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.status = decoder.decode(line)


class Rig:
    """Everything of a run: the system, its load, its history, the futures of its log."""

    def __init__(self, folder: Path, proxy: Proxy, seed: int, *, rate: float, grace_s: int) -> None:
        self.folder = folder
        self.proxy = proxy
        self.seed = seed
        self.system = Wired(folder, proxy)
        self.system.more["TRUNKLINE_ROUTING_GONE_S"] = str(grace_s)
        self.recorder = h.Recorder(folder / "rig.history")
        self.branches: list[Branch] = []
        self.since = h.now()
        self._rate = rate
        self.loading: Loading

    def start(self) -> None:
        """The system, with nobody in it."""
        self.system.start(nodes=NODES, adapters=("routing", "warehouse"))
        self.agents = run_apart(add_people(self.system.common))

    def begin(self) -> None:
        """The load, up to when it goes on for everybody."""
        system, proxy = self.system, self.proxy
        doors = [proxy.wire(f"clients-{node.name}", ("127.0.0.1", node.port)) for node in system.nodes]
        slow = proxy.wire("slow-reader", ("127.0.0.1", system.nodes[0].port), window_bytes=8192)
        self.plan = Plan(
            seed=self.seed,
            history=str(self.folder / "load.history"),
            nodes=[_door(wire) for wire in doors],
            inboxes=INBOXES,
            agents=self.agents,
            visitors=50,
            rate=self._rate,
            slow=_door(slow),
        )
        self.loading = Loading(self.plan, self.folder)
        people = self.plan.visitors + len(self.agents)
        self.loading.until(lambda: self.loading.status.live >= people // 2, "the load began", RECOVERED_WITHIN_S)

    def end(self) -> None:
        """All of it stops."""
        if hasattr(self, "loading"):
            self.loading.end()
        for wire in self.proxy.wires.values():
            wire.heal()
        self.system.end()
        self.recorder.close()

    # --- faults' tools --------------------------------------------------------------------------

    def die_at(self, process: Process, point: str, nth: int, within_s: float = 60.0) -> str:
        """Starts a process that kills itself at a point, waits until it has, and starts it whole again."""
        process.environment |= {POINT: f"{point}:{nth}", CONSENT: CONSENTED}
        try:
            before = process.log.stat().st_size if process.log.exists() else 0
            process.start()
            assert process.process is not None
            try:
                code = process.process.wait(within_s)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{process.name} never reached {point}:\n{process.tail()}") from None
        finally:
            del process.environment[POINT], process.environment[CONSENT]
        said = process.log.read_bytes()[before:].decode(errors="replace")
        assert code == -9, f"{process.name} ended with {code}:\n{process.tail()}"
        assert f'"name": "{point}"' in said, f"{process.name} didn't die at {point}:\n{process.tail()}"
        process.start()
        return f"{process.name} killed itself at {point}, reach {nth}"

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """The log can't be reached by anybody, and what `/readyz` says meanwhile is on tape; healed afterwards."""
        for wire in self.system.wires_to_nats():
            wire.refuse()
        since = h.now()
        yield
        self._probe(since)
        self.recorder.write(h.Outage(since, h.now()))
        for wire in self.system.wires_to_nats():
            wire.heal()

    def _probe(self, since: float) -> None:
        """Asks every node whether it is ready, once they can know better."""
        time.sleep(max(0.0, since + 1.5 - h.now()))
        for node in self.system.nodes:
            status, _ = node.ready()
            self.recorder.write(h.Probed(h.now(), node.name, ready=status == 200))

    def copy_of_the_log(self) -> tuple[Path, dict[str, int]]:
        """A copy of the store, and where each stream ended in it."""
        store, copy = self.folder / "nats", self.folder / "copy"
        with self.outage():
            self.system.nats.stop()
            shutil.copytree(store, copy)
            self.system.nats.start()
            cut = self.lasts()
        return copy, cut

    def put_back(self, copy: Path, cut: dict[str, int]) -> int:
        """The log becomes the copy; what it loses by that is kept as a branch. Returns how many events."""
        store, nats = self.folder / "nats", self.system.nats
        with self.outage():
            until = h.now()
            nats.kill()
            nats.start()
            tail = self.folder / f"tail-{len(self.branches)}.log"
            lost = run_apart(dump_log(self.system.common, tail, cut))
            nats.kill()
            shutil.rmtree(store)
            copy.rename(store)
            nats.start()
            self.branches.append(Branch(self.since, until, cut, load(tail)))
            self.since = h.now()
        return lost

    def whole_log(self) -> list[Branch]:
        """Every future of the log, the one that came to be last."""
        path = self.folder / "whole.log"
        run_apart(dump_log(self.system.common, path, dict.fromkeys(self.system.common.log_streams(), 0)))
        return [*self.branches, Branch(self.since, float("inf"), {}, load(path))]

    def lasts(self) -> dict[str, int]:
        """Where each stream of the log ends now."""
        return run_apart(self._lasts())

    async def _lasts(self) -> dict[str, int]:
        async with connected(self.system.common, "test") as link:
            return await lasts(link, self.system.common.log_streams())

    # --- what must come back --------------------------------------------------------------------

    def recovered(self) -> float:
        """Every node is ready and every client is answered again; returns after how long."""
        began = time.monotonic()
        self.revive()
        for node in self.system.nodes:
            node.wait_ready(RECOVERED_WITHIN_S)
        ok = self.loading.status.ok
        self.loading.until(lambda: self.loading.status.ok > ok + 20, "posts are answered", RECOVERED_WITHIN_S)
        self.loading.until(
            lambda: self.loading.status.oldest_s < ANSWERED_WITHIN_S, "nobody waits for an answer", RECOVERED_WITHIN_S
        )
        return time.monotonic() - began

    def adapters_ready(self) -> None:
        """Routing and the warehouse work: they may have waited for a dead one's lease."""
        deadline = time.monotonic() + RECOVERED_WITHIN_S
        while not all(process.ready()[0] == http.HTTPStatus.OK for process in self.system.adapters.values()):
            assert time.monotonic() < deadline, {n: p.tail(20) for n, p in self.system.adapters.items()}
            self.revive()
            time.sleep(0.1)

    def revive(self) -> None:
        """Starts an adapter again that left since it lost its lease, as `up` would. Nothing else may end by itself."""
        for name, process in self.system.processes.items():
            if process.process is None or process.process.poll() is None:
                continue
            said = process.tail(80)
            lost_its_lease = "lease_lost" in said or "warehouse.fenced" in said
            assert lost_its_lease, f"{name} ended by itself with {process.process.returncode}:\n{said}"
            process.start()


def metric(process: Process | Up, name: str) -> float:
    """One figure of a process, or of the node under `up`; 0 if it isn't there."""
    connection = http.client.HTTPConnection("127.0.0.1", process.health_port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        found = re.search(
            rf'^{name}(?:{{process="node"}})? (\S+)$', connection.getresponse().read().decode(), re.MULTILINE
        )
    finally:
        connection.close()
    return float(found[1]) if found else 0.0


def _door(wire: Wire) -> Node:
    return Node(f"http://127.0.0.1:{wire.port}", f"ws://127.0.0.1:{wire.port}/ws")
