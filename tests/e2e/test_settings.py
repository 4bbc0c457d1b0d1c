"""Settings by those who look after a company: people, teams, inboxes, what the audit says; and by those who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.company import ADA, EXPECTED, ZHOU, open_page
from tests.harness.browser import People, picture, violations
from tests.harness.system import LIN, PASSWORD, System

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def crowd(browser: Browser, system: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained of anything unexpected."""
    made = People(browser, system.nodes[0].http)
    yield made
    made.close()
    assert [said for said in made.complaints if not EXPECTED.search(said)] == []


def test_an_admin_invites_an_agent_and_changes_an_inbox_and_sees_both_in_the_audit(crowd: People) -> None:
    """By keyboard to the settings; a link that is shown once; a team; a greeting; who, what, before and after."""
    page = crowd.signed_in(ZHOU)
    page.keyboard.press("g")
    page.keyboard.press(",")
    expect(page.get_by_role("heading", name="My profile")).to_be_focused()
    page.get_by_test_id("settings-agents").press("Enter")
    expect(page.get_by_role("heading", name="Agents")).to_be_focused()
    link = _invited(page)
    _joins(crowd, link)
    _gets_a_team(page)
    _greets(page)
    _is_in_the_audit(page)
    open_page(page, crowd, "inboxes/at/web")
    page.get_by_test_id("field-greeting").fill("")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("saved")).to_have_text("Saved")


def _invited(page: Page) -> str:
    """A role that allows more than the admin's can't be given; the link stands there once, then that it is open."""
    page.get_by_test_id("new").press("Enter")
    expect(page.get_by_role("heading", name="Invite")).to_be_focused()
    role = page.get_by_test_id("field-role")
    expect(role.locator("option[value=owner]")).to_be_disabled()
    expect(role.locator("option[value=owner]")).to_have_text("Owner (allows more than you may)")
    role.select_option("agent")
    page.keyboard.press("Control+Enter")
    shown = page.get_by_test_id("invitation-link")
    expect(shown).to_have_value(re.compile(r"/#/join/\S{20,}"))
    picture(page, "settings-invited")
    assert violations(page) == []
    link = shown.input_value()
    page.get_by_test_id("invite-done").click()
    expect(page.get_by_test_id("invitation-row").first).to_be_visible()
    assert link.rpartition("/")[2] not in page.content()
    return link


def _joins(crowd: People, link: str) -> None:
    guest = crowd.window()
    guest.goto(link)
    guest.get_by_test_id("join-name").fill("Noor")
    guest.get_by_test_id("join-email").fill("noor@example.com")
    guest.get_by_test_id("join-password").fill(PASSWORD)
    guest.get_by_test_id("join-submit").click()
    guest.get_by_test_id("presence").first.wait_for()


def _gets_a_team(page: Page) -> None:
    page.reload()
    page.get_by_role("link", name="Noor").press("Enter")
    expect(page.get_by_role("heading", name="Noor")).to_be_focused()
    page.get_by_test_id("field-team").focus()
    page.get_by_test_id("field-team").select_option("sales")
    expect(page.get_by_test_id("saved")).to_have_text("Not saved yet")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("saved")).to_have_text("Saved")
    expect(page.get_by_test_id("field-team")).to_be_focused()
    expect(page.get_by_test_id("session").first).to_be_visible()
    page.get_by_role("link", name="Back to the agents").click()
    expect(page.get_by_test_id("agent-row").filter(has_text="Noor")).to_contain_text("售前")


def _greets(page: Page) -> None:
    """A colour that text can't be read on is shown as it will be; what isn't a site is said at its field."""
    page.get_by_test_id("settings-inboxes").click()
    page.get_by_role("link", name="Web", exact=True).click()
    page.get_by_test_id("field-greeting").fill("Welcome! What are you looking for?")
    page.get_by_test_id("field-accent").fill("#FFD400")
    expect(page.get_by_test_id("preview")).not_to_have_attribute("data-accent", "#ffd400")
    page.get_by_test_id("field-origins").fill("shop.example")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("field-origins")).to_be_focused()
    expect(page.get_by_test_id("problem-origins")).to_contain_text("Write sites as https://www.example.com")
    picture(page, "settings-inbox-refused")
    assert violations(page) == []
    page.get_by_test_id("field-origins").fill("*")
    page.get_by_test_id("field-accent").fill("#0A6B62")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("saved")).to_have_text("Saved")
    page.reload()
    expect(page.get_by_test_id("field-greeting")).to_have_value("Welcome! What are you looking for?")
    assert 'data-inbox="web"' in page.get_by_test_id("snippet").input_value()


def _is_in_the_audit(page: Page) -> None:
    page.get_by_test_id("history").click()
    entry = page.get_by_test_id("audit-entry").first
    expect(entry).to_contain_text("周远")
    expect(entry).to_contain_text("Changed inbox Web")
    expect(entry.locator("[data-field=greeting]")).to_contain_text("Welcome! What are you looking for?")
    picture(page, "settings-audit-inbox")
    page.get_by_role("link", name="Show all").click()
    page.get_by_test_id("audit-kind").select_option("agent")
    given = page.get_by_test_id("audit-entry").filter(has_text="Changed agent Noor")
    expect(given.locator("[data-field=team]")).to_have_text(re.compile("nothing.*售前"))
    made = page.get_by_test_id("audit-entry").filter(has_text="Made agent Noor")
    expect(made.locator("[data-field=password]")).to_have_text("Passwordset")
    assert PASSWORD not in page.content()
    assert "argon2" not in page.content()
    page.get_by_test_id("audit-kind").select_option("invitation")
    # Others of this company were invited by other journeys.
    removed = page.get_by_test_id("audit-entry").filter(has_text="Removed an invitation")
    expect(removed.filter(has_text="accepted").first).to_be_visible()
    page.get_by_test_id("audit-kind").select_option("agent")
    page.get_by_test_id("audit-by").select_option("zhou")
    expect(made).to_have_count(0)
    expect(given).to_have_count(1)
    page.reload()
    expect(given).to_have_count(1)
    assert violations(page) == []


def test_the_second_of_two_admins_is_told_and_loses_nothing(crowd: People) -> None:
    """Both edit one inbox: the second is refused, sees what changed, keeps what was typed, and saves that."""
    first, second = crowd.signed_in(ADA), crowd.signed_in(ZHOU, theme="dark")
    for page in (first, second):
        open_page(page, crowd, "inboxes/at/web")
        page.get_by_test_id("field-greeting").wait_for()
    first.get_by_test_id("field-greeting").fill("From Ada")
    first.get_by_test_id("field-name").fill("Shop")
    first.get_by_test_id("save").click()
    expect(first.get_by_test_id("saved")).to_have_text("Saved")
    second.get_by_test_id("field-greeting").fill("From Zhou")
    second.get_by_test_id("save").click()
    lost = second.get_by_test_id("lost")
    expect(lost).to_contain_text("Somebody else saved this meanwhile; yours is not saved")
    expect(second.get_by_role("heading", name="Somebody else saved this meanwhile")).to_be_focused()
    expect(second.get_by_test_id("field-greeting")).to_have_value("From Zhou")
    expect(second.get_by_test_id("save")).to_be_disabled()
    second.get_by_test_id("lost-show").click()
    expect(lost.locator("tbody tr").filter(has_text="Greeting")).to_have_text(re.compile("From Zhou.*From Ada"))
    expect(lost.locator("tbody tr").filter(has_text="Name")).to_contain_text("Shop")
    picture(second, "settings-lost")
    assert violations(second) == []
    second.get_by_test_id("lost-keep").click()
    expect(lost).to_have_count(0)
    expect(second.get_by_test_id("field-name")).to_have_value("Shop")
    expect(second.get_by_test_id("field-greeting")).to_have_value("From Zhou")
    second.get_by_test_id("save").click()
    expect(second.get_by_test_id("saved")).to_have_text("Saved")
    first.get_by_test_id("field-greeting").fill("Mine again")
    first.get_by_test_id("save").click()
    first.get_by_test_id("lost-take").click()
    expect(first.get_by_test_id("field-greeting")).to_have_value("From Zhou")
    first.get_by_test_id("field-name").fill("Web")
    first.get_by_test_id("field-greeting").fill("")
    first.get_by_test_id("save").click()
    expect(first.get_by_test_id("saved")).to_have_text("Saved")


def test_an_agent_has_a_profile_and_nothing_else(crowd: People) -> None:
    """Only their own page is offered; a typed address says that their role doesn't reach it."""
    page = crowd.signed_in(LIN, locale="zh-CN")
    open_page(page, crowd, "profile")
    expect(page.get_by_test_id("settings-profile")).to_be_visible()
    expect(page.locator("[data-testid^=settings-]")).to_have_count(1)
    for where, name in (("agents", "坐席"), ("inboxes/at/web", "收件箱"), ("audit", "审计")):
        open_page(page, crowd, where)
        expect(page.get_by_role("heading", name=f"{name}：您的角色不能打开此页")).to_be_visible()
        expect(page.get_by_test_id("forbidden")).to_contain_text("您的角色是坐席")
    picture(page, "settings-forbidden")
    assert violations(page) == []
    open_page(page, crowd, "profile")
    page.get_by_test_id("field-locale").select_option("en")
    page.get_by_test_id("save").first.click()
    expect(page.get_by_role("heading", name="My profile")).to_be_visible()
    expect(page.get_by_test_id("saved").first).to_have_text("Saved")
    page.get_by_test_id("field-locale").select_option("")
    page.get_by_test_id("save").first.click()
    expect(page.get_by_test_id("saved").first).to_have_text("已保存")
