"""Mails that were written to do harm, and the largest ones: built here, since they are too large to be kept."""

from __future__ import annotations

import base64
import hashlib
import random
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.channels.email import Email
from adapters.channels.email.mime import MOST_PARTS
from adapters.channels.email.parse import mail_to_events, translate_head
from adapters.channels.email.reading.body import MOST_TEXT_CHARS
from backbone.channel import BadSignatureError, Message, Request
from tests.unit.adapters.channels.kit_email import NOW, OF_CORPUS, corpus, mail

HEAD = b"From: a@b.example\r\nMessage-ID: <x@b.example>\r\nSubject: s\r\n"
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
MB = 1024 * 1024

MOST_S = 12.0
"""A bound against time that grows with the square, which would be minutes; usual are 0.1 to 3 s."""


def read(raw: bytes) -> Message:
    (event,) = mail_to_events(raw, OF_CORPUS, NOW)
    assert isinstance(event, Message)
    return event


def with_file(content: bytes) -> bytes:
    coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    head = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee the film\r\n"
    )
    file = b"--b\r\nContent-Type: video/mp4; name=film.mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + file + coded + b"--b--\r\n"


def test_a_mail_of_30_megabytes_is_read_whole() -> None:
    content = random.Random(1).randbytes(22 * MB)
    raw = with_file(content)
    assert 30 * MB < len(raw) < 31 * MB
    message = read(raw)
    assert message.text == "see the film"
    assert [(each.kind, each.name, each.size) for each in message.media] == [("video", "film.mp4", len(content))]
    assert hashlib.sha256(message.media[0].content).digest() == hashlib.sha256(content).digest()


def test_memory_for_parts_within_parts_stays_that_of_the_mail() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (n, n) for n in range(25))
    raw = HEAD + nested + b"Content-Type: text/plain\r\n\r\n" + b"x" * (10 * MB)
    tracemalloc.start()
    try:
        read(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * len(raw)


def test_of_a_mail_that_is_too_large_the_headers_are_read_and_its_size_is_said() -> None:
    head = mail("calendar-invite").partition(b"\r\n\r\n")[0]
    (event,) = translate_head(head, 48 * MB, OF_CORPUS, NOW).events
    assert isinstance(event, Message)
    assert event.text == "This mail has 48 MB, more than can be read here. It is still in the mailbox."
    assert (event.peer.id, event.subject, event.media) == ("lilei@customer.example", "Order 4711", [])
    assert event.ref == "<calendar-invite@customer.example>"


def test_a_text_too_long_to_be_shown_is_a_file_as_well() -> None:
    words = "".join(f"line {number}\r\n" for number in range(60_000))
    message = read(HEAD + b"\r\n" + words.encode())
    assert len(message.text) <= MOST_TEXT_CHARS
    assert [(each.name, each.mime) for each in message.media] == [("mail.txt", "text/plain")]
    assert message.media[0].content.decode().split("\n")[59_999] == "line 59999"


@pytest.mark.long
def test_html_too_long_to_be_shown_is_a_file_as_well() -> None:
    message = read(HTML + b"<p>begin</p>" + b"<p>a word</p>" * 200_000)
    assert message.text.startswith("begin")
    assert (message.media[0].name, message.media[0].mime) == ("mail.html", "text/html")
    assert message.media[0].size == len(b"<p>begin</p>") + 200_000 * len(b"<p>a word</p>")


def test_of_a_bomb_of_parts_only_so_many_are_read() -> None:
    part = b"--a\r\nContent-Type: application/pdf; name=x.pdf\r\n\r\nx\r\n"
    message = read(HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + part * 5000)
    assert len(message.media) == MOST_PARTS - 1


SLOW = {
    "tags within tags": lambda: HTML + b"<div>" * 400_000,
    "tags that close in the wrong order": lambda: HTML + b"<div><table></div></table>" * 70_000,
    "formatting that is never closed": lambda: HTML + b"<b><p>a" * 200_000,
    "list items": lambda: HTML + b"<ul>" + b"<li>x" * 300_000,
    "drawings that are never closed": lambda: HTML + b"<svg>" * 400_000,
    "quotes that are never closed": lambda: HTML + b'<a "' * 500_000,
    "comments that are never closed": lambda: HTML + b"<!--" * 500_000,
    "angle brackets": lambda: HTML + b"<" * 2_000_000,
    "ampersands": lambda: HTML + b"a&" * 1_000_000,
    "ampersands in attributes": lambda: HTML + (b'<p title="' + b"&" * 7000 + b'">') * 280,
    "attributes": lambda: HTML + b"<a " + b"a=1 " * 500_000 + b">",
    "declarations": lambda: HTML + b'<p style="color:' + b"rgb" * 600_000 + b'(">',
    "boundaries": lambda: HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 1_000_000,
    "boundaries that are none": lambda: (
        HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--ab\r\n" * 2_000_000
    ),
    "boundaries in one line": lambda: HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a" * 5_000_000,
    "headers": lambda: b"A: b\r\n" * 200_000 + b"\r\n",
    "folded lines": lambda: b"A: b\r\n" + b" x\r\n" * 300_000 + b"\r\n",
    "an address without end": lambda: b"From: " + b"a" * 95_000 + b"\r\n\r\n",
    "addresses": lambda: b"From: " + b"a@b.c," * 15_000 + b"\r\n\r\n",
    "comments in an address": lambda: b"From: " + b"(" * 95_000 + b"\r\n\r\n",
    "encoded words": lambda: b"Subject: " + b"=?a?q?" * 16_000 + b"\r\n\r\n",
    "parameters": lambda: b"Content-Type: text/plain" + b"; a=b" * 19_000 + b"\r\n\r\n",
    "introductions": lambda: HEAD + b"\r\n" + (b"On " + b"a " * 400 + b"\r\n") * 240,
    "lines drawn": lambda: HEAD + b"\r\nx\r\n" + b"--------\r\nab\r\n" * 15_000,
    "one line drawn": lambda: HEAD + b"\r\n" + b"-" * 199_000,
    "signatures of PGP": lambda: HEAD + b"\r\n" + b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" * 5_000,
    "senders quoted": lambda: HEAD + b"\r\n" + b"From: x\r\n" * 22_000,
    "flowing lines": lambda: HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 2_000_000,
    "base64 with pads between": lambda: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"YQ==!" * 2_000_000,
}


@pytest.mark.long
@pytest.mark.parametrize("what", SLOW)
def test_no_mail_takes_a_time_that_grows_with_its_square(what: str) -> None:
    raw = SLOW[what]()
    begun = time.process_time()
    read(raw)
    assert time.process_time() - begun < MOST_S


@given(raw=st.binary(max_size=3000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    events = mail_to_events(raw, OF_CORPUS, NOW)
    assert len(events) == 1
    assert events[0].key


_NAMES = sorted(corpus())


@given(
    name=st.sampled_from(_NAMES), cuts=st.lists(st.tuples(st.integers(0, 20_000), st.binary(max_size=12)), max_size=6)
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_real_mail_with_bytes_changed_anywhere_is_a_mail(name: str, cuts: list[tuple[int, bytes]]) -> None:
    raw = mail(name)
    for at, put in cuts:
        position = at % (len(raw) + 1)
        raw = raw[:position] + put + raw[position + len(put) :]
    (event,) = mail_to_events(raw, OF_CORPUS, NOW)
    if isinstance(event, Message):
        for text in (event.text, event.html, event.subject, event.peer.name, *event.context.values()):
            text.encode()
            assert "\0" not in text


def test_mail_has_no_callbacks() -> None:
    channel = Email()
    with pytest.raises(BadSignatureError):
        channel.verify(Request(method="POST", body=mail("html-only")), OF_CORPUS)
    assert list(channel.parse(Request(method="POST", body=mail("html-only")), OF_CORPUS)) == []
