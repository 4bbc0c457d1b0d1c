"""What an answer to a mail is: to whom, under which subject, and what no server could carry."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from adapters.channels.email import mailboxes
from adapters.channels.email.compose import Mail, compose
from adapters.channels.email.parse import mail_to_events
from adapters.channels.email.settings import Account
from backbone.channel import Message, Said
from backbone.domains import ascii_domain
from tests.simulators.email import letters
from tests.unit.adapters.channels.kit_email import NOW, OF_CORPUS, corpus, mail, out

ANSWERED = {name: wanted for name, wanted in corpus().items() if "answered" in wanted}
PASSED = "Authentication-Results: mx.shop.example; dmarc=pass\r\n"


def message_of(raw: bytes, acc: Account = OF_CORPUS) -> Message:
    (message,) = mail_to_events(raw, acc, NOW)
    assert isinstance(message, Message)
    return message


def answer_to(raw: bytes, *, chosen: str = "", acc: Account = OF_CORPUS) -> Mail:
    message = message_of(raw, acc)
    refs = [message.ref] if message.ref else []
    written = out(peer=message.peer, context=message.context, reply_to=message.ref, refs=refs, answer_to=chosen)
    return compose(written, acc, NOW)


def of_mail(head: str) -> bytes:
    return f"{head}Date: Tue, 14 May 2024 09:30:00 +0800\r\n\r\nhi\r\n".encode()


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_goes_to_whom_and_under_what_a_person_would_send_it(name: str) -> None:
    wanted: dict[str, Any] = ANSWERED[name]["answered"]
    sent = answer_to(mail(name), chosen=wanted.get("chosen", ""))
    assert (sent.recipient, list(sent.copies)) == (wanted["to"], wanted["cc"])
    assert (sent.subject, sent.needs_utf8) == (wanted["subject"], wanted["needs_utf8"])


def test_a_proven_reply_to_is_written_to_with_its_capitals_and_all_whom_it_names() -> None:
    head = (
        f"{PASSED}From: Anna@C.example\r\nReply-To: reply+AbC@Tracker.example, Ben@c.example\r\nCc: Eva@c.example\r\n"
    )
    sent = answer_to(of_mail(head))
    assert (sent.recipient, sent.copies) == ("reply+AbC@tracker.example", ("Ben@c.example", "Eva@c.example"))


def test_capitals_of_another_address_are_nobodys() -> None:
    written = out(to="anna@c.example", context={"from": "anna@c.example", "written": "Eve@evil.example ANNA@c.example"})
    assert compose(written, OF_CORPUS, NOW).recipient == "ANNA@c.example"


@pytest.mark.parametrize(
    ("domain", "wire"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("faß.de.example", "xn--fa-hia.de.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("☃.example", "☃.example"),
    ],
)
def test_domains_go_by_idna_2008(domain: str, wire: str) -> None:
    """By IDNA 2003 straße.example is strasse.example, which may be somebody else's."""
    assert ascii_domain(domain) == wire


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("taro..yamada.@docomo.example", '"taro..yamada."@docomo.example'),
        (".taro@docomo.example", '".taro"@docomo.example'),
        ("anna.b@c.example", "anna.b@c.example"),
        ('"a b"@c.example', '"a b"@c.example'),
    ],
)
def test_local_parts_that_need_quotes_get_them(address: str, wire: str) -> None:
    assert mailboxes.quoted(address) == wire
    assert [each.address for each in mailboxes.read(f"<{wire}>")] == [address]


def test_ids_beyond_ascii_leave_the_nearest_that_can_be_named() -> None:
    message = message_of(of_mail("From: anna@c.example\r\nMessage-ID: <用户@电脑>\r\nReferences: <1@c.example>\r\n"))
    sent = compose(out(peer=message.peer, context=message.context, reply_to=message.ref), OF_CORPUS, NOW)
    assert not sent.needs_utf8
    assert str(letters.read(sent.content)["In-Reply-To"]) == "<1@c.example>"


def test_the_subject_is_what_the_customer_calls_it_by_now() -> None:
    first, second, third = (
        message_of(of_mail(f"From: anna@c.example\r\nMessage-ID: <{n}@c.example>\r\n{subject}"))
        for n, subject in enumerate(("Subject: Order\r\n", "Subject: Lamp broken\r\n", ""))
    )
    after_two = {**first.context, **second.context}
    assert compose(out(context=after_two), OF_CORPUS, NOW).subject == "Re: Lamp broken"
    assert compose(out(context={**after_two, **third.context}), OF_CORPUS, NOW).subject == "Re:"


@pytest.mark.parametrize(
    "change",
    ["Date: Wed, 15 May 2024 09:30:00 +0800", "Subject: another", "From: ben@c.example"],
)
def test_a_copy_has_the_same_id_date_sender_and_subject(change: str) -> None:
    fields = {
        "From": "anna@c.example",
        "Subject": "scan",
        "Message-ID": "<static@scanner.example>",
        "Date": "Tue, 14 May 2024 09:30:00 +0800",
    }
    name, _, value = change.partition(": ")
    raw, other = ("".join(f"{n}: {v}\r\n" for n, v in each.items()) for each in (fields, {**fields, name: value}))
    copy = f"Received: from elsewhere\r\n{raw}".replace("09:30:00 +0800", "01:30:00 +0000")
    keys = [message_of(f"{each}\r\nx\r\n".encode()).key for each in (raw, copy, other)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("<a@c.example>", ["<a@c.example>"]),
        ("a@c.example", ["<a@c.example>"]),
        ("a@c.example b@c.example", ["<a@c.example>", "<b@c.example>"]),
        ("<a-long-one\r\n -goes-on@c.example>", ["<a-long-one-goes-on@c.example>"]),
        ("=?utf-8?q?=3Ca=40c=2Eexample=3E?=", ["<a@c.example>"]),
        ("=?us-ascii?b?PGFAYy5leGFtcGxlPg==?=", ["<a@c.example>"]),
        ('"Anna" of Tuesday', []),
    ],
)
def test_ids_are_read_however_programs_write_them(written: str, wanted: list[str]) -> None:
    raw = f"From: anna@c.example\r\nIn-Reply-To: {written}\r\n\r\nx\r\n".encode()
    assert message_of(raw).reply_to == (wanted[0] if wanted else "")
    raw = raw.replace(b"In-Reply-To", b"References")
    assert message_of(raw).context.get("references", "").split() == wanted


def test_the_customers_words_stand_below_an_answer_where_the_inbox_wants_them() -> None:
    said = Said(text="Is it <b>here</b>?\n> as quoted", author="Anna\r\nBcc: x", at=1_715_650_200_000)
    mail_of = letters.read(compose(out("Yes.", answered=said), OF_CORPUS, NOW).content)
    plain, rich = (mail_of.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert rich is not None
    quoted = "2024-05-14 01:30 UTC, Anna Bcc: x:\n> Is it <b>here</b>?\n> > as quoted"
    assert plain.get_content().replace("\r\n", "\n").strip() == f"Yes.\n\n{quoted}"
    assert "<blockquote" in rich.get_content()
    assert "&lt;b&gt;here&lt;/b&gt;" in rich.get_content()
    assert letters.read(compose(out("Yes."), OF_CORPUS, NOW).content).get_body(("plain",)) is not None


def test_an_address_of_ours_in_punycode_is_ours() -> None:
    acc = structs.replace(OF_CORPUS, address="support@bücher.example")
    head = "From: anna@c.example\r\nTo: support@xn--bcher-kva.example\r\nCc: ben@c.example\r\n"
    assert answer_to(of_mail(head), acc=acc).copies == ("ben@c.example",)
