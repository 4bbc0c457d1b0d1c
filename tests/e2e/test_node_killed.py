"""`kill -9` of the node under two real screens while both sides write: both go on, nothing is missing or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.harness.apart import run_apart
from tests.harness.browser import People, answer, message, open_widget, picture, say, shown_ids
from tests.harness.hostpage import host_page
from tests.harness.log import assert_in_the_warehouse, stored_events
from tests.harness.system import LIN, System, running_system

EACH = 10
KILL_AT = 4
TALL = {"width": 1440, "height": 2400}
"""High enough that the whole conversation is drawn."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[System]:
    """A system of this test alone: its node dies."""
    with running_system(tmp_path, adapters=("routing", "warehouse"), agents=(LIN,)) as running:
        yield running


@pytest.mark.rest
def test_both_screens_go_on_and_hold_the_log(own: System, browser: Browser) -> None:
    """After the restart each screen, the log and ClickHouse hold each message once, in one order."""
    people = People(browser, own.nodes[0].http)
    with host_page(own.nodes[0].http) as host:
        desk = people.agent(LIN, viewport=TALL)
        chat = open_widget(people.window(viewport=TALL), f"{host}en")
        say(chat, "first")
        desk.get_by_test_id("view-all").click()
        row = desk.get_by_test_id("row").filter(has_text="first")
        row.click()
        conv = row.get_attribute("data-conv")
        assert conv
        message(desk, "first").wait_for()
        for number in range(EACH):
            say(chat, f"question {number} ")
            answer(desk, f"answer {number} ")
            if number == KILL_AT:
                own.nodes[0].kill()
            if number == KILL_AT + 2:
                own.nodes[0].start()
        _expect_all(chat, desk)
        log = [e for e in run_apart(stored_events(own, conv)) if e.event["type"] == "message.added"]
        ids = [(e.seq, e.event["id"]) for e in log]
        assert len(ids) == len({event_id for _, event_id in ids}) == 1 + 2 * EACH
        _expect_the_log(chat, desk, ids)
        picture(desk, "node-killed-desk")
        desk.reload()
        message(desk, f"answer {EACH - 1} ").wait_for()
        _expect_the_log(chat, desk, ids)
        assert_in_the_warehouse(own, conv)
    people.close()


def _expect_all(chat: Frame, desk: Page) -> None:
    for where in (chat, desk):
        for word in ("question", "answer"):
            for number in range(EACH):
                expect(message(where, f"{word} {number} ")).to_have_count(1, timeout=30_000)


def _expect_the_log(chat: Frame, desk: Page, ids: list[tuple[int, str]]) -> None:
    # What was stored while the other side's answer was still on its way settles with the next push.
    for where in (chat, desk):
        expect(where.get_by_test_id("message")).to_have_count(len(ids))
        where.wait_for_function(
            "count => [...document.querySelectorAll('[data-testid=message]')]"
            ".filter(one => Number(one.dataset.seq) > 0).length === count",
            arg=len(ids),
        )
        assert shown_ids(where) == ids
