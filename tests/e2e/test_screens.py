"""How it looks and whether everybody can use it: desk and widget, light and dark, Chinese and English, axe on each."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.apart import run_apart
from tests.harness.browser import People, message, open_widget, picture, say, violations
from tests.harness.system import INBOX, LIN, System

SAID = {
    "zh-CN": ("你好，我昨天收到的快递外箱破了。", "您好，请把订单号发给我。"),
    "en": ("Hi, my parcel arrived damaged.", "I'm sorry to hear that. Could you send me the order number?"),
}


@pytest.mark.parametrize(
    ("locale", "theme"),
    [
        ("zh-CN", "light"),
        pytest.param("zh-CN", "dark", marks=pytest.mark.rest),
        pytest.param("en", "light", marks=pytest.mark.rest),
        pytest.param("en", "dark", marks=pytest.mark.rest),
    ],
)
def test_desk_and_widget(people: People, host: str, system: System, locale: str, theme: str) -> None:
    """The visitor's chat and the agent's desk with a conversation open; WCAG 2.2 AA holds on both."""
    question, reply = SAID[locale]
    visitor = people.window(locale=locale, theme=theme, viewport={"width": 900, "height": 760})
    chat = open_widget(visitor, host + locale)
    say(chat, question)
    message(chat, question).wait_for()
    conv = run_apart(_reply(system, question, reply))
    message(chat, reply).wait_for()
    picture(visitor, f"widget-{locale}-{theme}")
    assert violations(chat) == []

    desk = people.agent(LIN, locale=locale, theme=theme)
    desk.goto(f"{people.node}/#/inbox/all/{conv}")
    message(desk, question).wait_for()
    picture(desk, f"desk-{locale}-{theme}")
    assert violations(desk) == []


@pytest.mark.parametrize("theme", [pytest.param("light", marks=pytest.mark.rest), "dark"])
def test_the_other_pages(people: People, theme: str) -> None:
    """Sign-in, search, overview and the hosted chat page."""
    stranger = people.window(theme=theme)
    stranger.goto(f"{people.node}/")
    stranger.get_by_test_id("signin-email").wait_for()
    picture(stranger, f"signin-{theme}")
    assert violations(stranger) == []

    desk = people.agent(LIN, locale="zh-CN", theme=theme)
    for page in ("search", "overview"):
        desk.goto(f"{people.node}/#/{page}")
        desk.get_by_role("heading").first.wait_for()
        desk.wait_for_load_state("networkidle")
        picture(desk, f"{page}-{theme}")
        assert violations(desk) == []

    visitor = people.window(locale="zh-CN", theme=theme, viewport={"width": 390, "height": 780})
    visitor.goto(f"{people.node}/w/{INBOX}")
    visitor.get_by_test_id("widget-composer").wait_for()
    picture(visitor, f"hosted-{theme}")
    assert violations(visitor) == []


async def _reply(system: System, question: str, reply: str) -> str:
    """An agent answers the newest conversation that holds the question; returns its id."""
    agent = system.agent(LIN)
    async with agent.running():
        await agent.watch("all")
        async with asyncio.timeout(30):
            while not (found := [h for h in agent.heads.values() if (h.get("last") or {}).get("text") == question]):
                await asyncio.sleep(0.02)
        conv = max(found, key=lambda head: head["opened_at"])["conv"]
        await agent.send(reply, conv)
    return str(conv)
