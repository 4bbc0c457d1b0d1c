"""What customers enter, choose, correct and withdraw as the desk shows it; and what an agent changes and withdraws."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from backbone import directory
from backbone import events as ev
from backbone.directory import Agent
from backbone.ids import new_event_id
from backbone.log import Log
from backbone.nats import subjects
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.browser import People, answer, message, open_widget, picture, say, violations
from tests.harness.platforms import Platforms
from tests.harness.system import LIN, TENANT, Login, System
from tests.simulators.base import Simulator
from trunkline.connect import connected

ITEMS = [
    {"product_retailer_id": "celadon-mug", "quantity": 2, "item_price": 18.5, "currency": "EUR"},
    {"product_retailer_id": "oolong-250", "quantity": 1, "item_price": 12, "currency": "EUR"},
]
DAY_MS = 86_400_000
GU = Login("gu", "顾言", "gu@example.com")
EVERYTHING: dict[str, Any] = {
    "author": "Zhao",
    "forwarded": True,
    "forwarded_from": "Eve",
    "quoted": "When does it come?",
    "card": {"title": "A chair", "description": "oak " * 200, "url": "https://shop.example/chair"},
    "poll": {"question": "Which colour?", "options": "grey, green"},
    "contact": [{"name": "Mallory", "phone": "+49 30 1"}],
    "product": {"id": "celadon-mug", "title": "Mug", "price": "18.50 EUR"},
    "links": [{"text": "here", "url": "https://a.example/b"}, {"text": "there", "url": "javascript:alert(1)"}],
    "choice_text": "Talk to us",
    "scene": "till-4",
    "loyalty": {"<b>level</b>": "<img src=x onerror=alert(1)>"},
    "cut": True,
    "hidden": 120,
}


@pytest.fixture
def crowd(browser: Browser, channels: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained."""
    made = People(browser, channels.nodes[0].http)
    yield made
    made.close()
    assert made.complaints == []


def _at(crowd: People, text: str, **more: str) -> Page:
    """An agent's desk with the conversation whose last words these are."""
    desk = crowd.agent(LIN, **more)
    desk.goto(f"{crowd.node}/#/inbox/all")
    row = desk.get_by_test_id("row").filter(has_text=text)
    row.click()
    message(desk, text).first.wait_for()
    return desk


def _seen(desk: Page, name: str) -> None:
    """Kept as a picture, and held against WCAG."""
    desk.mouse.move(700, 5)
    picture(desk, name)
    assert violations(desk) == []


def _in_chinese(crowd: People, desk: Page) -> Page:
    chinese = crowd.agent(LIN, locale="zh-CN", theme="dark")
    chinese.goto(desk.url)
    chinese.get_by_test_id("message").first.wait_for()
    return chinese


def test_a_place_a_form_and_an_order_are_drawn(crowd: People, world: Platforms) -> None:
    wechat = world.connect("wechat", "data-shop", "听澜家居公众号")
    whatsapp = world.connect("whatsapp", "data-tea", "Tinglan Tea")
    world.hears(wechat, "o6_place", "广州塔", kind="location")
    world.tells(whatsapp, lambda: whatsapp.fills_in("Vera", "Which day suits you?", "Saturday"))
    world.hears(whatsapp, "Vera", kind="order", order={"catalog_id": "77", "text": "Gift wrap", "product_items": ITEMS})

    desk = _at(crowd, "广州塔")
    place = desk.get_by_test_id("place")
    expect(place).to_contain_text("23.134521, 113.358803")
    expect(desk.get_by_text("广州塔").locator("visible=true")).not_to_have_count(0)
    expect(place.get_by_test_id("map-osm")).to_have_attribute(
        "href", "https://www.openstreetmap.org/?mlat=23.134521&mlon=113.358803#map=16/23.134521/113.358803"
    )
    expect(place.get_by_test_id("map-apple")).to_have_count(1)
    _seen(desk, "data-place")
    chinese = _in_chinese(crowd, desk)
    expect(chinese.get_by_test_id("map-amap")).to_have_text("高德地图")
    _seen(chinese, "data-place-zh-CN-dark")

    desk.get_by_test_id("row").filter(has_text="Gift wrap").click()
    form = desk.get_by_test_id("form")
    expect(form.locator("dt")).to_have_text("Which day suits you?")
    expect(form.locator("dd")).to_have_text("Saturday")
    lines = desk.get_by_test_id("order-line")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("celadon-mug")
    expect(desk.get_by_test_id("order-total")).to_contain_text("49 EUR")
    # The lines that an adapter writes for lists and search aren't drawn a second time.
    expect(message(desk, "2 × celadon-mug 18.5 EUR")).to_have_count(0)
    _seen(desk, "data-order")
    _seen(_in_chinese(crowd, desk), "data-order-zh-CN-dark")


@pytest.mark.rest
def test_a_group_has_authors(crowd: People, world: Platforms) -> None:
    telegram = world.connect("telegram", "data-bot", "Tinglan support")
    world.tells(telegram, lambda: telegram.says_in_group("Family", "Zhao", "When does it come?"))
    world.tells(telegram, lambda: telegram.says_in_group("Family", "Qian", "I am at home on Friday"))
    desk = _at(crowd, "I am at home on Friday")
    expect(desk.get_by_test_id("author")).to_have_text(["Zhao:", "Qian:"])
    _seen(desk, "data-group")
    chinese = _in_chinese(crowd, desk)
    expect(chinese.get_by_test_id("author")).to_have_text(["Zhao：", "Qian："])


@pytest.mark.rest
def test_a_sticker_a_place_and_a_group_of_line_are_drawn(crowd: People, world: Platforms) -> None:
    line = world.connect("line", "data-line", "Tinglan LINE")
    world.hears(line, "Hana", kind="sticker")
    world.hears(line, "Hana", "Tokyo Tower", kind="location")
    world.tells(line, lambda: line.says_in_group("Family of Hana", "Ken", "We are there at noon"))
    desk = _at(crowd, "Tokyo Tower")
    expect(message(desk, "hi, wave")).to_contain_text("446/1988 ANIMATION")
    expect(desk.get_by_test_id("place")).to_contain_text("31.25, 121.5")
    _seen(desk, "data-line")
    desk.get_by_test_id("row").filter(has_text="We are there at noon").click()
    expect(desk.get_by_test_id("author")).to_have_text(["Ken:"])


@pytest.mark.rest
def test_a_customer_corrects_and_withdraws(crowd: People, world: Platforms) -> None:
    whatsapp = world.connect("whatsapp", "data-wa", "Tinglan WhatsApp")
    world.hears(whatsapp, "Nora", "I live at Elm Street 1")
    desk = _at(crowd, "I live at Elm Street 1")
    world.tells(whatsapp, lambda: whatsapp.rewrites("Nora", "I live at Elm Street 11"))
    expect(message(desk, "Elm Street 11")).to_contain_text("edited")
    world.hears(whatsapp, "Nora", "my PIN is 0000")
    message(desk, "my PIN").wait_for()
    world.tells(whatsapp, lambda: whatsapp.takes_back("Nora"))
    gone = message(desk, "Nora withdrew this message")
    expect(gone).to_have_count(1)
    expect(desk.get_by_text("my PIN is 0000")).to_have_count(0)
    expect(desk.locator("[data-testid=row][aria-selected=true]")).to_contain_text("This message was withdrawn")
    _seen(desk, "data-withdrawn")
    _seen(_in_chinese(crowd, desk), "data-withdrawn-zh-CN-dark")


def test_an_agent_changes_and_withdraws_as_a_channel_allows(crowd: People, channels: System, world: Platforms) -> None:
    """Telegram withdraws for 48 hours and changes always; the draft is there again behind it."""
    telegram = world.connect("telegram", "data-bot-2", "Tinglan bot")
    world.hears(telegram, "Otto", "Is it open on Sunday?")
    desk = _at(crowd, "Is it open on Sunday?")
    conv = desk.locator("[data-testid=row][aria-selected=true]").get_attribute("data-conv") or ""
    _said_days_ago(channels, world, conv, "We are closed for a week")
    answer(desk, "Yes, from 10 to 71")
    _went_out(world, telegram, "Yes, from 10 to 71")
    composer = desk.get_by_test_id("composer")
    composer.fill("a draft that stays")

    _menu(desk, "from 10 to 71")
    expect(desk.get_by_test_id("recall-leave")).to_have_text("can be withdrawn for 47 h")
    _seen(desk, "data-menu")
    desk.get_by_test_id("message-edit").click()
    expect(composer).to_have_value("Yes, from 10 to 71")
    expect(desk.get_by_test_id("send")).to_be_disabled()
    composer.press("Escape")
    expect(composer).to_have_value("a draft that stays")
    _menu(desk, "from 10 to 71")
    desk.get_by_test_id("message-edit").click()
    composer.fill("Yes, from 10 to 17")
    _seen(desk, "data-editing")
    composer.press("Enter")
    expect(message(desk, "from 10 to 17")).to_contain_text("edited")
    expect(composer).to_have_value("a draft that stays")
    world.until(lambda: "Yes, from 10 to 17" in telegram.changed, "Telegram changes it")

    _menu(desk, "closed for a week")
    expect(desk.get_by_test_id("message-recall")).to_have_attribute("aria-disabled", "true")
    expect(desk.get_by_test_id("recall-leave")).to_have_text("This channel lets it be done for 48 h after sending.")
    _seen(desk, "data-too-late")
    desk.keyboard.press("Escape")

    _menu(desk, "from 10 to 17")
    desk.get_by_test_id("message-recall").click()
    _seen(desk, "data-withdraw")
    desk.get_by_test_id("withdraw-go").click()
    expect(message(desk, "You withdrew this message")).to_have_count(1)
    world.until(lambda: len(telegram.withdrawn) == 1, "Telegram withdraws it")


@pytest.mark.rest
def test_what_the_platform_refuses_is_told_at_the_message(crowd: People, world: Platforms) -> None:
    """WeCom is asked in time, and is late itself: the customer still has the message, and the desk says so."""
    wecom = world.connect("wecom", "data-kefu", "听澜家居客服")
    world.hears(wecom, "wm-refused", "价格是多少？")
    desk = _at(crowd, "价格是多少？")
    answer(desk, "价格是 1 元")
    _went_out(world, wecom, "价格是 1 元")
    wecom.recall_s = -1.0  # type: ignore[attr-defined]
    _menu(desk, "价格是 1 元")
    expect(desk.get_by_test_id("recall-leave")).to_contain_text("can be withdrawn for")
    expect(desk.get_by_test_id("edit-leave")).to_have_text("On this channel what was sent stays as it is.")
    desk.get_by_test_id("message-recall").click()
    desk.get_by_test_id("withdraw-go").click()
    expect(desk.get_by_test_id("not-changed")).to_contain_text("The customer still sees this message")
    _seen(desk, "data-refused")
    chinese = _in_chinese(crowd, desk)
    expect(chinese.get_by_test_id("not-changed")).to_contain_text("客户仍能看到这条消息")
    _seen(chinese, "data-refused-zh-CN-dark")


def _menu(desk: Page, text: str) -> None:
    """Opens the menu of a message."""
    said = message(desk, text)
    said.hover()
    said.get_by_test_id("message-menu").click()
    desk.get_by_test_id("message-recall").wait_for()


def _went_out(world: Platforms, simulator: Simulator, text: str) -> None:
    world.until(lambda: text in [one.text for one in simulator.accepted], f"{simulator.name} accepts {text}")


def _said_days_ago(system: System, world: Platforms, conv: str, text: str) -> None:
    """A message of the agent's with a time of three days ago."""
    at = int(time.time() * 1000) - 3 * DAY_MS
    world.do(_publish(system, "telegram", conv, ev.Actor("agent", LIN.id, LIN.name), text, at=at))


async def _publish(system: System, channel: str, conv: str, by: ev.Actor, text: str, **more: Any) -> None:
    """A message, straight into the log."""
    told = {"at": int(time.time() * 1000), **more}
    added = ev.MessageAdded(id=new_event_id(), tenant=TENANT, channel=channel, conv=conv, by=by, text=text, **told)
    async with connected(system.common, "test") as link:
        await Log(link).publish(subjects.chat(TENANT, channel, conv), added)


@pytest.mark.rest
def test_desk_and_widget_draw_every_kind_as_text(people: People, host: str, system: System) -> None:
    desk = people.agent(LIN)
    visitor = people.window(locale="zh-CN", theme="dark", viewport={"width": 420, "height": 900})
    chat = open_widget(visitor, f"{host}zh-CN")
    say(chat, "什么都有")
    desk.goto(f"{people.node}/#/inbox/all")
    row = desk.get_by_test_id("row").filter(has_text="什么都有")
    row.click()
    conv = row.get_attribute("data-conv") or ""
    run_apart(_publish(system, "web", conv, ev.Actor("visitor", "c", "Vera"), "see below", data=EVERYTHING, html="<p>"))
    for where in (desk, chat):
        said = message(where, "see below")
        expect(said.get_by_test_id("card").get_by_role("link")).to_have_attribute("href", "https://shop.example/chair")
        expect(said.get_by_test_id("links").get_by_role("link")).to_have_count(1)
        expect(said.get_by_test_id("links")).to_contain_text("there: javascript:alert(1)")
        expect(said.get_by_test_id("data-rows")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(said.locator("img")).to_have_count(0)
        expect(said.get_by_test_id("poll")).to_contain_text("green")
        said.get_by_test_id("card").get_by_test_id("data-more").click()
        expect(said.get_by_test_id("card").get_by_test_id("data-more")).to_have_count(0)
        assert violations(where) == []
    expect(message(desk, "see below").get_by_test_id("hidden")).to_contain_text("120 more characters of quoted history")
    expect(message(chat, "see below").get_by_test_id("mail-show")).to_have_count(0)
    picture(visitor, "data-everything-widget-dark")
    picture(desk, "data-everything")
    expect(desk.get_by_test_id("mail-show")).to_have_text("Show original")


@pytest.mark.rest
def test_an_admin_says_what_opens_a_conversation(crowd: People, channels: System, world: Platforms) -> None:
    """Who only follows opens none; once the inbox says that whoever comes in does, they are greeted."""
    run_apart(_add_admin(channels))
    wechat = world.connect("wechat", "data-follow", "听澜关注")
    page = crowd.signed_in(GU)
    page.goto(f"{crowd.node}/#/settings/inboxes/at/data-follow")
    expect(page.get_by_test_id("field-opens_on")).to_have_value("asked")
    page.get_by_test_id("field-opens_on").select_option("entered")
    page.get_by_test_id("field-greeting").fill("欢迎关注听澜")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("saved")).to_have_text("Saved")
    _seen(page, "data-opens-on")
    chinese = crowd.signed_in(GU, locale="zh-CN", theme="dark")
    chinese.goto(page.url)
    expect(chinese.get_by_test_id("field-opens_on")).to_have_value("entered")
    _seen(chinese, "data-opens-on-zh-CN-dark")

    deadline = time.monotonic() + 30
    greeted: list[str] = []
    # The adapter takes a setting up a moment after it is stored.
    for n in itertools.count():
        world.tells(wechat, lambda n=n: wechat.comes_by(f"o6_follow_{n}", "till-4"))  # type: ignore[misc]
        page.wait_for_timeout(500)
        greeted = [one.text for one in wechat.accepted]
        if greeted or time.monotonic() > deadline:
            break
    assert greeted[0] == "欢迎关注听澜"
    desk = _at(crowd, "欢迎关注听澜")
    expect(desk.get_by_test_id("fact").filter(has_text="The customer came by “till-4”")).to_have_count(1)
    _seen(desk, "data-came-by")
    tapped = "The customer tapped “V1001_HUMAN”"
    peer = wechat.accepted[0].peer
    world.tells(wechat, lambda: wechat.taps(peer, "V1001_HUMAN"))
    expect(desk.get_by_test_id("fact").filter(has_text=tapped)).to_have_count(1)


async def _add_admin(system: System) -> None:
    async with connected(system.common, "test") as link:
        hashed = await hash_password(GU.password)
        admin = Agent(id=GU.id, name=GU.name, email=GU.email, password=hashed, role="admin")
        await directory.create_agent(link, TENANT, admin)
