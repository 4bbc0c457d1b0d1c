"""The files of deploy/proxy before two nodes that are killed, stopped, started and come back under other addresses."""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import itertools
import json
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.harness import dns as naming
from tests.harness.dns import Dns
from tests.harness.ports import free_port
from tests.harness.prober import probing
from tests.harness.processes import Process
from tests.harness.proxies import KINDS, Where, proxy
from tests.harness.system import LIN, System
from trunkline import rest

pytestmark = [pytest.mark.rest, pytest.mark.timeout(180)]

MIB = 1024 * 1024
KNOWN_S = 5.0
"""A proxy has asked again for the nodes' addresses by then: 2 s, and as much again where it was just asked."""


class Nodes:
    """Two nodes on one port, each on a loopback address of its own, known by one name."""

    def __init__(self, system: System, dns: Dns) -> None:
        self.system = system
        self.dns = dns
        self.port = free_port()
        self.running: list[Process] = []
        self._hosts = (f"127.0.0.{last}" for last in itertools.count(11))

    def add(self) -> Process:
        """A node at an address that none had before, ready and known by the name."""
        host = str(ipaddress.ip_address(next(self._hosts)))
        node = Process(
            f"node-{host}", ["node"], {**self.system.environment, "TRUNKLINE_NODE_HOST": host}, self.system.folder
        )
        node.port = self.port
        self.running.append(node)
        node.start().wait_ready()
        self._tell()
        return node

    def forget(self, node: Process) -> None:
        """The name leads there no longer."""
        self.running.remove(node)
        self._tell()

    def _tell(self) -> None:
        self.dns.addresses = tuple(node.host for node in self.running)


class Before(NamedTuple):
    """A proxy and what is behind it."""

    kind: str
    where: Where
    nodes: Nodes
    system: System


@pytest.fixture(scope="module", params=KINDS)
def before(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    kind: str = request.param
    folder = tmp_path_factory.mktemp(kind)
    system = System(folder)
    system.more = {"TRUNKLINE_NODE_VISITORS_RATE": "6000", "TRUNKLINE_NODE_DRAIN_SPREAD_MS": "500"}
    with naming.serving() as dns:
        nodes = Nodes(system, dns)
        try:
            system.start(nodes=0)
            system.add_agents(LIN)
            nodes.add()
            nodes.add()
            with proxy(kind, folder, node_port=nodes.port, dns_port=dns.port) as where:
                _is_through(where)
                yield Before(kind, where, nodes, system)
        finally:
            for node in nodes.running:
                node.end()
            system.end()


def test_nobody_sees_an_error_while_nodes_are_killed_stopped_and_come_back_elsewhere(before: Before) -> None:
    """177 of 1,000 probes got 502 when a node came back under a new address: nginx had resolved its name once."""
    url = f"{before.where.http}/api/v1/inboxes/web/widget"
    is_over = threading.Event()
    token, _ = rest.become_visitor(before.where.http, "web", "")
    # The visitor is in a thread, and who starts nodes isn't: they die with the thread that started them.
    with ThreadPoolExecutor(1) as beside, probing(url, pause_s=0.01) as prober:
        talk = beside.submit(asyncio.run, _talk(before, token, is_over))
        try:
            _upset(before.nodes)
        finally:
            is_over.set()
        texts, connects = talk.result(60)
    assert texts[0] == "message 0"
    assert len(texts) == len(set(texts)) > 100
    assert connects > 1
    assert len(prober.probes) > 300
    assert prober.problems == []
    assert prober.worst_s < 10


async def _talk(before: Before, token: str, is_over: threading.Event) -> tuple[list[str], int]:
    """A visitor writes all the while, over sockets that end and are made anew; what came back, and how many sockets."""
    async with before.system.visitor_at(before.where.ws, token).running() as visitor:
        conv = str((await visitor.send("message 0"))["conv"])
        shown = await visitor.subscribe(conv)
        for number in itertools.count(1):
            last = await visitor.send(f"message {number}", conv)
            if is_over.is_set():
                break
            await asyncio.sleep(0.05)
        deadline = time.monotonic() + 20
        while shown.mark is None or shown.mark[1] < last["seq"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        return [e.event["text"] for e in shown.events if e.event["type"] == "message.added"], visitor.connects


def _upset(nodes: Nodes) -> None:
    """Each node once: killed and back where it was; told to leave and back; gone and back at another address."""
    for node in list(nodes.running):
        node.kill()
        _pass(1)
        node.start().wait_ready()
        _pass(2)
        node.stop()
        _pass(1)
        node.start().wait_ready()
        _pass(2)
    for node in list(nodes.running):
        nodes.add()
        _pass(KNOWN_S)
        nodes.forget(node)
        node.kill()
        _pass(2)


def _pass(seconds: float) -> None:
    """The prober looks at what is so now; there is nothing else to wait for."""
    time.sleep(seconds)


def test_a_node_is_told_who_asks_and_that_it_was_by_https_and_believes_no_client(before: Before) -> None:
    context = ssl.create_default_context(cafile=str(before.where.certificate))
    body = json.dumps({"email": LIN.email, "password": LIN.password})
    forged = {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "http", "Content-Type": "application/json"}
    secure = http.client.HTTPSConnection("127.0.0.1", before.where.tls_port, context=context, timeout=30)
    secure.request("POST", "/api/v1/session", body, forged)
    answer = secure.getresponse()
    assert answer.status == 200, answer.read()
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tl=")
    assert "Secure" in cookie
    secure.close()
    # Without TLS nobody makes it one of HTTPS by saying so.
    plain = rest.call(
        "POST", f"{before.where.http}/api/v1/session", json.loads(body), headers={"X-Forwarded-Proto": "https"}
    )
    assert plain.cookie.startswith("tl=")


def test_a_file_goes_through_whole_and_what_is_too_large_is_refused_by_the_node(before: Before) -> None:
    _, token = _visitor(before)
    status, body = _upload(before, token, 20 * MIB)
    assert status in {200, 201}, body
    status, body = _upload(before, token, 21 * MIB)
    assert (status, json.loads(body)["code"]) == (413, "file.too_large")
    # Far too large isn't carried through.
    assert _upload(before, token, 30 * MIB)[0] in {413, 0}


def test_metrics_are_behind_no_proxy(before: Before) -> None:
    assert rest.call("GET", f"{before.where.http}/metrics").status == 404


def _visitor(before: Before) -> tuple[str, str]:
    token, contact = rest.become_visitor(before.where.http, "web", "")
    return contact, token


def _upload(before: Before, token: str, size: int) -> tuple[int, bytes]:
    """Status and body; 0 where the proxy cut the line while the body was still on its way."""
    connection = http.client.HTTPConnection("127.0.0.1", before.where.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    try:
        connection.request("POST", "/api/v1/files?name=some.bin", b"x" * size, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (BrokenPipeError, ConnectionResetError):
        return 0, b""
    finally:
        connection.close()


def _is_through(where: Where) -> None:
    """The proxy has found the nodes."""
    deadline = time.monotonic() + 20
    while (answer := rest.call("GET", f"{where.http}/readyz")).status != 200:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
