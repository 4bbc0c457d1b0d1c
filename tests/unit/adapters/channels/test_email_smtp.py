"""Mails of ours go out through a real SMTP server, whose every answer means what it should."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.channels.email import Email, thread
from backbone.channel import Fault, Pause, Peer, Rejected, Retry
from tests.simulators import base
from tests.simulators.email import ADDRESS, EmailSimulator
from tests.unit.adapters.channels.kit_email import KEY, PEER, attached, kit_for, out, refused

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator(is_read=False).running() as running:
        yield running


# --- what arrives -----------------------------------------------------------------------------


async def test_text_arrives_as_it_was_written_under_an_id_made_of_the_key(provider: EmailSimulator) -> None:
    text = "您好 👩‍👩‍👧,\n\n.a line with a dot\n..\nFrom here\n]]> & <b> \u2028 end  "
    async with kit_for(provider) as (kit, acc):
        sent = await Email().send(out(text, subject="订单 4711：已发货 – 请查收"), acc, kit)
    (taken,) = provider.accepted
    assert sent.id == taken.id == f"<{KEY}@shop.example>"
    assert sent.state == "sent"
    assert (taken.text, taken.peer, taken.key) == (text, PEER, KEY)
    assert taken.more["subject"] == "订单 4711：已发货 – 请查收"
    assert taken.more["from"] == f"示例客服 <{ADDRESS}>"
    assert taken.more["to"] == f"Li Lei <{PEER}>"
    assert taken.more["envelope"] == ADDRESS
    assert taken.more["auto_submitted"] == ""


async def test_text_and_all_files_are_one_mail(provider: EmailSimulator) -> None:
    files = [
        attached("photo.png", "image/png", PNG),
        attached('发票（最新）"2024".pdf', "application/pdf", b"%PDF"),
        attached(
            "a name of a report, rather long indeed, as people write them - final (2).xlsx", "nonsense", b"x" * 5000
        ),
    ]
    async with kit_for(provider) as (kit, acc):
        await Email().send(out("see files", media=files[0], also=files[1:]), acc, kit)
    (taken,) = provider.accepted
    assert taken.kind == "image"
    assert taken.text == "see files"
    assert [(each["name"], each["mime"]) for each in taken.more["files"]] == [
        ("photo.png", "image/png"),
        ("发票（最新）'2024'.pdf", "application/pdf"),
        (files[2].name, "application/octet-stream"),
    ]
    assert [each["sha256"] for each in taken.more["files"]] == [
        hashlib.sha256(each.content).hexdigest() for each in files
    ]


async def test_a_file_too_large_for_a_mail_goes_as_its_link(provider: EmailSimulator) -> None:
    film = attached("film.mp4", "video/mp4", b"", link="https://files.shop.example/f/1")
    async with kit_for(provider) as (kit, acc):
        await Email().send(out("here", media=film), acc, kit)
    (taken,) = provider.accepted
    assert taken.text == "here\n\nfilm.mp4: https://files.shop.example/f/1"
    assert taken.more["files"] == []


async def test_an_answer_names_what_it_answers_and_where_answers_go(provider: EmailSimulator) -> None:
    context = {
        "message_id": "<3@c.example>",
        "references": "<1@c.example> <2@c.example> <3@c.example>",
        "subject": "Order",
    }
    th = "abcdefghijklmnopqrstuvwxyz"
    async with kit_for(provider) as (kit, acc):
        await Email().send(out(context=context, thread=th, refs=["<2@c.example>", "<ours@shop.example>"]), acc, kit)
        wanted = thread.plus_address(acc, th)
    (taken,) = provider.accepted
    assert taken.more["in_reply_to"] == "<3@c.example>"
    assert taken.more["references"] == ["<1@c.example>", "<2@c.example>", "<ours@shop.example>", "<3@c.example>"]
    assert taken.more["subject"] == "Re: Order"
    assert taken.more["reply_to"] == f"示例客服 <{wanted}>"


async def test_an_answer_goes_where_a_proven_customer_wished_it(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        await Email().send(out(context={"to": "accounting@customer.example", "dmarc": "pass"}), acc, kit)
    (taken,) = provider.accepted
    assert taken.peer == taken.more["to"] == "accounting@customer.example"


async def test_a_domain_beyond_ascii_goes_out_in_punycode(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        await Email().send(out(to="info@例子.example"), acc, kit)
    assert provider.accepted[0].peer == "info@xn--fsqu00a.example"


async def test_an_address_beyond_ascii_needs_a_server_that_knows_it(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        await Email().send(out(to="用户@customer.example"), acc, kit)
        assert provider.accepted[0].peer == "用户@customer.example"
        provider.smtp.knows_utf8 = False
        fault = await refused(out(to="用户@customer.example", key="f" * 32), acc, kit)
    assert fault == Rejected("The mail server can't write to addresses beyond ASCII.")
    assert len(provider.accepted) == 1


# --- automatic mail ---------------------------------------------------------------------------


async def test_automatic_mail_says_so_and_takes_no_answers(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        sent = await Email().send(out("we are closed", automatic=True), acc, kit)
    raw = provider.mails[sent.id]
    assert provider.accepted[0].more["envelope"] == ""
    assert provider.accepted[0].more["auto_submitted"] == "auto-replied"
    for line in (
        b"Auto-Submitted: auto-replied",
        b"X-Auto-Response-Suppress: All",
        b"X-Trunkline-Loop: " + ADDRESS.encode(),
    ):
        assert line + b"\r\n" in raw


async def test_where_the_empty_sender_is_refused_automatic_mail_goes_from_our_address(provider: EmailSimulator) -> None:
    provider.smtp.takes_null_sender = False
    async with kit_for(provider) as (kit, acc):
        await Email().send(out("we are closed", automatic=True), acc, kit)
    assert provider.smtp.senders == ["<>", ADDRESS]
    assert provider.accepted[0].more["envelope"] == ADDRESS
    assert provider.accepted[0].more["auto_submitted"] == "auto-replied"


# --- what servers answer ----------------------------------------------------------------------


REPLIES = [
    ("CONNECT", "421 4.3.2 shutting down", Retry(after_s=60, account=True)),
    (
        "CONNECT",
        "554 5.7.1 your address is blocked",
        Pause("The mail server refuses the account: 554 5.7.1 your address is blocked"),
    ),
    ("AUTH", "535 5.7.8 bad credentials", Pause("The mail server refuses the account: 535 5.7.8 bad credentials")),
    (
        "AUTH",
        "534 5.7.9 application password needed",
        Pause("The mail server refuses the account: 534 5.7.9 application password needed"),
    ),
    ("AUTH", "454 4.7.0 temporary failure", Retry(after_s=60, account=True)),
    ("MAIL", "421 4.7.0 too many", Retry(after_s=60, account=True)),
    ("MAIL", "451 4.3.0 try later", Retry(after_s=300)),
    ("MAIL", "452 4.3.1 disk full", Retry(after_s=300)),
    (
        "MAIL",
        "530 5.7.0 authentication required",
        Pause("The mail server refuses the account: 530 5.7.0 authentication required"),
    ),
    ("MAIL", "553 5.7.1 not your address", Rejected("The mail server refuses the mail: 553 5.7.1 not your address")),
    ("RCPT", "450 4.2.0 greylisted", Retry(after_s=300)),
    ("RCPT", "451 4.7.1 greylisted", Retry(after_s=300)),
    ("RCPT", "452 4.5.3 too many recipients", Retry(after_s=300)),
    ("RCPT", "421 4.4.5 too busy", Retry(after_s=60, account=True)),
    ("RCPT", "432 4.7.12 odd", Retry(after_s=60)),
    ("RCPT", "550 5.1.1 no such user", Rejected("The mail server refuses the mail: 550 5.1.1 no such user")),
    ("RCPT", "551 5.7.1 not local", Rejected("The mail server refuses the mail: 551 5.7.1 not local")),
    ("RCPT", "553 5.1.3 bad address", Rejected("The mail server refuses the mail: 553 5.1.3 bad address")),
    ("DATA", "450 4.7.0 later", Retry(after_s=300)),
    ("DATA", "552 5.3.4 too large", Rejected("The mail server refuses the mail: 552 5.3.4 too large")),
    ("DATA", "554 5.7.1 looks like spam", Rejected("The mail server refuses the mail: 554 5.7.1 looks like spam")),
]


@pytest.mark.parametrize(("command", "said", "fault"), REPLIES, ids=[f"{one}-{two[:3]}" for one, two, _ in REPLIES])
async def test_a_reply_means(provider: EmailSimulator, command: str, said: str, fault: Fault) -> None:
    # Passwords may be tried by several mechanisms.
    provider.smtp.replies[command] = [said] * (3 if command == "AUTH" else 1)
    async with kit_for(provider) as (kit, acc):
        assert await refused(out(), acc, kit) == fault
        assert provider.accepted == []
        provider.smtp.replies.clear()
        await Email().send(out(), acc, kit)
    assert len(provider.accepted) == 1


FAULTS: list[tuple[str, Fault]] = [
    ("limited", Retry(after_s=60, account=True)),
    ("busy", Retry(after_s=300)),
    (
        "rejected",
        Rejected(
            "The mail server refuses the mail: 550 5.1.1 The email account that you tried to reach does not exist"
        ),
    ),
    ("reset", Retry()),
]


@pytest.mark.parametrize(("name", "fault"), FAULTS)
async def test_a_scripted_fault_means(provider: EmailSimulator, name: str, fault: Fault) -> None:
    provider.script(name)
    async with kit_for(provider) as (kit, acc):
        assert await refused(out(), acc, kit) == fault
        assert provider.accepted == []
        await Email().send(out(), acc, kit)
    assert [each.key for each in provider.accepted] == [KEY]


def test_every_fault_that_mail_has_is_tried_here() -> None:
    tried = {name for name, _ in FAULTS} | {"lost", "slow", "refused", "token"}
    assert tried | EmailSimulator.excused == base.FAULTS


async def test_what_is_lost_after_the_last_dot_is_sent_again_under_the_same_id(provider: EmailSimulator) -> None:
    provider.script("lost")
    async with kit_for(provider) as (kit, acc):
        assert await refused(out(), acc, kit) == Retry()
        sent = await Email().send(out(is_resend=True), acc, kit)
    assert [each.id for each in provider.accepted] == [sent.id]
    assert provider.copies == [sent.id]
    assert [line.text for line in provider.customer_sees(PEER)] == [out().text]


async def test_a_server_that_answers_too_late_is_tried_again(provider: EmailSimulator) -> None:
    provider.script("slow", seconds=5)
    async with kit_for(provider, timeout_s=0.3) as (kit, acc):
        assert await refused(out(), acc, kit) == Retry()


async def test_wrong_credentials_pause_until_they_are_repaired(provider: EmailSimulator) -> None:
    provider.script("refused")
    async with kit_for(provider) as (kit, acc):
        for _ in range(2):
            assert isinstance(await refused(out(), acc, kit), Pause)
        provider.repair()
        await Email().send(out(), acc, kit)
    assert len(provider.accepted) == 1


async def test_a_server_that_is_away_is_tried_again_for_the_whole_account(provider: EmailSimulator) -> None:
    async with kit_for(provider, smtp_port=1) as (kit, acc):
        assert await refused(out(), acc, kit) == Retry(after_s=60, account=True)


async def test_a_mail_over_what_the_server_takes_isn_t_even_begun(provider: EmailSimulator) -> None:
    provider.smtp.size_limit = 1_000_000
    async with kit_for(provider) as (kit, acc):
        fault = await refused(out(media=attached("x.bin", "application/zip", bytes(800_000))), acc, kit)
        assert fault == Rejected("The mail has 1.0 MB with its files; the mail server takes 1.0 MB.")
        assert provider.calls == 0
        await Email().send(out(media=attached("x.bin", "application/zip", bytes(700_000))), acc, kit)


# --- what a sender might smuggle in -------------------------------------------------------------


SMUGGLED: list[dict[str, Any]] = [
    {"subject": "hi\r\nBcc: everyone@customer.example"},
    {"subject": "hi\nX: y"},
    {"subject": "hi\rX: y"},
    {"subject": "a\0b"},
    {"context": {"subject": "hi\r\nBcc: x@y.example"}},
    {"to": "x@customer.example\r\nRCPT TO:<y@customer.example>"},
    {"to": "x@customer.example> NOTIFY=NEVER <y@customer.example"},
    {"to": "x@customer.example,y@customer.example"},
    {"to": "no address"},
    {"to": ""},
    {"to": "@customer.example"},
    {"context": {"to": "x@y.example\nz@y.example", "dmarc": "pass"}},
    {"reply_to": "<a@b>\r\nBcc: x@y.example"},
    {"context": {"message_id": "<a@b>\r\nBcc: x@y.example"}},
    {"media": attached("a\r\nb.pdf", "application/pdf", b"x")},
    {"media": attached("a\nb.pdf", "application/pdf", b"x")},
]


@pytest.mark.parametrize("what", SMUGGLED, ids=[repr(each)[:60] for each in SMUGGLED])
async def test_a_line_break_in_a_header_is_refused_before_any_server_is_asked(
    provider: EmailSimulator, what: dict[str, Any]
) -> None:
    async with kit_for(provider, smtp_port=1) as (kit, acc):
        assert isinstance(await refused(out(**what), acc, kit), Rejected)


async def test_a_name_with_a_line_break_is_refused(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        assert isinstance(await refused(out(peer=Peer(PEER, "A\r\nBcc: x@y.example")), acc, kit), Rejected)
    assert provider.accepted == []
