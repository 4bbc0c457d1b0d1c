"""Everything of the corpus that would run or load something, cleaned and shown in a real browser: nothing happens.

Scripts are allowed there, unlike in the console, which shows mails in a frame without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Route

from adapters.channels.email.parse import mail_to_events
from adapters.channels.email.reading import html
from backbone.channel import Message
from tests.harness.browser import chromium
from tests.unit.adapters.channels.kit_email import CORPUS, NOW, OF_CORPUS, corpus, mail

SHOWN = "https://console.test/mail"

COUNT = """
window.ran = [];
for (const name of ["alert", "confirm", "prompt", "msgbox", "print", "open"])
  window[name] = (...given) => ran.push(name + given);
"""

PROVOKE = """() => {
  const kinds = ["load", "error", "mouseover", "mouseenter", "focus", "focusin", "click", "toggle", "scroll", "input",
    "animationstart", "transitionend", "start", "begin", "pointerdown", "keydown", "close", "beforetoggle", "wheel"];
  for (const one of document.body.querySelectorAll("*"))
    for (const kind of kinds) {
      const event = new Event(kind, { bubbles: false, cancelable: true });
      event.preventDefault();
      one.dispatchEvent(event);
    }
}"""

SETTLE = "() => new Promise(done => setTimeout(done, 50))"

SEEN = """() => ({
  ran: window.ran,
  links: [...document.links].map(one => ({to: one.protocol, rel: one.rel, target: one.target})),
  names: [...document.body.querySelectorAll("*")].flatMap(one => [one.localName, ...one.getAttributeNames()]),
})"""

TOGETHER = 40
"""Pieces on one page, each a document of its own in a frame."""


class Shown:
    """A page that counts: what ran, what was asked for, what popped up."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._source = ""
        self.asked: list[str] = []
        self.popped: list[str] = []
        page.add_init_script(COUNT)
        page.route("**/*", self._answer)
        page.on("dialog", lambda dialog: (self.popped.append(dialog.message), dialog.dismiss()))
        page.on("popup", lambda popup: self.popped.append(popup.url))

    def show(self, source: str) -> list[str]:
        """Shows HTML and does to it what a person might; returns what ran, what was asked for and what popped up."""
        self._open(f"<!doctype html><meta charset=utf-8><body>{source}</body>")
        self._page.evaluate(PROVOKE)
        self._page.evaluate(SETTLE)
        return [*self._page.evaluate(SEEN)["ran"], *self.asked, *self.popped]

    def show_all(self, pieces: dict[str, str]) -> tuple[list[str], dict[str, dict[str, Any]]]:
        """The same of many, each in a frame of its own; what stands in each frame besides."""
        frames = (
            f'<iframe name="{escape(odd)}" srcdoc="{escape(f"<!doctype html><body>{piece}</body>")}"></iframe>'
            for odd, piece in pieces.items()
        )
        self._open(f"<!doctype html><meta charset=utf-8><body>{''.join(frames)}</body>")
        shown = {frame.name: frame for frame in self._page.frames[1:]}
        assert shown.keys() == pieces.keys()
        for frame in shown.values():
            frame.evaluate(PROVOKE)
        self._page.evaluate(SETTLE)
        seen = {odd: frame.evaluate(SEEN) for odd, frame in shown.items()}
        ran = [f"{odd}: {each}" for odd, one in seen.items() for each in one["ran"]]
        return [*ran, *self.asked, *self.popped], seen

    def close(self) -> None:
        """Closes the page."""
        self._page.close()

    def links(self) -> list[dict[str, Any]]:
        """The links on the page, as the browser understands them."""
        found: list[dict[str, Any]] = self._page.evaluate(SEEN)["links"]
        return found

    def _open(self, source: str) -> None:
        self._source = source
        self.asked.clear()
        self.popped.clear()
        self._page.goto(SHOWN, wait_until="load")

    def _answer(self, route: Route) -> None:
        if route.request.url == SHOWN:
            route.fulfill(status=200, content_type="text/html; charset=utf-8", body=self._source)
            return
        self.asked.append(route.request.url)
        route.abort()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def shown(browser: Browser) -> Iterator[Shown]:
    context = browser.new_context()
    yield Shown(context.new_page())
    context.close()


def harmful() -> dict[str, str]:
    """Pieces of HTML by what is odd in them, from `xss.json` and from whole mails."""
    pieces = {each["odd"]: each["html"] for each in json.loads((CORPUS / "xss.json").read_text(encoding="utf-8"))}
    return {**pieces, **{name: mail(name).partition(b"\r\n\r\n")[2].decode() for name in corpus() if "xss" in name}}


HARMFUL = harmful()
CID = "cid:"


def loads_nothing(happened: list[str]) -> list[str]:
    """Without requests for `cid:`, which the console puts its own links in place of."""
    return [each for each in happened if not each.startswith(CID)]


def test_there_is_enough_to_try() -> None:
    assert len(HARMFUL) >= 120


def test_what_isnt_cleaned_does_run_and_load_things(browser: Browser) -> None:
    happened: dict[str, list[str]] = {}
    with browser.new_context() as context:
        for odd in list(HARMFUL)[::16]:
            # A page each: some go elsewhere and take the page along.
            one = Shown(context.new_page())
            try:
                happened[odd] = one.show(HARMFUL[odd])
            except Error:
                happened[odd] = ["it went elsewhere", *one.asked, *one.popped]
            one.close()
        framed, _ = Shown(context.new_page()).show_all(
            {"image": "<img src=x onerror=alert(1)>", "link": "<a onclick=alert(2) href=https://evil.example/>x</a>"}
        )
    assert {"image: alert1", "link: alert2"} <= set(framed)
    assert sum(map(bool, happened.values())) > len(happened) / 3
    assert any("alert" in each for all_of_it in happened.values() for each in all_of_it)
    assert any("evil.example" in each for all_of_it in happened.values() for each in all_of_it)


@pytest.mark.parametrize("begin", range(0, len(HARMFUL), TOGETHER))
def test_cleaned_html_runs_nothing_and_asks_for_nothing(shown: Shown, begin: int) -> None:
    happened, seen = shown.show_all({odd: html.clean(HARMFUL[odd]) for odd in list(HARMFUL)[begin : begin + TOGETHER]})
    assert loads_nothing(happened) == []
    for odd, one in seen.items():
        assert {each["to"] for each in one["links"]} <= {"http:", "https:", "mailto:", "tel:"}, odd
        wrong = {"script", "iframe", "id", "name"}
        assert not [name for name in one["names"] if name.startswith("on") or name in wrong], odd


def test_html_of_all_mails_of_the_corpus_shows_without_a_request(shown: Shown) -> None:
    events = {name: mail_to_events(mail(name), OF_CORPUS, NOW)[0] for name in corpus()}
    pages = {name: event.html for name, event in events.items() if isinstance(event, Message) and event.html}
    for begin in range(0, len(pages), TOGETHER):
        some = dict(list(pages.items())[begin : begin + TOGETHER])
        assert loads_nothing(shown.show_all(some)[0]) == []


def test_all_of_it_in_one_mail_does_nothing_either(shown: Shown) -> None:
    together = "<p>between</p>".join(HARMFUL.values())
    assert loads_nothing(shown.show(html.clean(together))) == []


def test_links_open_apart_and_tell_nothing(shown: Shown) -> None:
    shown.show(html.clean('<a href="https://shop.example/a?b=1&amp;c=2" target=_self rel=opener>x</a>'))
    assert shown.links() == [{"to": "https:", "rel": "noopener noreferrer nofollow", "target": "_blank"}]
