"""One agent and customers of every channel, side by side in one inbox: real adapters, simulated platforms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.browser import People, answer, message, open_widget, picture, say, violations
from tests.harness.hostpage import host_page
from tests.harness.platforms import Platforms
from tests.harness.system import LIN, System
from tests.simulators.base import Simulator
from trunkline.talk import parcel

INBOXES = {
    "wechat": ("shop", "听澜家居公众号"),
    "wecom": ("kefu", "听澜家居客服"),
    "douyin": ("douyin", "听澜家居"),
    "telegram": ("bot", "Tinglan support"),
    "email": ("mail", "support@shop.example"),
}
SAID = {
    "wechat": "你好，我的羽绒被尺寸发错了，可以换吗？",
    "wecom": "订单 2611190482713 什么时候发货？",
    "douyin": "直播间的沙发还有灰色吗？",
    "telegram": "Hi, can I change the delivery address?",
    "email": "收到的羽绒被破了一个洞，照片见附件。",
}
MORE: dict[str, dict[str, Any]] = {
    "email": {
        "subject": "羽绒被破损",
        "kind": "image",
        "content": parcel(),
        "name": "quilt.png",
        "html": "<p>收到的羽绒被<b>破了一个洞</b>，照片见附件。</p>"
        '<script>document.body.textContent = "it ran"</script><img src="https://tracker.example/seen.png">',
    }
}
WINDOWS = {"wechat": ("4[78]", 5), "wecom": ("4[78]", 5), "douyin": ("2[34]", 6)}
"""Hours and messages; the desk's clock moves on every 15 s."""

PEERS = {
    "wechat": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
    "wecom": "wmR4Z5EAAAQ",
    "douyin": "douyin-user-1",
    "telegram": "Anna",
    "email": "mei@elsewhere.example",
}


@pytest.fixture
def crowd(browser: Browser, channels: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained."""
    made = People(browser, channels.nodes[0].http)
    yield made
    made.close()
    assert made.complaints == []


def test_one_agent_answers_every_channel(crowd: People, channels: System, world: Platforms) -> None:
    """Each customer's words come to the desk, each answer goes out, and the desk says what each channel allows."""
    accounts = {name: world.connect(name, *INBOXES[name]) for name in INBOXES}
    desk = crowd.agent(LIN, locale="en")
    desk.goto(f"{crowd.node}/#/inbox/all")
    with host_page(crowd.node) as host:
        visitor = crowd.window(locale="zh-CN")
        chat = open_widget(visitor, f"{host}zh-CN")
        say(chat, "网页上的订单怎么查？")
        for name, simulator in accounts.items():
            world.hears(simulator, PEERS[name], SAID[name], **MORE.get(name, {}))

        _open(desk, "网页上的订单怎么查？", "Web")
        answer(desk, "请在“我的订单”里查看。")
        message(chat, "我的订单").wait_for()
        expect(desk.get_by_test_id("window")).to_have_count(0)
        for name, simulator in accounts.items():
            _answered(desk, world, name, simulator)
    for last in ("我的订单", *(f"Answer for {name}" for name in INBOXES)):
        expect(desk.get_by_test_id("row").filter(has_text=last)).to_have_count(1)
    _shows_the_mail(desk)
    chinese = crowd.agent(LIN, locale="zh-CN", theme="dark")
    _says_why_a_file_is_missing(desk, chinese, world, accounts["telegram"])
    _closes_and_opens_again(desk, chinese, world, accounts["wechat"])
    refused = "WeChat takes no such file, and no public address is set for a link."
    _tells_as_what_it_goes_out(desk, ("1,800 of 2,048 bytes", "Goes out as 2 messages", refused))
    picture(desk, "channels-length")
    _tells_as_what_it_goes_out(chinese, ("1,800 / 2,048 字节", "将分 2 条发送", "微信公众号不支持这种文件，也未设置"))
    expect(chinese.get_by_test_id("window")).to_contain_text("还可回复")
    picture(chinese, "channels-zh-CN-dark")
    assert violations(chinese) == []


def _open(desk: Page, text: str, channel: str) -> None:
    row = desk.get_by_test_id("row").filter(has_text=text)
    row.wait_for()
    expect(row.get_by_role("img", name=channel, exact=True)).to_have_count(1)
    row.click()
    message(desk, text).wait_for()


def _answered(desk: Page, world: Platforms, name: str, simulator: Simulator) -> None:
    labels = {"wechat": "WeChat", "wecom": "WeChat Kefu", "douyin": "Douyin", "telegram": "Telegram", "email": "Email"}
    _open(desk, SAID[name], labels[name])
    expect(desk.locator("[data-part=conversation] header").first).to_contain_text(INBOXES[name][1])
    clock = desk.get_by_test_id("window")
    if name in WINDOWS:
        hours, of = WINDOWS[name]
        expect(clock).to_have_text(re.compile(f"{labels[name]}: {hours} h left, {of} of {of}"))
    else:
        expect(clock).to_have_count(0)
    answer(desk, f"Answer for {name}")
    world.until(lambda: f"Answer for {name}" in [a.text for a in simulator.accepted], f"{name} accepts the answer")
    mine = message(desk, f"Answer for {name}")
    expect(mine).to_have_attribute("data-state", re.compile("accepted|sent"))
    if name in WINDOWS:
        expect(clock).to_contain_text(f"{of - 1} of {of}")


def _shows_the_mail(desk: Page) -> None:
    """As it was written, in a frame that can do nothing; what is elsewhere is loaded when the agent asks."""
    _open(desk, "Answer for email", "Email")
    expect(desk.get_by_text("羽绒被破损").first).to_be_visible()
    expect(desk.locator("[data-part=conversation] img[src*='/files/']").first).to_be_visible()
    picture(desk, "channels-email")
    desk.get_by_test_id("mail-show").press("Enter")
    mail = desk.frame_locator("[data-testid=mail-frame]")
    expect(mail.locator("b")).to_have_text("破了一个洞")
    expect(mail.locator("body")).not_to_contain_text("it ran")
    expect(mail.locator("img[src*=tracker]")).to_have_count(0)
    picture(desk, "channels-email-original")
    assert violations(desk) == []
    desk.keyboard.press("Escape")
    expect(desk.get_by_test_id("mail-frame")).to_have_count(0)
    expect(desk.get_by_test_id("mail-show")).to_be_focused()


def _says_why_a_file_is_missing(desk: Page, chinese: Page, world: Platforms, telegram: Simulator) -> None:
    """Where the picture would be, in words of both languages."""
    _open(desk, "Answer for telegram", "Telegram")
    world.hears(telegram, PEERS["telegram"], kind="image", content=b"MZ" + bytes(128))
    lost = desk.get_by_test_id("lost")
    expect(lost).to_contain_text("Programs can't be sent.")
    expect(desk.get_by_test_id("picture")).to_have_count(0)
    picture(desk, "channels-lost-file")
    assert violations(desk) == []
    chinese.goto(desk.url)
    expect(chinese.get_by_test_id("lost")).to_contain_text("不接收程序文件。")


def _closes_and_opens_again(desk: Page, chinese: Page, world: Platforms, wechat: Simulator) -> None:
    """WeChat refuses with 45015: the desk says why in words; when the customer writes, what waited goes out."""
    _open(desk, "Answer for wechat", "WeChat")
    wechat.script("window")
    answer(desk, "需要您先回复一下")
    held = message(desk, "需要您先回复一下")
    expect(held).to_have_attribute("data-state", "held")
    expect(held).to_contain_text("over 48 hours ago, or they no longer follow the account")
    closed = desk.get_by_test_id("window")
    expect(closed).to_have_attribute("data-state", "closed")
    expect(closed).to_contain_text("WeChat is closed. The customer's last message is over 48 hours ago")
    expect(desk.get_by_test_id("send")).to_have_text("Send when they write")
    picture(desk, "channels-window-closed")
    assert violations(desk) == []
    chinese.goto(desk.url)
    reason = "客户上次来信已超过 48 小时，或已取消关注公众号。"
    expect(message(chinese, "需要您先回复一下")).to_contain_text(reason)
    expect(chinese.get_by_test_id("window")).to_contain_text(reason)
    picture(chinese, "channels-window-closed-zh-CN")
    assert violations(chinese) == []
    world.hears(wechat, PEERS["wechat"], "我在的")
    expect(held).to_have_attribute("data-state", "sent")
    expect(desk.get_by_test_id("window")).to_contain_text("4 of 5")
    picture(desk, "channels-wechat")


def _tells_as_what_it_goes_out(desk: Page, said: tuple[str, str, str]) -> None:
    """Near the limit, over it, and with a file that WeChat doesn't carry; customers reach no node to fetch it from."""
    near, parts, refused = said
    composer, length = desk.get_by_test_id("composer"), desk.get_by_test_id("length")
    composer.fill("好" * 600)
    expect(length).to_contain_text(near)
    composer.fill("好" * 700)
    expect(length).to_contain_text(parts)
    composer.fill("请看附件")
    expect(length).to_have_count(0)
    # What counts is the type that the node finds, not the one that the browser guesses.
    desk.get_by_test_id("attach").set_input_files({"name": "photo.webp", "mimeType": "image/webp", "buffer": parcel()})
    expect(desk.get_by_test_id("upload")).to_have_attribute("data-state", "done")
    expect(desk.get_by_test_id("send")).to_be_enabled()
    desk.get_by_test_id("upload").get_by_role("button").click()
    desk.get_by_test_id("attach").set_input_files(
        {"name": "退换货说明.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
    )
    expect(desk.get_by_test_id("upload")).to_contain_text(refused)
    expect(desk.get_by_test_id("send")).to_be_disabled()
    composer.press("Enter")
    expect(composer).to_have_value("请看附件")
