"""A day at the desk without a mouse: sign in, open, answer, note, assign, resolve; the focus is always to be seen."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.harness.apart import run_apart
from tests.harness.browser import People, message
from tests.harness.system import EMMA, LIN, System


def test_an_agent_works_by_keyboard_alone(people: People, system: System) -> None:
    said = f"Keyboard question {time.time_ns()}"
    conv = run_apart(_ask(system, said))
    desk = people.window()
    desk.goto(f"{system.nodes[0].http}/")
    desk.get_by_test_id("signin-email").wait_for()
    _tab_to(desk, "signin-email")
    desk.keyboard.type(LIN.email)
    desk.keyboard.press("Tab")
    desk.keyboard.type(LIN.password)
    desk.keyboard.press("Enter")
    desk.get_by_test_id("presence").first.wait_for()
    desk.goto(f"{system.nodes[0].http}/#/inbox/all")
    row = desk.locator(f'[data-testid="row"][data-conv="{conv}"]')
    row.wait_for()
    _select(desk, conv)
    desk.keyboard.press("Enter")
    message(desk, said).wait_for()

    desk.keyboard.press("r")
    _expect_focus(desk, "composer")
    desk.keyboard.type("Answered by keys")
    desk.keyboard.press("Enter")
    message(desk, "Answered by keys").wait_for()
    desk.keyboard.press("Escape")

    desk.keyboard.press("m")
    _expect_focus(desk, "composer")
    desk.keyboard.type("A note by keys")
    desk.keyboard.press("Enter")
    message(desk, "A note by keys").wait_for()
    desk.keyboard.press("Escape")

    desk.keyboard.press("a")
    option = desk.get_by_test_id("assign-agent").filter(has_text=EMMA.name)
    option.wait_for()
    while option.get_attribute("data-highlighted") is None:
        desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    expect(desk.locator('[data-testid="fact"][data-kind="conversation.assigned"]').last).to_contain_text(EMMA.name)

    desk.keyboard.press("Escape")
    desk.keyboard.press("e")
    desk.get_by_test_id("reopen").wait_for()


@pytest.mark.rest
def test_the_help_lists_the_keys_and_each_does_what_it_says(people: People, system: System) -> None:
    """Key map, help and drawn keys come from the same files: what is listed has to work, off while a dialog is open."""
    conv = run_apart(_ask(system, f"Key question {time.time_ns()}"))
    desk = people.agent(LIN)
    desk.goto(f"{system.nodes[0].http}/#/inbox/all/{conv}")
    desk.get_by_test_id("composer").wait_for()
    desk.keyboard.press("?")
    help_rows = desk.get_by_role("dialog").locator("dl > div")
    expect(help_rows).to_have_count(24)
    expect(help_rows.nth(0)).to_have_text("Move in the listJK")
    expect(help_rows.nth(13)).to_have_text("New lineShiftEnter")
    desk.keyboard.press("g")
    desk.keyboard.press("s")
    assert "#/inbox/all" in desk.url, "a key worked behind the dialog"
    desk.keyboard.press("Escape")
    expect(help_rows).to_have_count(0)

    inbox = desk.locator("[data-views]")
    expect(inbox).to_have_attribute("data-views", "open")
    desk.keyboard.press("[")
    expect(inbox).to_have_attribute("data-views", "shut")
    desk.keyboard.press("]")
    expect(inbox).to_have_attribute("data-contact", "shut")
    desk.keyboard.press("r")
    desk.keyboard.type("r[ stays text")
    desk.keyboard.press("Shift+Enter")
    desk.keyboard.type("on two lines")
    expect(desk.get_by_test_id("composer")).to_have_value("r[ stays text\non two lines")
    _changes_and_withdraws(desk)
    desk.keyboard.press("r")
    desk.keyboard.press("F6")
    expect(desk.get_by_test_id("composer")).not_to_be_focused()
    desk.keyboard.press("u")
    expect(inbox).to_have_attribute("data-open", "list")
    for keys, page in (("gs", "search"), ("go", "overview"), ("gc", "overview"), ("gi", "inbox/mine"), ("/", "search")):
        for key in keys:
            desk.keyboard.press(key)
        desk.wait_for_url(f"**/#/{page}")
        if page == "search":  # its field takes the focus once it is there, and letters are text in it
            expect(desk.get_by_test_id("search")).to_be_focused()
            desk.get_by_test_id("search").blur()


def _changes_and_withdraws(desk: Page) -> None:
    """`c` brings one's last message into the composer, Escape leaves it and then the composer; `w` asks first."""
    composer = desk.get_by_test_id("composer")
    desk.keyboard.press("Enter")
    said = message(desk, "on two lines")
    expect(said).to_have_attribute("data-state", re.compile("stored|delivered|read"))
    desk.keyboard.press("Escape")
    expect(composer).not_to_be_focused()
    desk.keyboard.press("c")
    expect(composer).to_be_focused()
    expect(composer).to_have_value("r[ stays text\non two lines")
    desk.keyboard.type(", not three")
    desk.keyboard.press("Escape")
    expect(composer).to_have_value("")
    expect(said).not_to_contain_text("not three")
    desk.keyboard.press("Escape")
    expect(composer).not_to_be_focused()
    desk.keyboard.press("w")
    expect(desk.get_by_test_id("withdraw-keep")).to_be_focused()
    desk.keyboard.press("Escape")
    expect(desk.get_by_test_id("withdraw")).to_have_count(0)
    desk.keyboard.press("w")
    desk.get_by_test_id("withdraw-go").press("Enter")
    expect(message(desk, "You withdrew this message")).to_have_count(1)


async def _ask(system: System, said: str) -> str:
    visitor = system.visitor()
    async with visitor.running():
        return str((await visitor.send(said))["conv"])


def _tab_to(page: Page, test_id: str) -> None:
    for _ in range(20):
        if page.evaluate("document.activeElement?.dataset?.testid") == test_id:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {test_id}")


def _select(desk: Page, conv: str) -> None:
    """`k` moves to the top of the list, `j` down until this conversation is the current one."""
    for key in ("k",) * 20 + ("j",) * 20:
        desk.keyboard.press(key)
        current = desk.evaluate("document.activeElement?.getAttribute('aria-activedescendant')")
        if current == f"row-{conv}":
            assert desk.evaluate("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError("k and j never came to the conversation")


def _expect_focus(page: Page, test_id: str) -> None:
    expect(page.get_by_test_id(test_id)).to_be_focused()
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
