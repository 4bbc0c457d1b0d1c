"""The page of channels in every state that an admin can meet: forms, mistakes, illness, a broken plugin, removal."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from backbone import directory
from backbone.accounts import about
from backbone.accounts.registry import Broken
from backbone.directory import Agent
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.browser import People, answer, message, picture, violations
from tests.harness.platforms import Platforms
from tests.harness.system import LIN, TENANT, Login, System
from tests.harness.waiting import wait_until
from tests.simulators.base import Simulator
from trunkline import rest
from trunkline.connect import connected
from trunkline.talk import parcel

QI = Login("qi", "齐晨", "qi@example.com")
FENG = Login("feng", "冯雪", "feng@example.com")
"""Admin of a company that has connected nothing."""

OURS = (
    "api", "app", "douyin", "email", "instagram", "line", "messenger", "miniprogram", "telegram", "wechat", "wecom",
    "whatsapp",
)  # fmt: skip
NARROW = {"width": 375, "height": 740}
BROKEN = "it can't be loaded: ImportError: no wings"
EXPECTED = re.compile(r"ERR_INTERNET_DISCONNECTED|status of (409|422)")
"""What a browser's console says of refusals and outages that these journeys bring about."""


@pytest.fixture(scope="module", autouse=True)
def _prepared(channels: System) -> None:
    """Two admins, and a plugin that can't be loaded any more."""
    run_apart(_prepare(channels))
    node = channels.nodes[0].http
    who = {"Cookie": rest.sign_in(node, QI.email, QI.password).cookie}

    def known() -> set[str]:
        answer = rest.call("GET", f"{node}/api/v1/channels", headers=who)
        return {one["name"] for one in answer.body["items"]}

    # A node keeps for 5 s what it knows of channels; a page asks it once.
    wait_until(lambda: "pigeon" in known(), "the node hears of the plugin")


@pytest.fixture
def crowd(browser: Browser, channels: System) -> Iterator[People]:
    """Windows for this journey; at its end no console may have complained of anything unexpected."""
    made = People(browser, channels.nodes[0].http)
    yield made
    made.close()
    assert [said for said in made.complaints if not EXPECTED.search(said)] == []


async def _prepare(system: System) -> None:
    async with connected(system.common, "test") as link:
        hashed = await hash_password(QI.password)
        admin = Agent(id=QI.id, name=QI.name, email=QI.email, password=hashed, role="admin")
        await directory.create_agent(link, TENANT, admin)
        begins = Agent(id=FENG.id, name=FENG.name, email=FENG.email, password=hashed, role="admin")
        await directory.create_tenant(link, "begins", "Begins")
        await directory.create_agent(link, "begins", begins)
        await directory.create_inbox(link, "begins", directory.Inbox(id="begins-web", channel="web", name="Web"))
        await about.publish(link, [about.broken(Broken("pigeon", BROKEN))])


async def _add_broken(system: System) -> None:
    async with connected(system.common, "test") as link:
        await directory.create_inbox(link, TENANT, directory.Inbox(id="coop", channel="pigeon", name="The coop"))


def test_an_account_from_the_first_form_to_its_end(crowd: People, world: Platforms) -> None:
    """By keyboard: a form, a mistake that only the node knows, illness and its remedy, the end of it."""
    page = crowd.agent(QI, theme="dark")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.get_by_test_id("channel-add").press("Enter")
    expect(page.get_by_role("heading", name="Which channel?")).to_be_focused()
    expect(page.get_by_test_id("broken-pigeon")).to_contain_text(f"pigeon can't be used: {BROKEN}")
    _each_form_is_drawn(page)
    simulator = world.start("wechat", "guan")
    _connect(page, simulator.account())
    _is_ill(page, world, simulator)
    _ends(page, world, simulator)


@pytest.mark.rest
def test_nothing_is_connected_yet(crowd: People, channels: System) -> None:
    """With nothing but the own page, without a connection, and while it loads."""
    page = crowd.agent(FENG, theme="dark")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.get_by_text("Only your own web page is connected so far").wait_for()
    expect(page.get_by_test_id("health")).to_have_text("Own page: customers come to this server")
    picture(page, "accounts-empty")
    assert violations(page) == []
    _names_its_sites(page)
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.get_by_test_id("view-mine").wait_for()
    page.context.set_offline(True)
    page.keyboard.press("g")
    page.keyboard.press("c")
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    expect(page.get_by_role("alert").filter(has_text="The channels are not available")).to_be_visible()
    picture(page, "accounts-error")
    assert violations(page) == []
    page.context.set_offline(False)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/inboxes?health=true", hold)
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.get_by_test_id("view-mine").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.locator("i.sk").first.wait_for()
    picture(page, "accounts-loading")
    for route in held:
        route.continue_()
    page.unroute("**/api/v1/inboxes?health=true")
    page.get_by_test_id("inbox").first.wait_for()


def _names_its_sites(page: Page) -> None:
    """The own page's inbox: which sites may show the chat; what isn't one is said at the field."""
    page.get_by_role("link", name="Web").press("Enter")
    sites = page.get_by_test_id("field-inbox.origins")
    expect(sites).to_have_value("*")
    sites.fill("shop.example")
    page.get_by_test_id("own-save").click()
    expect(sites).to_have_attribute("aria-invalid", "true")
    page.get_by_text("Write sites as https://www.example.com").wait_for()
    picture(page, "own-form")
    assert violations(page) == []
    sites.fill("https://shop.example/\nhttps://*.example.com")
    page.get_by_test_id("own-save").click()
    expect(sites).to_have_value("https://shop.example\nhttps://*.example.com")
    page.get_by_text("Saved").wait_for()


def _each_form_is_drawn(page: Page) -> None:
    """A control for every field that the channel's schema has, of the field's kind; secrets are covered."""
    for channel in OURS:
        page.evaluate(f"location.hash = '#/channels/new/{channel}'")
        page.get_by_test_id("account-form").wait_for()
        fields = page.evaluate("async name => (await (await fetch(`/api/v1/channels/${name}`)).json()).fields", channel)
        drawn = page.get_by_test_id("account-form").evaluate(_KINDS)
        assert drawn == {field["key"]: _kind_of(field) for field in fields}, channel
        if channel == "email":
            expect(page.get_by_test_id("field-auth")).to_have_value("password")
            picture(page, "accounts-form-email")
            assert violations(page) == []
        if channel == "app":
            expect(page.get_by_test_id("field-algorithm")).to_have_value("HS256")
            page.get_by_test_id("field-apns_key").scroll_into_view_if_needed()
            picture(page, "accounts-form-app")
            assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_test_id("channel-wechat").wait_for()


_KINDS = """form => Object.fromEntries(
    [...form.querySelectorAll('[name]')]
        .filter(one => !one.name.startsWith('inbox.'))
        .map(one => [one.name, one.tagName === 'INPUT' ? one.type : one.tagName.toLowerCase()]))"""
"""Of each field of a channel's, by its name, the kind of its control."""


def _kind_of(field: dict[str, Any]) -> str:
    kind = field.get("kind", "text")
    if kind == "flag":
        return "checkbox"
    if kind == "choice":
        return "select"
    if kind == "list" or field.get("long"):
        return "textarea"
    return "password" if field.get("secret") else "text"


def _connect(page: Page, account: dict[str, Any]) -> None:
    """Mistakes are told at their fields, of which the first has the focus, also one that only the node can find."""
    page.get_by_test_id("channel-wechat").press("Enter")
    expect(page.get_by_role("heading", name="Connect WeChat")).to_be_focused()
    page.get_by_test_id("field-aes_key").fill("too short")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("field-app_id")).to_be_focused()
    expect(page.get_by_test_id("problem-app_id")).to_have_text("This is needed.")
    expect(page.get_by_test_id("problem-aes_key")).to_have_text("This does not have the form it must have.")
    page.get_by_test_id("field-inbox.id").fill("web")
    for key in ("app_id", "app_secret", "token", "aes_key"):
        page.get_by_test_id(f"field-{key}").fill(account[key])
    page.get_by_text("with a default").press("Enter")
    page.get_by_test_id("field-api").fill(account["api"])
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("field-inbox.id")).to_be_focused()
    expect(page.get_by_test_id("problem-inbox.id")).to_have_text("There is an inbox of this id already.")
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    picture(page, "accounts-refused")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("guan")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="WeChat")).to_be_focused()
    expect(page.get_by_test_id("health")).to_have_attribute("data-state", "quiet")
    expect(page.get_by_test_id("callback")).to_have_value(re.compile(r"^http://127\.0\.0\.1:\d+/hooks/wechat/guan$"))
    page.get_by_test_id("account-check").press("Enter")
    expect(page.get_by_test_id("finding").first).to_have_attribute("data-state", "good")
    for key in ("app_secret", "token", "aes_key"):
        assert account[key] not in page.content()


def _is_ill(page: Page, world: Platforms, simulator: Simulator) -> None:
    """Another secret pauses the account, with the platform's reason in words; the right one sends what waited."""
    secret = simulator.account()["app_secret"]
    world.hears(simulator, "o-ill", "在吗")
    expect(page.get_by_test_id("health")).to_have_attribute("data-state", "well")
    replace = page.get_by_test_id("field-app_secret")
    replace.press("Enter")
    expect(replace).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Replace AppSecret").wait_for()
    page.get_by_test_id("account-check").press("Enter")
    expect(page.get_by_test_id("finding").first).to_contain_text("AppSecret is wrong (40125)")
    page.evaluate("location.hash = '#/inbox/all'")
    page.get_by_test_id("row").filter(has_text="在吗").click()
    answer(page, "稍等")
    held = message(page, "稍等")
    expect(held).to_have_attribute("data-state", "held")
    expect(held).to_contain_text("the account is paused. The AppSecret is wrong (40125)")
    page.evaluate("location.hash = '#/channels/at/guan'")
    health = page.get_by_test_id("health")
    expect(health).to_have_attribute("data-state", "ill")
    expect(health).to_contain_text(
        re.compile(r"Paused since \d\d:\d\d; messages wait\. The AppSecret is wrong \(40125\)")
    )
    expect(page.get_by_test_id("remedy")).to_contain_text("Correct the settings and save")
    picture(page, "accounts-ill")
    assert violations(page) == []
    _speaks_the_other_language(page)
    expect(health).to_contain_text("AppSecret 错误（40125），请填写后台显示的 AppSecret。")
    picture(page, "accounts-ill-zh-CN")
    _speaks_the_other_language(page)
    expect(health).to_contain_text("The AppSecret is wrong (40125)")
    replace.press("Enter")
    expect(replace).to_be_focused()
    page.keyboard.type(secret)
    page.keyboard.press("Enter")
    world.until(lambda: "稍等" in [one.text for one in simulator.accepted], "what waited goes out")
    expect(health).to_have_attribute("data-state", "well")


def _speaks_the_other_language(page: Page) -> None:
    page.get_by_test_id("me").click()
    page.get_by_test_id("language").click()
    # The menu gives the focus back when it closes: a key that comes before goes elsewhere.
    expect(page.get_by_test_id("language")).to_be_hidden()


def _ends(page: Page, world: Platforms, simulator: Simulator) -> None:
    """Asked first, with what it does; Esc keeps it; afterwards its conversations say so and their answers wait."""
    page.evaluate("location.hash = '#/inbox/all'")
    page.get_by_test_id("row").filter(has_text="稍等").click()
    expect(message(page, "稍等")).to_have_attribute("data-state", "sent")
    conv = page.url
    page.evaluate("location.hash = '#/channels/at/guan'")
    remove = page.get_by_test_id("account-remove")
    remove.press("Enter")
    expect(page.get_by_test_id("remove-cancel")).to_be_focused()
    expect(page.get_by_test_id("remove-dialog")).to_contain_text("connected under the id guan again")
    picture(page, "accounts-remove")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("remove-dialog")).to_have_count(0)
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_test_id("remove-cancel").press("Tab")
    expect(page.get_by_test_id("remove-confirm")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Channels")).to_be_focused()
    expect(page.locator("[data-inbox=guan]")).to_have_count(0)
    page.goto(conv)
    expect(page.get_by_test_id("removed")).to_contain_text("The account of this conversation was removed.")
    answer(page, "还在吗")
    expect(message(page, "还在吗")).to_contain_text("its account was removed")
    picture(page, "accounts-removed")
    assert violations(page) == []
    [push] = simulator.say("o-ill", "收到了吗")
    assert world.do(simulator.deliver(push, 1)) == 401
    world.connect_again(simulator, "guan", "公众号")
    world.until(lambda: "还在吗" in [one.text for one in simulator.accepted], "what waited for the account goes out")
    expect(message(page, "还在吗")).to_have_attribute("data-state", "sent")


@pytest.mark.rest
def test_a_template_is_sent_while_the_window_is_closed(crowd: People, world: Platforms) -> None:
    """Chosen, filled in and seen by keyboard; behind a message that waits none is offered."""
    simulator = world.connect("whatsapp", "tea", "Tea house")
    long_ago = str(int(time.time()) - 2 * 86_400)
    world.hears(simulator, "Anna", "Is my order ready?", timestamp=long_ago)
    chinese = crowd.agent(QI, locale="zh-CN")
    chinese.goto(f"{crowd.node}/#/inbox/all")
    chinese.get_by_test_id("row").filter(has_text="Is my order ready?").click()
    chinese.set_viewport_size(NARROW)
    chinese.get_by_test_id("template-open").click()
    expect(chinese.get_by_test_id("template")).to_have_count(4)
    _wants_a_picture(chinese)
    chinese.get_by_test_id("template").nth(1).click()
    chinese.get_by_test_id("place-1").fill("A-17")
    expect(chinese.get_by_test_id("template-preview")).to_have_text("{{2}}您好，您的订单 A-17 已备好。")
    picture(chinese, "template-zh-CN-narrow")
    assert violations(chinese) == []
    page = crowd.agent(QI, theme="dark")
    page.goto(chinese.url)
    expect(page.get_by_test_id("window")).to_contain_text("only an approved template goes out now")
    page.get_by_test_id("template-open").press("Enter")
    page.get_by_test_id("template").first.wait_for()
    picture(page, "template-choice")
    assert violations(page) == []
    page.get_by_test_id("template").first.press("Enter")
    expect(page.get_by_test_id("place-1")).to_be_focused()
    page.keyboard.type("17")
    expect(page.get_by_test_id("template-send")).to_be_disabled()
    page.keyboard.press("Tab")
    page.keyboard.type("Anna")
    expect(page.get_by_test_id("template-preview")).to_have_text("Your order 17 is ready, Anna.")
    picture(page, "template-filled")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("templates")).to_have_count(0)
    expect(page.get_by_test_id("template-open")).to_be_focused()
    expect(message(page, "Your order 17 is ready, Anna.")).to_have_attribute("data-state", re.compile("sent|delivered"))
    assert [(one.text, one.more["type"]) for one in simulator.accepted] == [
        ("Your order 17 is ready, Anna.", "template")
    ]
    _refused(crowd.node, page.url.rpartition("/")[2])
    answer(page, "Ask us anything")
    expect(message(page, "Ask us anything")).to_have_attribute("data-state", "held")
    # What waits for the customer is passed by what may be said meanwhile.
    page.get_by_test_id("template-open").press("Enter")
    page.get_by_test_id("template").first.press("Enter")
    expect(page.get_by_test_id("place-1")).to_be_focused()
    page.keyboard.type("18")
    page.keyboard.press("Tab")
    page.keyboard.type("Anna")
    page.keyboard.press("Enter")
    expect(message(page, "Your order 18 is ready, Anna.")).to_have_attribute("data-state", re.compile("sent|delivered"))
    expect(message(page, "Ask us anything")).to_have_attribute("data-state", "held")
    assert [one.text for one in simulator.accepted] == [f"Your order {n} is ready, Anna." for n in (17, 18)]
    _with_a_picture(page, simulator)


def _wants_a_picture(chinese: Page) -> None:
    """The form of a template with a picture, a value in its text and one in a button, and back."""
    chinese.get_by_test_id("template").last.click()
    expect(chinese.get_by_role("button", name="选择正文上方的图片")).to_be_focused()
    expect(chinese.get_by_label("按钮 2 的网址结尾")).to_be_visible()
    picture(chinese, "template-file-zh-CN-narrow")
    assert violations(chinese) == []
    chinese.get_by_role("button", name="返回模板列表").click()


def _with_a_picture(page: Page, simulator: Simulator) -> None:
    """A template with a picture above its text and a value at the end of a button's address."""
    page.get_by_test_id("template-open").press("Enter")
    page.get_by_test_id("template").filter(has_text="New teas").press("Enter")
    page.get_by_label("Value for 1").fill("Anna")
    page.get_by_label("End of the address of button 2").fill("oolong")
    attach, send = page.get_by_test_id("template-attach"), page.get_by_test_id("template-send")
    attach.set_input_files({"name": "teas.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"})
    expect(page.get_by_role("alert")).to_contain_text("does not go with this template")
    expect(send).to_be_disabled()
    attach.set_input_files({"name": "teas.png", "mimeType": "image/png", "buffer": parcel()})
    expect(page.get_by_test_id("template-file")).to_have_attribute("data-state", "done")
    text = "New teas, Anna!\nSee them: https://tea.example/new/oolong"
    expect(page.get_by_test_id("template-preview")).to_have_text(text)
    picture(page, "template-file")
    assert violations(page) == []
    send.click()
    expect(page.get_by_test_id("templates")).to_have_count(0)
    expect(message(page, "New teas, Anna!")).to_have_attribute("data-state", re.compile("sent|delivered"))
    expect(message(page, "New teas, Anna!").locator("img")).to_be_visible()
    last = simulator.accepted[-1]
    assert (last.text, last.more["addresses"]) == ("New teas, Anna!", ["https://tea.example/new/oolong"])
    assert last.sha256


def _refused(node: str, conv: str) -> None:
    """What the platform doesn't have, or values that don't fit, is refused by name and stored nowhere."""
    cookie = rest.sign_in(node, QI.email, QI.password).cookie
    good = {"id": str(uuid.uuid4()), "name": "order_ready", "language": "en", "values": ["1", "2"]}
    for more, code in (
        ({"language": "fr"}, "template.not_found"),
        ({"name": "visit"}, "template.not_found"),
        ({"name": "summer"}, "template.file"),
        ({"file": "x"}, "id.uuid"),
        ({"file": str(uuid.uuid4())}, "file.not_found"),
        ({"values": ["1"]}, "template.values"),
        ({"values": ["1", "two\nlines"]}, "template.values"),
        ({"id": "x"}, "id.uuid"),
    ):
        raw = json.dumps({**good, **more}).encode()
        refused = rest.call("POST", f"{node}/api/v1/conversations/{conv}/template", raw, headers={"Cookie": cookie})
        assert refused.body["code"] == code


@pytest.mark.rest
def test_the_channels_of_a_narrow_window_and_in_chinese(crowd: People, channels: System) -> None:
    """375 px wide, Chinese, light; a broken plugin's account says why and can only be removed."""
    run_apart(_add_broken(channels))
    page = crowd.agent(QI, locale="zh-CN", theme="light")
    page.set_viewport_size(NARROW)
    for name, hash_, ready in (
        ("list", "#/channels", "[data-inbox=coop] [data-state=broken]"),
        ("choice", "#/channels/new", "[data-testid=channel-email]"),
        ("form", "#/channels/new/telegram", "[data-testid=account-form]"),
        ("broken", "#/channels/at/coop", "[data-testid=account-broken]"),
    ):
        page.evaluate(f"location.hash = '{hash_}'")
        page.locator(ready).first.wait_for()
        picture(page, f"accounts-narrow-{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], name
        assert violations(page) == []
    expect(page.get_by_test_id("account-broken")).to_contain_text("其他渠道不受影响")
    expect(page.get_by_test_id("account-form")).to_have_count(0)
    page.get_by_test_id("account-remove").scroll_into_view_if_needed()
    page.get_by_test_id("account-remove").click()
    page.get_by_test_id("remove-dialog").wait_for()
    picture(page, "accounts-narrow-remove")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("[data-inbox=coop] a")).to_be_focused()


def test_only_admins_look_after_channels(crowd: People) -> None:
    """An agent who comes by the address is told whom to ask."""
    agent = crowd.agent(LIN)
    agent.goto(f"{crowd.node}/#/channels")
    agent.get_by_text("Channels: your role does not reach this page").wait_for()
    assert violations(agent) == []
