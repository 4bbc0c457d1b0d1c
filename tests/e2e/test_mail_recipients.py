"""Whom an answer to a mail goes to stands above the composer; where the sender proves nothing, the agent is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.harness.browser import People, answer, message, picture, violations
from tests.harness.platforms import Platforms
from tests.harness.system import LIN, System

CUSTOMER, THIEF, PARTNER = "zhao@customer.example", "refunds@thief.example", "partner@elsewhere.example"
HEADERS = {"Reply-To": THIEF, "Cc": PARTNER, "Authentication-Results": "mx.shop.example; dmarc=fail"}


@pytest.fixture
def crowd(browser: Browser, channels: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained."""
    made = People(browser, channels.nodes[0].http)
    yield made
    made.close()
    assert made.complaints == []


def test_forged_sender_with_a_reply_to_is_seen_before_the_answer_goes(
    crowd: People, channels: System, world: Platforms
) -> None:
    """The answer goes to the sender, and to the Reply-To only after the agent's click; both languages say so."""
    mail = world.connect("email", "post", "support@shop.example")
    unproven = {**HEADERS, "Authentication-Results": "mx.shop.example; dmarc=none"}
    world.hears(mail, CUSTOMER, "请把退款打到新账户", subject="退款", headers=unproven)
    desk = crowd.agent(LIN, locale="en")
    desk.goto(f"{crowd.node}/#/inbox/all")
    desk.get_by_test_id("row").filter(has_text="请把退款打到新账户").click()
    message(desk, "请把退款打到新账户").wait_for()
    expect(desk.get_by_test_id("doubt")).to_have_text("Sender not verified (no DMARC pass)")
    recipients = desk.get_by_test_id("recipients")
    expect(desk.get_by_test_id("recipients-to")).to_have_text(CUSTOMER)
    expect(recipients).to_contain_text(f"Cc {PARTNER}")
    expect(desk.get_by_test_id("recipients-doubt")).to_contain_text(f"asks for answers at {THIEF}")
    picture(desk, "mail-recipients")
    assert violations(desk) == []
    answer(desk, "Which account?")
    world.until(lambda: "Which account?" in [a.text for a in mail.accepted], "the answer is taken")
    assert {a.peer for a in mail.accepted} == {CUSTOMER}

    desk.get_by_test_id("recipients-choose").click()
    expect(desk.get_by_test_id("recipients-to")).to_have_text(THIEF)
    picture(desk, "mail-recipients-chosen")
    answer(desk, "As you wish")
    world.until(lambda: "As you wish" in [a.text for a in mail.accepted], "the chosen address is written to")
    assert next(a.peer for a in mail.accepted if a.text == "As you wish") == THIEF
    expect(message(desk, "As you wish")).to_have_attribute("data-state", re.compile("accepted|sent"))

    world.hears(mail, CUSTOMER, "快一点", headers=HEADERS)
    chinese = crowd.agent(LIN, locale="zh-CN", theme="dark")
    chinese.goto(desk.url)
    expect(message(chinese, "快一点").get_by_test_id("doubt")).to_have_text("发件人可能是伪造的（DMARC 失败）")
    expect(chinese.get_by_test_id("recipients")).to_contain_text(f"收件人 {CUSTOMER}")
    expect(chinese.get_by_test_id("recipients-doubt")).to_have_count(0)
    picture(chinese, "mail-recipients-zh-CN")
    assert violations(chinese) == []
