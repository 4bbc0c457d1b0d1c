"""What an operator watches is in /metrics after a conversation or two, under labels that are bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from tests.harness.processes import Process
from tests.harness.series import Series, series
from tests.harness.system import LIN, System, running_system
from trunkline import rest

pytestmark = pytest.mark.timeout(120)

MESSAGES = 40


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("series")
    with running_system(folder, adapters=("routing", "warehouse"), agents=(LIN,)) as running:
        asyncio.run(_talk(running))
        yield running


async def _talk(system: System) -> None:
    """A visitor waits until an agent comes; they write to each other and leave."""
    async with system.visitor().running() as visitor:
        conv = str((await visitor.send("hello?"))["conv"])
        await visitor.subscribe(conv)
        async with system.agent(LIN).running() as lin:
            shown = await lin.subscribe(conv)
            for number in range(MESSAGES):
                await (lin if number % 2 else visitor).send(f"message {number}", conv)
            deadline = time.monotonic() + 30
            while len(shown.events) < MESSAGES:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
            # While the agent is here: who has left before routing came to it is given nothing.
            await asyncio.to_thread(_when, system.adapters["routing"], "trunkline_routing_wait_seconds_count", 1)


def test_pushes_are_timed_from_the_log_to_the_socket(system: System) -> None:
    found = series(system.nodes[0].health)
    timed = found.value("trunkline_node_push_seconds_count")
    assert 1 <= timed <= MESSAGES / 2
    assert found.value("trunkline_node_push_seconds_sum") / timed < 1


def test_sockets_are_counted_by_the_code_that_ended_them(system: System) -> None:
    for code in (4999, 1000):
        asyncio.run(_close_with(system, code))
    found = _when(system.nodes[0], "trunkline_node_sockets_closed_total", 1, code="1000")
    assert found.value("trunkline_node_sockets_closed_total", code="other") == 1
    assert "4999" not in found.labels("trunkline_node_sockets_closed_total", "code")


async def _close_with(system: System, code: int) -> None:
    async with system.visitor().running() as visitor:
        assert visitor._socket is not None
        await visitor._socket.close(code)


def test_requests_are_counted_by_templates_of_routes_and_statuses(system: System) -> None:
    node = system.nodes[0]
    for path in ("/files/who-knows", "/files/another", "/no/such/path", "/w.php", "/healthz"):
        rest.call("GET", node.http + path)
    rest.call("PROPFIND", node.http + "/healthz")
    found = series(node.health)
    counted = "trunkline_http_requests_total"
    assert found.value(counted, method="GET", route="/files/{signed}", status="404") >= 2
    assert found.value(counted, method="GET", route="none", status="404") >= 2
    assert found.value(counted, method="POST", route="/api/v1/session", status="200") >= 1
    assert found.value(counted, method="other", route="/healthz", status="405") == 1
    assert found.value("trunkline_http_request_seconds_count", route="/files/{signed}") >= 2
    assert not [route for route in found.labels(counted, "route") if "who-knows" in route or "php" in route]


def test_who_waited_in_the_queue_is_measured_and_who_waits_now_is_told(system: System) -> None:
    routing = system.adapters["routing"]
    found = series(routing.health)
    assert found.value("trunkline_routing_wait_seconds_count") == 1
    assert found.value("trunkline_routing_oldest_waiting_seconds") == 0
    asyncio.run(_say(system, "is anybody there?"))
    assert _when(routing, "trunkline_routing_oldest_waiting_seconds", 0.1).value("trunkline_routing_queue") == 1


async def _say(system: System, text: str) -> None:
    async with system.visitor().running() as visitor:
        await visitor.send(text)


def test_the_holders_of_leases_are_told(system: System) -> None:
    assert series(system.adapters["routing"].health).value("trunkline_leases_held", lease="routing.0") == 1
    assert series(system.adapters["warehouse"].health).value("trunkline_leases_held", lease="warehouse.main") == 1


def test_every_process_tells_its_version_and_how_late_its_loop_is(system: System) -> None:
    for process in (*system.nodes, *system.adapters.values()):
        found = _when(process, "trunkline_event_loop_lag_seconds_count", 1)
        assert len(found.labels("trunkline_build_info", "version")) == 1


def _when(process: Process, name: str, least: float, **labels: str) -> Series:
    """The series once that one has come to `least`."""
    return _once(process, lambda found: found.value(name, **labels) >= least)


def _once(process: Process, holds: Callable[[Series], bool], within_s: float = 20) -> Series:
    deadline = time.monotonic() + within_s
    while True:
        found = series(process.health)
        try:
            if holds(found):
                return found
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, found.text
        time.sleep(0.05)
