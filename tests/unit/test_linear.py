"""Nothing that reads a stranger's text takes a time that grows faster than the text: every pattern of ours, every
function over a text in the rooms below, and a whole mail, found by themselves and tried with hostile texts.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from adapters.channels.email import mime, parse, settings
from tests.harness import growth, patterns

ROOMS: Final = (
    "adapters.channels.",
    "backbone.channel.",
    "backbone.accounts.form",
    "adapters.channels.kit.outgoing.split",
    "backbone.accounts.templates",
    "backbone.outside.",
    "backbone.files.attachments",
    "backbone.directory",
    "backbone.events",
    "backbone.ids",
    "node.rest.mail",
    "node.static",
)
"""Where pure functions read what strangers wrote."""

PUT_TOGETHER: Final = {"backbone.accounts.form"}
"""Modules that ask a pattern which stands elsewhere: those of accounts' fields, which are tried as well."""

MAILBOX: Final = settings.Account(
    address="help@example.com",
    imap_host="imap.example.com",
    smtp_host="smtp.example.com",
    thread_secret="0123456789abcdef",
    authserv_id="mx.example.com",
)
GIVEN: Final[dict[str, Callable[[str], object]]] = {
    "str": str,
    "bytes": lambda text: text.encode(errors="replace"),
    "Part": lambda text: mime.read(text.encode(errors="replace")),
    "list[str]": lambda text: text.split("\n"),
    "bool": lambda _: True,
    "int": lambda _: 1,
    "float": lambda _: 1.0,
    "Account": lambda _: MAILBOX,
}

MAILS: Final = {
    "the text": "From: a@b.example\nSubject: a\nMessage-ID: <a@b>\n\n{}\n",
    "a text that flows": "From: a@b.example\nContent-Type: text/plain; format=flowed; delsp=yes\n\n{}\n",
    "HTML": "From: a@b.example\nContent-Type: text/html\n\n{}\n",
    "an answer": "From: a@b.example\nSubject: Fwd: a\n\nfine\n\nOn 2 Jan 2024 at 12:34, a <a@b.example> wrote:\n{}\n",
    "the subject": "From: a@b.example\nSubject: {}\n\na\n",
    "the sender": "From: {}\nReply-To: {}\nTo: {}\n\na\n",
    "ids": "From: a@b.example\nMessage-ID: {}\nIn-Reply-To: {}\nReferences: {}\nDate: {}\n\na\n",
    "a type": 'From: a@b.example\nContent-Type: {}\nContent-Disposition: attachment; filename="{}"\n\na\n',
    "results": "From: a@b.example\nAuthentication-Results: mx.example.com; {}\nAuto-Submitted: {}\n"
    "Precedence: {}\n\na\n",
    "headers": "{}",
    "parts": "From: a@b.example\nContent-Type: multipart/mixed; boundary=a\n\n{}\n",
    "a part": "From: a@b.example\nContent-Type: multipart/mixed; boundary=a\n\n--a\n"
    "Content-Type: text/html\n\n{}\n--a--\n",
    "a bounce": "From: mailer-daemon@b.example\nSubject: failure notice\n\n{}\n",
    "a report": "From: a@b.example\nContent-Type: multipart/report; boundary=a\n\n--a\n\n{}\n--a\n"
    "Content-Type: message/delivery-status\n\n{}\n--a\nContent-Type: message/rfc822\n\n{}\n--a--\n",
    "words": "From: a@b.example\nContent-Transfer-Encoding: quoted-printable\n"
    "Content-Type: text/plain; charset=gbk\n\n{}\n",
    "uuencode": "From: a@b.example\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n{}\n",
}
"""Where in a mail a hostile text may stand."""

UNNAMED: Final = (
    "<p>",
    "</p>",
    "<table><tr><td>",
    "<b><i>",
    "<li>",
    "&lt;",
    "--a\n\n",
    "--a\nContent-Type: text/plain\n\n",
)


def _asked() -> Iterator[Any]:
    found = patterns.every()
    step = 15
    for at in range(0, len(found), step):
        yield pytest.param(found[at : at + step], id=f"{at}-{at + step}")


def _told(asked: patterns.Asked, given: tuple[str, str, str]) -> str:
    is_bytes = isinstance(asked.pattern.pattern, bytes)

    def made(size: int) -> Any:
        text = growth.long(*given, size)
        return text.encode(errors="replace") if is_bytes else text

    return growth.superlinear(asked.ask, made, has_bound=False)


@pytest.mark.parametrize("asked", list(_asked()))
def test_hostile_text_for_a_pattern(asked: list[patterns.Asked]) -> None:
    """No pattern of ours, asked as it is asked, takes more than a time that grows with the text."""
    for each in asked:
        for given in growth.texts(each.pattern.pattern, each.pattern.flags):
            told = _told(each, given)
            assert not told, f"{each.place} {each.pattern.pattern!r} over {given!r}: {told}"


def test_a_pattern_that_grows_with_the_square_is_seen() -> None:
    """The patterns that froze a process for seconds would fail here."""
    for source, ways in ((r"(?m)^[>\s]*Message-ID:", "findall"), (r"[.,;:!?)\]]+$", "search")):
        asked = patterns.Asked("", re.compile(source), frozenset({ways}))
        assert any(_told(asked, given) for given in growth.texts(source)), source


def test_every_pattern_can_be_found() -> None:
    """None is put together where it is asked, so that none goes untried."""
    assert {place.partition(":")[0] for place in patterns.unnamed()} <= PUT_TOGETHER
    assert len(patterns.every()) > 100


def _functions() -> list[tuple[str, Callable[..., Any], list[str]]]:
    found = []
    for name in patterns.sources():
        if not f"{name}.".startswith(ROOMS) and not name.startswith(ROOMS):
            continue
        module = importlib.import_module(name)
        for place, value in vars(module).items():
            if not inspect.isfunction(value) or value.__module__ != name or inspect.iscoroutinefunction(value):
                continue
            wanted = [
                str(each.annotation)
                for each in inspect.signature(value).parameters.values()
                if each.default is each.empty
                and each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL, each.KEYWORD_ONLY}
            ]
            is_theirs = "email" in name or "Account" not in wanted
            if is_theirs and {"str", "bytes", "Part", "list[str]"} & set(wanted) and set(wanted) <= set(GIVEN):
                found.append((f"{name}.{place}", value, wanted))
    return found


def _act(function: Callable[..., Any], wanted: list[str]) -> Callable[[list[object]], object]:
    named = {
        each.name: GIVEN[str(each.annotation)]("")
        for each in inspect.signature(function).parameters.values()
        if each.default is each.empty and each.kind is each.KEYWORD_ONLY and str(each.annotation) in GIVEN
    }
    del wanted

    def act(given: list[object]) -> object:
        try:
            answer = function(*given, **named)
        except Exception:  # noqa: BLE001 - a refusal is an answer
            return None
        return list(answer) if inspect.isgenerator(answer) else answer

    return act


@pytest.mark.rest
def test_hostile_text_for_a_function() -> None:
    """No pure function over a stranger's text takes more than a time that grows with it."""
    functions = _functions()
    assert len(functions) > 100
    for name, function, wanted in functions:
        act = _act(function, wanted)
        for given in growth.texts():
            told = growth.superlinear(
                act,  # type: ignore[type-var]
                lambda size, given=given, wanted=wanted: [GIVEN[each](growth.long(*given, size)) for each in wanted],  # type: ignore[misc]
            )
            assert not told, f"{name} over {given!r}: {told}"


@pytest.mark.parametrize(
    "place",
    [pytest.param(each, marks=() if each in {"the text", "a bounce"} else pytest.mark.rest) for each in MAILS],
)
def test_hostile_mail_freezes_the_mail_adapter(place: str) -> None:
    """No mail takes more than a time that grows with its size, wherever the hostile text stands in it."""
    for run in (*growth.RUNS, *UNNAMED):
        told = growth.superlinear(
            lambda raw: parse.translate(raw, MAILBOX, 1.0),
            lambda size, run=run: MAILS[place].replace("{}", growth.long("", run, "!", size)).encode(errors="replace"),  # type: ignore[misc]
        )
        assert not told, f"{place} of {run!r}: {told}"
