"""The first admin's link: it makes one agent, once, and leads to the desk."""

from __future__ import annotations

from playwright.sync_api import expect

from backbone import directory
from tests.harness.apart import run_apart
from tests.harness.browser import People, picture, violations
from tests.harness.system import PASSWORD, TENANT, System
from trunkline.connect import connected


async def _invite(system: System) -> str:
    async with connected(system.common, "test") as link:
        return await directory.invite(link, TENANT, "admin")


def test_the_link_makes_an_admin_once_and_says_so_the_second_time(people: People, system: System) -> None:
    """A weak password is refused by name; then the desk opens; the same link is used up."""
    secret = run_apart(_invite(system))
    page = people.window(locale="zh-CN")
    page.goto(f"{people.node}/#/join/{secret}")
    page.get_by_test_id("join-name").fill("陈晨")
    page.get_by_test_id("join-email").fill("chen@example.com")
    page.get_by_test_id("join-password").fill(PASSWORD)
    picture(page, "join")
    assert violations(page) == []
    page.get_by_test_id("join-submit").click()
    page.get_by_test_id("presence").first.wait_for()
    again = people.window(locale="en")
    again.goto(f"{people.node}/#/join/{secret}")
    again.get_by_test_id("join-name").fill("Eve")
    again.get_by_test_id("join-email").fill("eve@example.com")
    again.get_by_test_id("join-password").fill(PASSWORD)
    again.get_by_test_id("join-submit").click()
    expect(again.get_by_role("alert")).to_contain_text("used")
    picture(again, "join-used")
    # The browser itself notes the refused request; nothing else may have complained.
    people.complaints = [c for c in people.complaints if "410" not in c]
