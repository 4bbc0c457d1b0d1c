"""Mails of ours as bytes: what the standard library reads in them, and what we do."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.channels.email import thread
from adapters.channels.email.compose import compose
from adapters.channels.email.parse import mail_to_events
from adapters.channels.email.reading import plain
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Message, Peer, Rejected
from tests.unit.adapters.channels.kit_email import KEY, NOW, OF_CORPUS, attached, out

CUSTOMER = Account(address="lilei@customer.example", imap_host="x", smtp_host="x")
TH = "abcdefghijklmnopqrstuvwxyz"


def read(**more: Any) -> EmailMessage:
    return email.message_from_bytes(compose(out(**more), OF_CORPUS, NOW).content, policy=email.policy.default)


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cc"]), max_size=500),
    subject=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200),
    name=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=60),
    file=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=120),
    content=st.binary(max_size=300),
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_written_arrives_and_every_line_fits(
    text: str, subject: str, name: str, file: str, content: bytes
) -> None:
    peer = Peer("lilei@customer.example", name)
    mail = compose(
        out(text, subject=subject, peer=peer, media=attached(file, "application/pdf", content)), OF_CORPUS, NOW
    )
    assert mail.content.isascii()
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    (arrived,) = mail_to_events(mail.content, CUSTOMER, NOW)
    assert isinstance(arrived, Message)
    assert arrived.subject == " ".join(subject.replace("\ufeff", "").split())
    assert arrived.ref == f"<{KEY}@shop.example>"
    assert [each.content for each in arrived.media] == [content]


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300))
@settings(max_examples=200)
def test_the_standard_library_reads_the_same_text(text: str) -> None:
    assume(text.strip())
    body = read(text=text).get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == text


LINES = st.lists(
    st.text(alphabet=st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=12), max_size=8
).map(" ".join)


@given(lines=st.lists(LINES, min_size=1, max_size=8))
@settings(max_examples=200)
def test_whoever_reads_the_html_alone_reads_the_text_as_it_was_written(lines: list[str]) -> None:
    assume(lines[0] and lines[-1] and ("", "") not in pairwise(lines))
    text = "\n".join(lines)
    shown = read(text=text).get_body(("html",))
    assert shown is not None
    assert plain.text_of(shown.get_content()) == text
    (arrived,) = mail_to_events(b"From: support@shop.example\r\n" + shown.as_bytes(), CUSTOMER, NOW)
    assert isinstance(arrived, Message)
    # What looks like a signature or a quotation is cut, of a plain mail as well.
    (spoken,) = mail_to_events(compose(out(text), OF_CORPUS, NOW).content, CUSTOMER, NOW)
    assert isinstance(spoken, Message)
    assert arrived.text == spoken.text


def test_text_stands_there_as_html_with_nothing_of_it_working() -> None:
    body = read(text="<script>alert(1)</script>\n  & more").get_body(("html",))
    assert body is not None
    assert "<div>&lt;script&gt;alert(1)&lt;/script&gt;<br>\n&nbsp; &amp; more</div>" in body.get_content().replace(
        "\r\n", "\n"
    )


def test_html_of_ours_is_cleaned_as_well() -> None:
    body = read(text="hi", html='<p onclick="x()">hi</p><script>alert(1)</script>').get_body(("html",))
    assert body is not None
    assert "<p>hi</p>" in body.get_content()
    assert "alert" not in body.get_content()


def test_every_try_of_a_part_is_the_same_mail() -> None:
    first = compose(out("hi", media=attached("a.pdf", "application/pdf", b"x")), OF_CORPUS, NOW)
    again = compose(out("hi", media=attached("a.pdf", "application/pdf", b"x"), is_resend=True), OF_CORPUS, NOW)
    assert first == again
    assert first.message_id == f"<{KEY}@shop.example>"


def test_references_hold_the_first_and_the_last_twenty() -> None:
    known = [f"<{number}@c.example>" for number in range(60)]
    mail = read(context={"references": " ".join(known), "message_id": known[-1]})
    assert str(mail["References"]).split() == [known[0], *known[-20:]]
    assert str(mail["In-Reply-To"]) == known[-1]


def test_a_part_that_answers_one_message_names_that_one() -> None:
    mail = read(
        context={"references": "<1@c.example> <2@c.example>", "message_id": "<2@c.example>"}, reply_to="<1@c.example>"
    )
    assert str(mail["In-Reply-To"]) == "<1@c.example>"
    assert str(mail["References"]).split() == ["<2@c.example>", "<1@c.example>"]


def test_ids_that_are_none_stand_in_no_header() -> None:
    mail = read(refs=["not an id", "<ok@c.example>", ""], reply_to="018f-some-event")
    assert mail["In-Reply-To"] is None
    assert mail["References"] is None


@pytest.mark.parametrize(
    ("given_subject", "answered", "wanted"),
    [
        ("", "Order", "Re: Order"),
        ("", "Re: Order", "Re: Order"),
        ("", "回复：订单", "回复：订单"),
        ("", "答复: 订单", "答复: 订单"),
        ("", "Re[2]: Order", "Re[2]: Order"),
        ("", "AW: Order", "AW: Order"),
        ("", "Réf. 12", "Re: Réf. 12"),
        ("", "Rent: 4 rooms", "Re: Rent: 4 rooms"),
        ("Own", "Order", "Own"),
        ("", "", "Re:"),
        ("", None, "Your request"),
    ],
)
def test_the_subject_is_that_of_what_is_answered(given_subject: str, answered: str | None, wanted: str) -> None:
    """A mail without a subject is answered as people's programs do: Gmail would begin another thread else."""
    context = {} if answered is None else {"subject": answered}
    assert str(read(subject=given_subject, context=context)["Subject"]) == wanted


def test_a_plus_address_comes_back_as_its_thread_and_fits_its_limit() -> None:
    address = thread.plus_address(OF_CORPUS, TH)
    assert len(address.partition("@")[0]) <= 64
    raw = f"From: a@b.example\r\nTo: {address}\r\n\r\nx".encode()
    (message,) = mail_to_events(raw, OF_CORPUS, NOW)
    assert isinstance(message, Message)
    assert message.thread == TH


def test_a_plus_address_that_wouldn_t_fit_is_left_out() -> None:
    long = msgspec.structs.replace(OF_CORPUS, address=f"{'s' * 40}@shop.example")
    assert thread.plus_address(long, TH) == long.address
    without = msgspec.structs.replace(OF_CORPUS, thread_secret="")
    assert thread.plus_address(without, TH) == without.address
    assert thread.plus_address(OF_CORPUS, "") == OF_CORPUS.address


def test_one_changed_letter_of_a_plus_address_names_nothing() -> None:
    address = thread.plus_address(OF_CORPUS, TH)
    local, _, domain = address.partition("@")
    begun = len("support+")
    for index in range(begun, len(local)):
        changed = f"{local[:index]}{'a' if local[index] != 'a' else 'b'}{local[index + 1 :]}@{domain}"
        (message,) = mail_to_events(f"From: a@b.example\r\nTo: {changed}\r\n\r\nx".encode(), OF_CORPUS, NOW)
        assert isinstance(message, Message)
        assert message.thread != TH
        assert not message.thread.startswith(TH[:5])


def test_an_own_id_is_known_by_its_form_and_domain() -> None:
    assert thread.sent_key(thread.message_id(KEY, OF_CORPUS), OF_CORPUS) == KEY
    for foreign in (f"<{KEY}@other.example>", f"<{KEY[:-1]}@shop.example>", f"<{KEY}.1@shop.example>", KEY, ""):
        assert thread.sent_key(foreign, OF_CORPUS) == ""


def test_nobody_to_write_to_is_refused() -> None:
    with pytest.raises(FaultError) as raised:
        compose(out(to="unknown"), OF_CORPUS, NOW)
    assert raised.value.fault == Rejected("There is no mail address to write to.")


def test_the_form_of_an_account_names_every_field_and_hides_secrets() -> None:
    schema = msgspec.json.schema(Account)["$defs"]["Account"]["properties"]
    assert all(field.get("title") and field.get("description") for field in schema.values())
    secret = {name for name, field in schema.items() if field.get("secret")}
    assert secret == {"password", "smtp_password", "client_secret", "refresh_token", "thread_secret"}


def test_an_account_knows_its_own_addresses() -> None:
    for own in ("support@shop.example", "SUPPORT@shop.example", "support+abc.def@shop.example", "help@shop.example"):
        assert OF_CORPUS.is_own(own)
    for other in ("supporter@shop.example", "support@shop.example.evil.example", "support@other.example", ""):
        assert not OF_CORPUS.is_own(other)
