"""The line that everything hangs on: a visitor's page, a node, the log, an agent's desk, back again, ClickHouse."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Frame, Page, expect

from tests.harness.apart import run_apart
from tests.harness.browser import People, answer, message, note, open_widget, picture, say, shown_ids, widget_frame
from tests.harness.log import LOADED_WITHIN_S, assert_in_the_warehouse, stored_events
from tests.harness.system import INBOX, LIN, System
from trunkline import rest


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture that a phone might have taken."""
    path = tmp_path / "破损的包裹.png"
    Image.effect_noise((320, 240), 60).convert("RGB").save(path)
    return path


def test_a_visitor_and_an_agent_talk(people: People, host: str, system: System, photo: Path) -> None:
    """你好 and a picture reach the desk without a reload, the answer goes back, a reload changes nothing.

    How long the desk took is kept among the artefacts, not asserted: it would measure the machine.
    """
    desk = people.agent(LIN, locale="zh-CN")
    desk.get_by_test_id("view-all").click()
    visitor = people.window(locale="zh-CN")
    chat = open_widget(visitor, f"{host}zh-CN")

    said = f"你好 {time.time_ns()}"
    say(chat, said)
    sent = time.monotonic()
    row = desk.get_by_test_id("row").filter(has_text=said)
    row.wait_for()
    note("first-light.txt", f"the desk showed a new conversation after {time.monotonic() - sent:.3f} s\n")
    conv = row.get_attribute("data-conv")
    assert conv
    row.click()
    message(desk, said).wait_for()

    chat.get_by_test_id("widget-attach").set_input_files(photo)
    chat.get_by_test_id("widget-send").click()
    expect(chat.get_by_test_id("message").get_by_test_id("picture")).to_be_visible()
    shown = desk.get_by_test_id("message").get_by_test_id("picture")
    expect(shown).to_be_visible()
    _expect_loaded(desk)

    answer(desk, "您好，我看到照片了，马上为您处理。")
    message(chat, "我看到照片了").wait_for()
    picture(desk, "first-light-desk")
    picture(visitor, "first-light-visitor")
    _expect_the_log(system, conv, desk, visitor)
    _expect_the_picture_for_those_who_may_see_it(system, conv)


def _expect_loaded(page: Page) -> None:
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=picture] img, img[data-testid=picture]')]"
        ".some(img => img.complete && img.naturalWidth > 0)"
    )


def _expect_the_log(system: System, conv: str, desk: Page, visitor: Page) -> None:
    """After a reload both screens show the log's messages: none missing, none twice, in order."""
    log = run_apart(stored_events(system, conv))
    messages = [(e.seq, e.event["id"]) for e in log if e.event["type"] == "message.added"]
    assert len(messages) == 3
    # The desk's own answer may reach the visitor before the desk hears where it is stored.
    desk.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=message]')].every(one => Number(one.dataset.seq) > 0)"
    )
    assert shown_ids(desk) == messages
    desk.reload()
    desk.get_by_test_id("message").nth(2).wait_for()
    visitor.reload()
    chat = _reopened(visitor)
    chat.get_by_test_id("message").nth(2).wait_for()
    assert shown_ids(desk) == messages
    assert shown_ids(chat) == messages
    assert_in_the_warehouse(system, conv)
    said = {e.event.get("text", "") for e in log if e.event["type"] == "message.added"}
    query = f"SELECT text FROM messages FINAL WHERE conversation = '{conv}'"
    deadline = time.monotonic() + LOADED_WITHIN_S
    # A load writes events first, then messages.
    while (texts := {row["text"] for row in system.sql(query)}) != said and time.monotonic() < deadline:
        pass
    assert texts == said


def _reopened(visitor: Page) -> Frame:
    visitor.wait_for_function("() => typeof window.Trunkline === 'function'")
    visitor.evaluate("() => window.Trunkline('open')")
    return widget_frame(visitor)


def _expect_the_picture_for_those_who_may_see_it(system: System, conv: str) -> None:
    node = system.nodes[0].http
    log = run_apart(stored_events(system, conv))
    seq = next(e.seq for e in log if e.event.get("attachments"))
    path = f"/api/v1/conversations/{conv}/files/{seq}/0"
    agent = rest.sign_in(node, LIN.email, LIN.password).cookie
    stranger, _ = rest.become_visitor(node, INBOX)
    status, location = _get(node, path, {"Cookie": agent})
    assert status == 302
    assert location.startswith("/files/")
    status, _ = _get(node, location, {})
    assert status == 200
    assert _get(node, path, {})[0] == 401
    assert _get(node, path, {"Authorization": f"Bearer {stranger}"})[0] in {403, 404}
    assert _get(node, location[:-3] + "abc", {})[0] == 404


def _get(node: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(node).netloc, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers.get("Location", "")
