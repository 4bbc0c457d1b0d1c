"""Settings in every state: unsaved, refused, empty, offline, narrow; each page in both languages and themes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.company import ADA, EXPECTED, IDA, ZHOU, open_page
from tests.harness.browser import People, picture, violations
from tests.harness.system import Login, System

pytestmark = [pytest.mark.usefixtures("company"), pytest.mark.rest]

NARROW = {"width": 375, "height": 740}
PAGES = {
    "profile": "[data-testid=session]",
    "agents": "[data-testid=agent-row][data-id=lin]",
    "agents/new": "[data-testid=field-role]",
    "agents/at/lin": "[data-testid=check-teams-sales]",
    "teams": "[data-testid=team-row]",
    "teams/at/sales": "option[value=office]",
    "inboxes": "[data-testid=inbox-row]",
    "inboxes/at/web": "[data-testid=snippet]",
    "calendars": "[data-testid=calendar-row]",
    "calendars/at/office": "[data-testid=special]",
    "skills": "[data-testid=skill-row]",
    "roles": "[data-testid=role-row]",
    "roles/at/supervisor": "section h2 + ul li",
    "roles/at/lead": "[data-testid='action-audit.read']",
    "audit": "[data-testid=audit-entry]",
}
"""Each page, and what is there once it has been fetched."""


@pytest.fixture
def crowd(browser: Browser, system: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained of anything unexpected."""
    made = People(browser, system.nodes[0].http)
    yield made
    made.close()
    assert [said for said in made.complaints if not EXPECTED.search(said)] == []


def test_an_auditor_reads_the_audit_without_the_records(crowd: People) -> None:
    """Names of people and inboxes are told; nothing leads to a page that their role doesn't reach."""
    page = crowd.signed_in(IDA)
    open_page(page, crowd, "audit")
    assert page.locator("[data-testid^=settings-]").all_text_contents() == ["My profile", "Audit"]
    entry = page.get_by_test_id("audit-entry").filter(has_text="Made team 售前")
    expect(entry).to_contain_text("Ada Ngata")
    expect(page.get_by_test_id("audit-entry").locator("a")).to_have_count(0)
    page.get_by_test_id("audit-by").select_option(label="Ada Ngata")
    expect(entry).to_be_visible()
    assert violations(page) == []


def test_another_password_ends_the_other_sessions_and_the_profile_goes_on(crowd: People, system: System) -> None:
    """A wrong one is said at its field; afterwards only this session is listed, and the name can still be changed."""
    kim = Login("kim", "Kim", "kim@example.com")
    system.add_agents(kim)
    other, page = crowd.signed_in(kim), crowd.signed_in(kim)
    open_page(page, crowd, "profile")
    expect(page.get_by_test_id("session")).to_have_count(2)
    page.get_by_test_id("field-password").fill("wrong horse battery")
    page.get_by_test_id("field-new_password").fill("another horse battery")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("field-password")).to_be_focused()
    expect(page.get_by_test_id("problem-password")).to_have_text("The present password is wrong.")
    page.get_by_test_id("field-password").fill(kim.password)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("saved").last).to_have_text("The password was changed.")
    expect(page.get_by_test_id("session")).to_have_count(1)
    other.get_by_test_id("signin-email").wait_for()
    page.get_by_test_id("field-name").fill("Kim Vu")
    page.get_by_test_id("save").first.click()
    expect(page.get_by_test_id("saved").first).to_have_text("Saved")
    expect(page.get_by_test_id("me")).to_have_attribute("aria-label", "Menu of Kim Vu")


def test_what_is_not_saved_is_not_lost_by_leaving(crowd: People) -> None:
    """By a link, by a key, by *back*: asked first; *stay* keeps address and text."""
    page = crowd.signed_in(ADA)
    open_page(page, crowd, "teams")
    page.get_by_role("link", name="售前").click()
    name = page.get_by_test_id("field-name")
    name.fill("Presales")
    asked = page.get_by_test_id("unsaved")

    def stays() -> None:
        expect(asked).to_be_visible()
        expect(page.get_by_test_id("unsaved-keep")).to_be_focused()
        page.keyboard.press("Escape")
        expect(asked).to_have_count(0)
        expect(name).to_have_value("Presales")
        assert page.url.endswith("#/settings/teams/at/sales")

    page.get_by_test_id("settings-skills").click()
    stays()
    page.get_by_role("heading", name="售前").focus()
    page.keyboard.press("g")
    page.keyboard.press("i")
    stays()
    page.evaluate("history.back()")
    expect(asked).to_be_visible()
    picture(page, "settings-unsaved")
    assert violations(page) == []
    page.get_by_test_id("unsaved-go").click()
    page.get_by_test_id("team-row").first.wait_for()
    page.get_by_role("link", name="售前").click()
    expect(name).to_have_value("售前")


def test_a_company_keeps_its_last_owner_and_nobody_removes_what_is_used(crowd: People) -> None:
    """Refusals are sentences where they were brought about, in both languages."""
    page = crowd.signed_in(ADA)
    open_page(page, crowd, "agents/at/ada")
    expect(page.get_by_test_id("field-role")).to_be_disabled()
    expect(page.get_by_test_id("deactivate")).to_have_count(0)
    zhou = crowd.signed_in(ZHOU)
    open_page(zhou, crowd, "agents/at/ada")
    zhou.get_by_test_id("field-capacity").fill("7")
    zhou.get_by_test_id("save").click()
    expect(zhou.get_by_test_id("problem")).to_have_text(
        "Their role allows more than yours; ask somebody whose role allows as much."
    )
    open_page(page, crowd, "calendars/at/office")
    page.get_by_test_id("remove").click()
    page.get_by_test_id("removal-go").click()
    expect(page.get_by_role("alert").filter(has_text="teams: 1")).to_be_visible()
    picture(page, "settings-in-use")
    assert violations(page) == []
    page.get_by_test_id("removal-keep").click()
    expect(page.get_by_test_id("remove")).to_be_focused()


def test_an_agent_is_deactivated_and_gets_another_password_by_a_link(crowd: People, system: System) -> None:
    """Deactivating ends what they are doing at once; a reset link works once and signs in."""
    joe = Login("joe", "Joe", "joe@example.com")
    system.add_agents(joe)
    page, own = crowd.signed_in(ADA), crowd.signed_in(joe)
    open_page(page, crowd, "agents/at/joe")
    page.get_by_test_id("deactivate").click()
    expect(page.get_by_test_id("deactivation")).to_contain_text("All their sessions end at once")
    page.get_by_test_id("deactivation-go").click()
    expect(page.get_by_test_id("activate")).to_be_visible()
    own.get_by_test_id("signin-email").wait_for()
    picture(page, "settings-deactivated")
    assert violations(page) == []
    page.get_by_test_id("activate").click()
    page.get_by_test_id("reset").click()
    link = page.get_by_test_id("reset-link").input_value()
    guest = crowd.window(theme="dark")
    guest.goto(link)
    guest.get_by_test_id("reset-password").wait_for()
    picture(guest, "settings-reset")
    assert violations(guest) == []
    guest.get_by_test_id("reset-password").fill("another horse battery")
    guest.get_by_test_id("reset-submit").click()
    guest.get_by_test_id("presence").first.wait_for()
    again = crowd.window()
    again.goto(link)
    again.get_by_test_id("reset-password").fill("a third horse battery")
    again.get_by_test_id("reset-submit").click()
    expect(again.get_by_role("alert")).to_contain_text("used or has expired")


def test_business_hours_by_keyboard(crowd: People) -> None:
    """Another calendar: times as people type them, an overlap that isn't sent, a special day, the list's summary."""
    page = crowd.signed_in(ADA)
    open_page(page, crowd, "calendars")
    page.get_by_test_id("new").press("Enter")
    page.get_by_test_id("field-name").fill("Night")
    page.get_by_test_id("field-zone").fill("Mars/Olympus")
    monday = page.get_by_test_id("day-0")
    monday.get_by_role("button", name="Add an interval: Monday").press("Enter")
    expect(monday.get_by_label("Monday, interval 2, from")).to_be_focused()
    page.keyboard.type("1730")
    page.keyboard.press("Tab")
    page.keyboard.type("24")
    page.keyboard.press("Tab")
    expect(monday.get_by_label("Monday, interval 2, to")).to_have_value("24:00")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("problem-week")).to_contain_text("none overlap")
    monday.get_by_label("Monday, interval 2, from").fill("20:00")
    page.get_by_test_id("spread").click()
    page.get_by_test_id("special-add").press("Enter")
    page.get_by_label("Date 1", exact=True).first.fill("2026-12-25")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("field-zone")).to_be_focused()
    expect(page.get_by_test_id("problem-zone")).to_contain_text("Asia/Shanghai")
    page.get_by_test_id("field-zone").fill("Europe/London")
    page.keyboard.press("Control+Enter")
    row = page.get_by_test_id("calendar-row").filter(has_text="Night")
    expect(row).to_contain_text("Mon–Fri 09:00–18:00, 20:00–24:00")
    row.get_by_role("link").click()
    page.get_by_test_id("remove").click()
    page.get_by_test_id("removal-go").click()
    expect(row).to_have_count(0)


def test_lists_while_they_load_and_without_a_connection(crowd: People) -> None:
    """Skeleton, error with another try, by itself once the connection is back, and empty with what to do."""
    page = crowd.signed_in(ADA)
    open_page(page, crowd, "profile")
    held: list[Route] = []
    pattern = re.compile("/settings/skills")

    def hold(route: Route) -> None:
        held.append(route)

    page.route(pattern, hold)
    page.get_by_test_id("settings-skills").click()
    page.get_by_test_id("ghosts").wait_for()
    picture(page, "settings-loading")
    for route in held:
        route.fulfill(status=503, content_type="application/problem+json", body=_AWAY)
    page.unroute(pattern)
    expect(page.get_by_test_id("failed")).to_contain_text("Nothing can be stored at the moment")
    page.get_by_test_id("again").click()
    page.get_by_test_id("skill-row").first.wait_for()
    page.context.set_offline(True)
    page.get_by_test_id("settings-teams").click()
    expect(page.get_by_test_id("failed")).to_be_visible()
    picture(page, "settings-offline")
    page.context.set_offline(False)
    page.get_by_test_id("team-row").first.wait_for()
    page.route(pattern, lambda route: route.fulfill(json={"items": [], "next": None}))
    page.get_by_test_id("settings-skills").click()
    expect(page.get_by_test_id("empty")).to_contain_text("Make one for each language")
    picture(page, "settings-empty")
    assert violations(page) == []
    crowd.complaints = [one for one in crowd.complaints if "503" not in one]


_AWAY = json.dumps({"code": "log.unavailable", "title": "x", "detail": "x", "status": 503, "type": "about:blank"})


def test_a_role_is_made_of_rights_in_plain_words(crowd: People) -> None:
    """By group; what one lacks oneself can't be given, and says so; what everybody has is read."""
    page = crowd.signed_in(ZHOU)
    open_page(page, crowd, "roles/new")
    page.get_by_test_id("field-name").fill("Reader")
    expect(page.get_by_test_id("action-tenant.manage")).to_be_disabled()
    page.get_by_test_id("action-conversation.read").check()
    page.get_by_test_id("action-conversation.list").check()
    page.get_by_test_id("save").click()
    row = page.get_by_test_id("role-row").filter(has_text="Reader")
    expect(row).to_contain_text("Conversations")
    page.get_by_test_id("role-row").filter(has_text="Supervisor").get_by_role("link").click()
    expect(page.get_by_text("Give others' ones back")).to_be_visible()
    expect(page.get_by_test_id("record-form")).to_have_count(0)
    page.get_by_role("link", name="Back to the roles").click()
    row.get_by_role("link").click()
    page.get_by_test_id("remove").click()
    page.get_by_test_id("removal-go").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page(crowd: People, locale: str, theme: str) -> None:
    """Each in both languages and themes, and 375 px wide: drawn, within the window, WCAG 2.2 AA."""
    page = crowd.signed_in(ADA, locale=locale, theme=theme)
    for where, ready in PAGES.items():
        open_page(page, crowd, where)
        page.locator(ready).first.wait_for(state="attached")
        picture(page, f"settings-{where.replace('/', '-')}-{locale}-{theme}")
        assert violations(page) == [], where
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    for where, ready in PAGES.items():
        open_page(page, crowd, where)
        page.locator(ready).first.wait_for(state="attached")
        picture(page, f"settings-{where.replace('/', '-')}-{locale}-{theme}-narrow")
        assert _width(page) <= NARROW["width"], where
        assert violations(page) == [], where


def _width(page: Page) -> Any:
    return page.evaluate("document.documentElement.scrollWidth")
