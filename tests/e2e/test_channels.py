"""One agent and customers of every channel, side by side in one inbox: real adapters, simulated platforms."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from console import build
from tests.harness.browser import People, answer, message, open_widget, picture, say, violations
from tests.harness.hostpage import host_page
from tests.harness.platforms import Platforms, platforms
from tests.harness.system import LIN, System, running_system
from tests.simulators.base import Simulator

INBOXES = {
    "wechat": ("shop", "听澜家居公众号"),
    "wecom": ("kefu", "听澜家居客服"),
    "douyin": ("douyin", "听澜家居"),
    "telegram": ("bot", "Tinglan support"),
}
SAID = {
    "wechat": "你好，我的羽绒被尺寸发错了，可以换吗？",
    "wecom": "订单 2611190482713 什么时候发货？",
    "douyin": "直播间的沙发还有灰色吗？",
    "telegram": "Hi, can I change the delivery address?",
}
WINDOWS = {"wechat": ("4[78]", 5), "wecom": ("4[78]", 5), "douyin": ("2[34]", 6)}
"""Hours and messages; the desk's clock moves on every 15 s."""

PEERS = {
    "wechat": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
    "wecom": "wmR4Z5EAAAQ",
    "douyin": "douyin-user-1",
    "telegram": "Anna",
}


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with the adapters of four channels beside the web."""
    build.ensure()
    folder = tmp_path_factory.mktemp("channels")
    with running_system(folder, adapters=("routing", *INBOXES), agents=(LIN,)) as running:
        yield running


@pytest.fixture(scope="module")
def world(channels: System) -> Iterator[Platforms]:
    """The platforms."""
    with platforms(channels) as running:
        yield running


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
            world.hears(simulator, PEERS[name], SAID[name])

        _open(desk, "网页上的订单怎么查？", "Web")
        answer(desk, "请在“我的订单”里查看。")
        message(chat, "我的订单").wait_for()
        expect(desk.get_by_test_id("window")).to_have_count(0)
        for name, simulator in accounts.items():
            _answered(desk, world, name, simulator)
    expect(desk.get_by_test_id("row")).to_have_count(5)
    _closes_and_opens_again(desk, world, accounts["wechat"])
    _tells_the_length(desk)
    chinese = crowd.agent(LIN, locale="zh-CN", theme="dark")
    chinese.goto(desk.url)
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
    labels = {"wechat": "WeChat", "wecom": "WeChat Kefu", "douyin": "Douyin", "telegram": "Telegram"}
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


def _closes_and_opens_again(desk: Page, world: Platforms, wechat: Simulator) -> None:
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
    world.hears(wechat, PEERS["wechat"], "我在的")
    expect(held).to_have_attribute("data-state", "sent")
    expect(desk.get_by_test_id("window")).to_contain_text("4 of 5")
    picture(desk, "channels-wechat")


def _tells_the_length(desk: Page) -> None:
    composer = desk.get_by_test_id("composer")
    composer.fill("好" * 600)
    expect(desk.get_by_test_id("length")).to_contain_text("1,800 of 2,048 bytes")
    composer.fill("好" * 700)
    expect(desk.get_by_test_id("length")).to_contain_text("goes out as 2 messages")
    picture(desk, "channels-length")
    composer.fill("")
