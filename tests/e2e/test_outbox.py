"""What is written always goes, or says that it can't: texts that no log takes, and a log that is away."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from console import build
from tests.harness.apart import run_apart
from tests.harness.browser import People, answer, message, open_bubble, open_widget, picture, say, widget_frame
from tests.harness.hostpage import host_page
from tests.harness.log import stored_events
from tests.harness.system import LIN, System, running_system

pytestmark = pytest.mark.rest

TEXTS = {
    "the first half of an emoji": [0xD83D],
    "the second half": [0x61, 0xDE00, 0x62],
    "NUL": [0x61, 0, 0x62],
    "control characters": [*range(1, 9), *range(14, 32), 0x7F, 0x85],
    "20,000 characters": [0x957F] * 20_000,
    "line separators": [0x61, 0x2028, 0x62, 0x2029],
    "spaces alone": [0x20, 0x3000, 0xA0, 0x20],
    "overrides of direction": [0x202E, 0x61, 0x62, 0x2066, 0x202D],
}
"""By UTF-16 code units: what a keyboard, a paste or a script can put into a field."""

STORED = ["\ufffd", "a\ufffdb", "a\u2028b", "\u202eab\u2066\u202d"]

REASONS: dict[str, dict[str, str | re.Pattern[str]]] = {
    "NUL": {"en": "holds characters that can't be sent", "zh-CN": "包含无法发送的字符"},
    "20,000 characters": {"en": re.compile("[Tt]oo long"), "zh-CN": re.compile("消息太长|内容太长，请分几条发送")},
}
"""Why a text isn't sent, in the words of the widget and of the desk."""

BACK_MS = 60_000
"""Clients that have tried in vain for a while come back within 20 s of the log, and then greet."""

SENT = re.compile("stored|delivered|read")

TYPE = """(field, units) => {
  const proto = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
  let text = '';
  for (const unit of units) text += String.fromCharCode(unit);
  field.focus();
  Object.getOwnPropertyDescriptor(proto, 'value').set.call(field, text);
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
}"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of this file alone: its log goes away."""
    build.ensure()
    with running_system(tmp_path_factory.mktemp("own"), adapters=("routing",), agents=(LIN,)) as running:
        yield running


WAITS = {"zh-CN": "{} 条消息将在恢复后发送", "en": "{} messages w"}
WAITS_ONE = {"zh-CN": "1 条消息将在恢复后发送", "en": "1 message waits and will be sent"}
HELD = {"zh-CN": "您仍处于登录状态", "en": "You stay signed in"}
AWAY = {"zh-CN": "恢复后会自动打开", "en": "It opens by itself"}


@contextlib.contextmanager
def away(system: System) -> Iterator[None]:
    """Its log is stopped for as long as the block lasts, whatever comes of it."""
    system.nats.stop()
    try:
        yield
    finally:
        system.nats.start()


def put(where: Frame | Page, composer: str, units: list[int]) -> None:
    """Into a composer, as pasting does, and Enter."""
    field = where.get_by_test_id(composer)
    field.evaluate(TYPE, units)
    field.press("Enter")


def says_why(where: Frame | Page, name: str, locale: str) -> None:
    """What was just put can't be stored: it stands there with the reason."""
    if name in REASONS:
        failed = where.locator('[data-testid="message"][data-state="failed"]')
        expect(failed.filter(has_text=REASONS[name][locale])).to_have_count(1)


def open_desk(people: People, text: str, locale: str) -> tuple[Page, str]:
    """An agent's desk on the conversation with this text."""
    desk = people.agent(LIN, locale=locale)
    desk.get_by_test_id("view-all").click()
    row = desk.get_by_test_id("row").filter(has_text=text)
    row.click()
    message(desk, text).wait_for()
    return desk, str(row.get_attribute("data-conv"))


def written(system: System, conv: str) -> list[str]:
    """The texts of a conversation in the log, in order."""
    return [e.event["text"] for e in run_apart(stored_events(system, conv)) if e.event["type"] == "message.added"]


@pytest.mark.parametrize(("visits", "works"), [("en", "zh-CN"), ("zh-CN", "en")])
def test_no_text_keeps_the_next_message_from_going(
    people: People, host: str, system: System, visits: str, works: str
) -> None:
    window = people.window(locale=visits)
    chat = open_widget(window, f"{host}{visits}")
    say(chat, f"before it all {visits}")
    desk, conv = open_desk(people, f"before it all {visits}", works)
    expected = []
    for number, (name, units) in enumerate(TEXTS.items()):
        put(chat, "widget-composer", units)
        says_why(chat, name, visits)
        say(chat, f"question {number} goes")
        put(desk, "composer", units)
        says_why(desk, name, works)
        answer(desk, f"answer {number} goes")
        message(chat, f"answer {number} goes").wait_for()
        expect(message(chat, f"question {number} goes")).to_have_attribute("data-state", SENT)
        expected += [f"question {number} goes", f"answer {number} goes"]
    picture(desk, f"texts-desk-{works}")
    picture(window, f"texts-widget-{visits}")
    texts = written(system, conv)
    for which in ("question", "answer"):
        assert [text for text in texts if text.startswith(which)] == [text for text in expected if which in text]
    # What a log takes is there, half an emoji as the sign for what is lost.
    assert {text: texts.count(text) for text in STORED} == dict.fromkeys(STORED, 2)
    for where in (chat, desk):
        # It stays where it was written, and the newest stands below.
        expect(where.get_by_test_id("message").last).to_contain_text(f" {len(TEXTS) - 1} goes")


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_what_is_written_while_the_log_is_away_waits_over_a_reload_too_and_goes_by_itself(
    own: System, browser: Browser, locale: str
) -> None:
    people = People(browser, own.nodes[0].http)
    with host_page(own.nodes[0].http) as host:
        window, stranger = people.window(locale=locale), people.window(locale=locale)
        chat = open_widget(window, f"{host}{locale}")
        say(chat, f"before {locale}")
        desk, conv = open_desk(people, f"before {locale}", locale)
        with away(own):
            for number in range(3):
                say(chat, f"question {number}")
                answer(desk, f"answer {number}")
            for where in (chat, desk):
                expect(where.get_by_test_id("connection")).to_contain_text(WAITS[locale].format(3))
            picture(desk, f"away-desk-{locale}")
            picture(window, f"away-widget-{locale}")

            chat = open_widget(window, f"{host}{locale}")
            say(chat, "question 3")
            for number in range(4):
                message(chat, f"question {number}").wait_for()
            expect(chat.get_by_test_id("connection")).to_contain_text(WAITS[locale].format(4))
            picture(window, f"away-widget-anew-{locale}")
            newcomer = open_widget(stranger, f"{host}{locale}")
            say(newcomer, f"somebody new {locale}")
            expect(newcomer.get_by_test_id("connection")).to_contain_text(WAITS_ONE[locale])
            picture(stranger, f"away-widget-new-{locale}")
            desk.reload()
            expect(desk.get_by_test_id("away")).to_contain_text(HELD[locale])
            picture(desk, f"away-desk-anew-{locale}")

        for where in (chat, desk):
            for number in range(4):
                expect(message(where, f"question {number}")).to_have_count(1, timeout=BACK_MS)
            for number in range(3):
                expect(message(where, f"answer {number}")).to_have_count(1, timeout=BACK_MS)
        expect(desk.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        desk.get_by_test_id("row").filter(has_text=f"somebody new {locale}").wait_for(timeout=BACK_MS)
        for where in (chat, newcomer):
            expect(where.locator('[data-testid="message"][data-state="waiting"]')).to_have_count(0)
            expect(where.get_by_test_id("connection")).to_be_hidden()
        picture(desk, f"back-desk-{locale}")
        picture(window, f"back-widget-{locale}")
        texts = written(own, conv)
    people.close()
    assert [t for t in texts if t.startswith("question")] == [f"question {n}" for n in range(4)]
    assert [t for t in texts if t.startswith("answer")] == [f"answer {n}" for n in range(3)]


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_a_chat_that_a_node_knows_nothing_of_yet_says_so_and_opens_by_itself(
    own: System, browser: Browser, locale: str
) -> None:
    node = own.nodes[0]
    people = People(browser, node.http)
    with host_page(node.http) as host:
        window, desk = people.window(locale=locale), people.window(locale=locale)
        with away(own):
            node.end()
            node.start().wait_listening()
            window.goto(f"{host}{locale}")
            open_bubble(window)
            frame = widget_frame(window)
            expect(frame.locator("body")).to_contain_text(AWAY[locale])
            picture(window, f"away-node-widget-{locale}")
            desk.goto(f"{node.http}/")
            picture(desk, f"away-node-desk-{locale}")
        node.wait_ready()
        frame.get_by_test_id("widget-composer").wait_for(timeout=BACK_MS)
        say(frame, "after it all")
        expect(message(frame, "after it all")).to_have_attribute("data-state", SENT)
    people.close()
