"""People in a real browser: an agent at the desk, a visitor on a customer's page. What goes wrong is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Frame, Locator, Page, sync_playwright

from console import SOURCE
from tests.harness.system import Login

ARTEFACTS = Path(__file__).parent.parent / "e2e" / "artefacts"
WIDGET = "/widget/web"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright. Without one: a skip on a desk, a failure in CI."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        missing = "no Chromium on PATH: install the package chromium, or run `make e2e` as root"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


class People:
    """Opens windows for people and remembers what their consoles complained about."""

    def __init__(self, browser: Browser, node: str) -> None:
        self.browser = browser
        self.node = node
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []

    def window(self, *, locale: str = "en", theme: str = "light", **more: Any) -> Page:
        """A fresh browser profile with one page."""
        context = self.browser.new_context(
            locale=locale,
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id="Asia/Shanghai",
            viewport=more.pop("viewport", {"width": 1440, "height": 900}),
            **more,
        )
        context.set_default_timeout(30_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def signed_in(self, login: Login, **more: Any) -> Page:
        """An agent who has signed in by hand, in the state that they left."""
        page = self.window(**more)
        page.goto(f"{self.node}/")
        page.get_by_test_id("signin-email").fill(login.email)
        page.get_by_test_id("signin-password").fill(login.password)
        page.get_by_test_id("signin-submit").click()
        page.get_by_test_id("presence").first.wait_for()
        return page

    def agent(self, login: Login, **more: Any) -> Page:
        """An agent who has signed in by hand and is online."""
        page = self.signed_in(login, **more)
        presence = page.get_by_test_id("presence").first
        if presence.get_attribute("data-state") != "online":
            presence.click()
            page.get_by_test_id("presence-online").click()
            page.locator('[data-testid="presence"][data-state="online"]').first.wait_for()
        return page

    def close(self) -> None:
        """Everybody leaves."""
        for context in self._contexts:
            context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.location.get('url', '')}: {message.text}")


def open_widget(page: Page, host: str) -> Frame:
    """Open a customer's page and the chat on it, by a click on the bubble; returns the chat's frame."""
    page.goto(host)
    open_bubble(page)
    frame = widget_frame(page)
    frame.get_by_test_id("widget-composer").wait_for()
    return frame


def open_bubble(page: Page) -> None:
    """A click on the bubble of the customer's page that is open, whatever comes of it."""
    size = page.viewport_size or {"width": 0, "height": 0}
    _until(page, lambda: page.evaluate("typeof window.Trunkline === 'function'"))
    page.mouse.move(size["width"] - 52, size["height"] - 52)
    page.mouse.click(size["width"] - 52, size["height"] - 52)


def widget_frame(page: Page) -> Frame:
    """The chat's frame: it hangs in a closed shadow root, so it is found by its address."""
    _until(page, lambda: any(WIDGET in frame.url for frame in page.frames))
    return next(frame for frame in page.frames if WIDGET in frame.url)


def say(frame: Frame, text: str) -> None:
    """A visitor writes a line and presses Enter."""
    composer = frame.get_by_test_id("widget-composer")

    def is_filled() -> bool:
        # A frame of another process gets the page's focus a moment after the bubble's click, and where it missed that,
        # only by a click of its own: keys go astray until then.
        composer.click()
        composer.fill(text)
        if composer.input_value() == text:
            return True
        # Another page of the browser may have the focus for good.
        frame.page.bring_to_front()
        return False

    _until(frame.page, is_filled)
    composer.press("Enter")


def answer(desk: Page, text: str) -> None:
    """An agent writes a line and presses Enter."""
    composer = desk.get_by_test_id("composer")
    composer.fill(text)
    composer.press("Enter")


def message(where: Frame | Page, text: str) -> Locator:
    """The message with this text."""
    return where.get_by_test_id("message").filter(has_text=text)


def shown_ids(where: Frame | Page) -> list[tuple[int, str]]:
    """(sequence, event id) of the messages on the screen, from top to bottom."""
    rows: list[list[Any]] = where.get_by_test_id("message").evaluate_all(
        "all => all.map(one => [Number(one.dataset.seq), one.dataset.id])"
    )
    return [(int(seq), str(event_id)) for seq, event_id in rows]


def violations(where: Frame | Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA: rule and the first element it names."""
    source = (SOURCE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    where.evaluate(source)
    found: list[dict[str, Any]] = where.evaluate(
        "async rules => (await axe.run({ runOnly: { type: 'tag', values: rules } })).violations", AXE_RULES
    )
    return [f"{each['id']}: {each['nodes'][0]['target']} {each['nodes'][0]['failureSummary']}" for each in found]


def picture(page: Page, name: str) -> Path:
    """A screenshot, kept as an artefact."""
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    page.screenshot(path=path)
    return path


def note(name: str, text: str) -> None:
    """A measured figure, kept as an artefact."""
    ARTEFACTS.mkdir(exist_ok=True)
    (ARTEFACTS / name).write_text(text, encoding="utf-8")


def _until(page: Page, holds: Callable[[], bool], within_ms: int = 30_000) -> None:
    for _ in range(within_ms // 20):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never became so")
