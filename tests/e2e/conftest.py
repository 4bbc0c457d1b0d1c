"""One system and one browser for all journeys; each journey has its own people and conversations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from console import build
from tests.e2e.company import make
from tests.harness.browser import People, chromium
from tests.harness.hostpage import host_page
from tests.harness.platforms import Platforms, platforms
from tests.harness.system import EMMA, LIN, System, running_system

expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser on a busy machine takes its time."""
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A node with the console, routing and the warehouse; 林晓 and Emma can sign in."""
    build.ensure()
    with running_system(
        tmp_path_factory.mktemp("system"), adapters=("routing", "warehouse"), agents=(LIN, EMMA)
    ) as running:
        yield running


@pytest.fixture(scope="package")
def company(system: System) -> None:
    """That system with people of every role, a calendar, a team, a skill and a role of its own."""
    make(system)


@pytest.fixture(scope="package")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with the adapters of channels beside the web; 林晓 is an agent."""
    build.ensure()
    adapters = ("routing", "wechat", "wecom", "douyin", "telegram", "email", "whatsapp", "line")
    with running_system(tmp_path_factory.mktemp("channels"), adapters=adapters, agents=(LIN,)) as running:
        yield running


@pytest.fixture(scope="package")
def world(channels: System) -> Iterator[Platforms]:
    """The platforms that these channels are connected to."""
    with platforms(channels) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file: while Playwright drives it, this thread's loop is taken."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def people(browser: Browser, system: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained."""
    made = People(browser, system.nodes[0].http)
    yield made
    made.close()
    assert made.complaints == []


@pytest.fixture
def host(system: System) -> Iterator[str]:
    """A customer's page with a strict policy, on another origin than the node."""
    with host_page(system.nodes[0].http) as address:
        yield address
