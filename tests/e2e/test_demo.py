"""The demo's shop, under a policy that runs nothing but its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from console import build
from tests.harness.browser import People, message, open_widget, say
from tests.harness.system import System


@pytest.mark.rest
def test_the_shop_and_its_chat_work_under_their_policy(browser: Browser, tmp_path: Path) -> None:
    """Nobody's console complains of what the policy forbids."""
    build.ensure()
    system = System(tmp_path)
    system.more = {"TRUNKLINE_NODE_DEMO": "true"}
    try:
        system.start()
        people = People(browser, system.nodes[0].http)
        page = people.window()
        frame = open_widget(page, f"{people.node}/demo/?lang=en")
        say(frame, "is it warm?")
        message(frame, "is it warm?").wait_for()
        people.close()
        assert people.complaints == []
    finally:
        system.end()
