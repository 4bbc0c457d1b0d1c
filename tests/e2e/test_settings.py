"""Settings by those who look after a company: people, teams, inboxes, what the audit says; and by those who may not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from backbone import directory
from backbone.directory import Agent
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.browser import People, picture, violations
from tests.harness.system import LIN, PASSWORD, TENANT, Login, System
from trunkline import rest
from trunkline.connect import connected

ADA = Login("ada", "Ada Ngata", "ada@example.com")
"""Owner."""

ZHOU = Login("zhou", "周远", "zhou@example.com")
"""Admin."""

IDA = Login("ida", "Ida", "ida@example.com")
"""Auditor."""

EXPECTED = re.compile(r"ERR_INTERNET_DISCONNECTED|status of (403|404|409|410|412|422|428)")
"""What a browser's console says of refusals and outages that these journeys bring about."""

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

WEEK = [{"day": day, "hours": [{"start": 540, "end": 720}, {"start": 780, "end": 1080}]} for day in range(5)]
OFFICE = {
    "id": "office",
    "name": "上海办公室",
    "zone": "Asia/Shanghai",
    "week": [*WEEK, {"day": 5, "hours": [{"start": 600, "end": 960}]}],
    "special": [
        {"date": "2026-10-01", "name": "国庆节", "hours": []},
        {"date": "2026-10-10", "name": "调休", "hours": [{"start": 540, "end": 1080}]},
    ],
}
LEAD = {"id": "lead", "name": "Night lead", "actions": ["conversation.read", "conversation.list", "profile.manage"]}


@pytest.fixture(scope="module", autouse=True)
def _prepared(system: System) -> None:
    """An owner and an admin beside the agents; a calendar, a team, a skill and a role."""
    run_apart(_prepare(system))
    for noun, body in (
        ("calendars", OFFICE),
        ("teams", {"id": "sales", "name": "售前", "calendar": "office"}),
        ("skills", {"id": "french", "name": "French"}),
        ("roles", LEAD),
    ):
        assert _call(system, "POST", f"settings/{noun}", body).status == 201


async def _prepare(system: System) -> None:
    async with connected(system.common, "test") as link:
        hashed = await hash_password(PASSWORD)
        for who, role in ((ADA, "owner"), (ZHOU, "admin"), (IDA, "auditor")):
            made = Agent(id=who.id, name=who.name, email=who.email, password=hashed, role=role)
            await directory.create_agent(link, TENANT, made)


def _call(system: System, method: str, path: str, body: object) -> rest.Answer:
    node = system.nodes[0].http
    cookie = rest.sign_in(node, ADA.email, ADA.password).cookie
    headers = {"Cookie": cookie, "Content-Type": "application/json"}
    return rest.call(method, f"{node}/api/v1/{path}", json.dumps(body).encode(), headers=headers)


@pytest.fixture
def crowd(browser: Browser, system: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained of anything unexpected."""
    made = People(browser, system.nodes[0].http)
    yield made
    made.close()
    assert [said for said in made.complaints if not EXPECTED.search(said)] == []


def _open(page: Page, crowd: People, where: str) -> None:
    page.goto(f"{crowd.node}/#/settings/{where}")
    page.get_by_role("heading", level=1).wait_for()


def test_an_admin_invites_an_agent_and_changes_an_inbox_and_sees_both_in_the_audit(crowd: People) -> None:
    """By keyboard to the settings; a link that is shown once; a team; a greeting; who, what, before and after."""
    page = crowd.agent(ZHOU)
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
    expect(page.get_by_test_id("audit-entry").filter(has_text="Removed an invitation")).to_contain_text("accepted")
    page.get_by_test_id("audit-kind").select_option("agent")
    page.get_by_test_id("audit-by").select_option("zhou")
    expect(made).to_have_count(0)
    expect(given).to_have_count(1)
    page.reload()
    expect(given).to_have_count(1)
    assert violations(page) == []


def test_the_second_of_two_admins_is_told_and_loses_nothing(crowd: People) -> None:
    """Both edit one inbox: the second is refused, sees what changed, keeps what was typed, and saves that."""
    first, second = crowd.agent(ADA), crowd.agent(ZHOU, theme="dark")
    for page in (first, second):
        _open(page, crowd, "inboxes/at/web")
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
    first.get_by_test_id("save").click()
    expect(first.get_by_test_id("saved")).to_have_text("Saved")


def test_an_agent_has_a_profile_and_nothing_else(crowd: People) -> None:
    """Only their own page is offered; a typed address says that their role doesn't reach it."""
    page = crowd.agent(LIN, locale="zh-CN")
    _open(page, crowd, "profile")
    expect(page.get_by_test_id("settings-profile")).to_be_visible()
    expect(page.locator("[data-testid^=settings-]")).to_have_count(1)
    for where, name in (("agents", "坐席"), ("inboxes/at/web", "收件箱"), ("audit", "审计")):
        _open(page, crowd, where)
        expect(page.get_by_role("heading", name=f"{name}：您的角色不能打开此页")).to_be_visible()
        expect(page.get_by_test_id("forbidden")).to_contain_text("您的角色是坐席")
    picture(page, "settings-forbidden")
    assert violations(page) == []
    _open(page, crowd, "profile")
    page.get_by_test_id("field-locale").select_option("en")
    page.get_by_test_id("save").first.click()
    expect(page.get_by_role("heading", name="My profile")).to_be_visible()
    expect(page.get_by_test_id("saved").first).to_have_text("Saved")
    page.get_by_test_id("field-locale").select_option("")
    page.get_by_test_id("save").first.click()
    expect(page.get_by_test_id("saved").first).to_have_text("已保存")


@pytest.mark.rest
def test_an_auditor_reads_the_audit_without_the_records(crowd: People) -> None:
    """Names of people and inboxes are told; nothing leads to a page that their role doesn't reach."""
    page = crowd.agent(IDA)
    _open(page, crowd, "audit")
    assert page.locator("[data-testid^=settings-]").all_text_contents() == ["My profile", "Audit"]
    entry = page.get_by_test_id("audit-entry").filter(has_text="Made team 售前")
    expect(entry).to_contain_text("Ada Ngata")
    expect(page.get_by_test_id("audit-entry").locator("a")).to_have_count(0)
    page.get_by_test_id("audit-by").select_option(label="Ada Ngata")
    expect(entry).to_be_visible()
    assert violations(page) == []


@pytest.mark.rest
def test_what_is_not_saved_is_not_lost_by_leaving(crowd: People) -> None:
    """By a link, by a key, by *back*: asked first; *stay* keeps address and text."""
    page = crowd.agent(ADA)
    _open(page, crowd, "teams")
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


@pytest.mark.rest
def test_a_company_keeps_its_last_owner_and_nobody_removes_what_is_used(crowd: People) -> None:
    """Refusals are sentences where they were brought about, in both languages."""
    page = crowd.agent(ADA)
    _open(page, crowd, "agents/at/ada")
    expect(page.get_by_test_id("field-role")).to_be_disabled()
    expect(page.get_by_test_id("deactivate")).to_have_count(0)
    zhou = crowd.agent(ZHOU)
    _open(zhou, crowd, "agents/at/ada")
    zhou.get_by_test_id("field-capacity").fill("7")
    zhou.get_by_test_id("save").click()
    expect(zhou.get_by_test_id("problem")).to_have_text(
        "Their role allows more than yours; ask somebody whose role allows as much."
    )
    _open(page, crowd, "calendars/at/office")
    page.get_by_test_id("remove").click()
    page.get_by_test_id("removal-go").click()
    expect(page.get_by_role("alert").filter(has_text="teams: 1")).to_be_visible()
    picture(page, "settings-in-use")
    assert violations(page) == []
    page.get_by_test_id("removal-keep").click()
    expect(page.get_by_test_id("remove")).to_be_focused()


@pytest.mark.rest
def test_an_agent_is_deactivated_and_gets_another_password_by_a_link(crowd: People, system: System) -> None:
    """Deactivating ends what they are doing at once; a reset link works once and signs in."""
    joe = Login("joe", "Joe", "joe@example.com")
    system.add_agents(joe)
    page, own = crowd.agent(ADA), crowd.agent(joe)
    _open(page, crowd, "agents/at/joe")
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


@pytest.mark.rest
def test_business_hours_by_keyboard(crowd: People) -> None:
    """Another calendar: times as people type them, an overlap that isn't sent, a special day, the list's summary."""
    page = crowd.agent(ADA)
    _open(page, crowd, "calendars")
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


@pytest.mark.rest
def test_lists_while_they_load_and_without_a_connection(crowd: People) -> None:
    """Skeleton, error with another try, by itself once the connection is back, and empty with what to do."""
    page = crowd.agent(ADA)
    _open(page, crowd, "profile")
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


@pytest.mark.rest
def test_a_role_is_made_of_rights_in_plain_words(crowd: People) -> None:
    """By group; what one lacks oneself can't be given, and says so; what everybody has is read."""
    page = crowd.agent(ZHOU)
    _open(page, crowd, "roles/new")
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


@pytest.mark.rest
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page(crowd: People, locale: str, theme: str) -> None:
    """Each in both languages and themes, and 375 px wide: drawn, within the window, WCAG 2.2 AA."""
    page = crowd.agent(ADA, locale=locale, theme=theme)
    for where, ready in PAGES.items():
        _open(page, crowd, where)
        page.locator(ready).first.wait_for(state="attached")
        picture(page, f"settings-{where.replace('/', '-')}-{locale}-{theme}")
        assert violations(page) == [], where
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    for where, ready in PAGES.items():
        _open(page, crowd, where)
        page.locator(ready).first.wait_for(state="attached")
        picture(page, f"settings-{where.replace('/', '-')}-{locale}-{theme}-narrow")
        assert _width(page) <= NARROW["width"], where
        assert violations(page) == [], where


def _width(page: Page) -> Any:
    return page.evaluate("document.documentElement.scrollWidth")
