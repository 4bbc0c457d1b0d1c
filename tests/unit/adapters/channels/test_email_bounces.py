"""Bounces that name no id of ours: told by their thread, by what they answered, or by recipient and subject."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.channels.email import Email, thread
from adapters.channels.email.parse import mail_to_events
from adapters.channels.email.settings import Account
from backbone.channel import Event, Message, Receipt
from tests.simulators.email import ADDRESS, EmailSimulator
from tests.unit.adapters.channels.kit_email import KEY, NOW, OF_CORPUS, PEER, MemoryKit, Reading, kit_for, letter, out


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator().running() as running:
        yield running


def report(returned: str, *, recipient: str = PEER, words: str = "not delivered") -> bytes:
    """A report of a server that strips or replaces Message-IDs."""
    return (
        f"From: postmaster@customer.example\r\nTo: {ADDRESS}\r\nSubject: DELIVERY FAILURE\r\n"
        "Message-ID: <r@mx.example>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 no user\r\n"
        f"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{returned}\r\nhi\r\n--b--\r\n"
    ).encode()


async def told(provider: EmailSimulator, reading: Reading, raw: bytes) -> Event:
    provider.deliver_raw(raw)
    while True:
        page = await reading.page()
        events = [event for event in page.events if not (isinstance(event, Message) and event.peer.id == PEER)]
        if events:
            return events[0]


async def begun(provider: EmailSimulator, reading: Reading, acc: Account, kit: MemoryKit) -> str:
    """A question that was answered: its thread."""
    provider.deliver_raw(letter(1, at=0, extra="References: <0@customer.example>\r\n"))
    (question,) = await reading.messages(1)
    await Email().send(out(thread=question.thread, context=question.context), acc, kit)
    return question.thread


@pytest.mark.parametrize("by", ["plus address", "plus address in words", "references", "recipient and subject"])
async def test_a_bounce_without_our_id_ends_the_mail_that_it_is_about(provider: EmailSimulator, by: str) -> None:
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        plus = thread.plus_address(acc, await begun(provider, reading, acc, kit))
        returned = {
            "plus address": f"Reply-To: {plus}\r\n",
            "references": "In-Reply-To: <1@customer.example>\r\n",
            "recipient and subject": f"To: {PEER}\r\nSubject: RE:  mail 1\r\n",
        }.get(by, "X-Nothing: here\r\n")
        words = f"> Reply-To: <{plus}>" if by == "plus address in words" else "not delivered"
        receipt = await told(provider, reading, report(returned, words=words))
    assert isinstance(receipt, Receipt)
    assert (receipt.ref, receipt.status) == (f"<{KEY}@{acc.domain}>", "failed")
    assert (receipt.code, receipt.reason) == ("5.1.1", "550 no user")


@pytest.mark.parametrize(
    ("returned", "recipient"),
    [
        (f"To: {PEER}\r\nSubject: another matter\r\n", PEER),
        ("To: other@customer.example\r\nSubject: Re: mail 1\r\n", "other@customer.example"),
        ("Reply-To: {plus}\r\n", "copied@customer.example"),
        ("Reply-To: support+abcdefghijklmnopqrstuvwxyz.aaaaaaaaaa@shop.example\r\n", PEER),
    ],
    ids=["another subject", "another customer", "somebody in Cc", "a forged plus address"],
)
async def test_a_bounce_that_fits_no_mail_of_ours_ends_none(
    provider: EmailSimulator, returned: str, recipient: str
) -> None:
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        plus = thread.plus_address(acc, await begun(provider, reading, acc, kit))
        message = await told(provider, reading, report(returned.format(plus=plus), recipient=recipient))
    assert isinstance(message, Message)
    assert (message.peer.id, message.automatic) == ("postmaster@customer.example", True)


def of(head: str, words: str) -> Event:
    (event,) = mail_to_events(f"{head}To: {ADDRESS}\r\n\r\n{words}\r\n".encode(), OF_CORPUS, NOW)
    return event


OURS = f"Message-ID: <{KEY}@shop.example>"
DAEMON = "From: MAILER-DAEMON@mx.example\r\n"


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("No se pudo entregar", "550 5.1.1 usuario desconocido"),
        ("Nicht zugestellt", "550-Empfänger unbekannt"),
        ("メールを配信できません", "554 5.7.1 拒否されました"),
        ("Недоставленное сообщение", "550 5.1.1 нет такого пользователя"),
    ],
)
def test_a_server_that_names_our_mail_and_a_code_is_understood_in_any_language(subject: str, words: str) -> None:
    receipt = of(f"{DAEMON}Subject: {subject}\r\n", f"{words}\n\n{OURS}")
    assert isinstance(receipt, Receipt)
    assert receipt.ref == f"<{KEY}@shop.example>"
    # A person who quotes the same isn't one; nor is a server that will try again.
    assert isinstance(of(f"From: anna@c.example\r\nSubject: {subject}\r\n", f"{words}\n\n{OURS}"), Message)
    assert not isinstance(of(f"{DAEMON}Subject: {subject}\r\n", f"451 4.7.1 mañana\n\n{OURS}"), Receipt)


def test_a_receipt_that_a_mail_of_ours_was_read_is_no_failure() -> None:
    raw = (
        f"From: anna@c.example\r\nTo: {ADDRESS}\r\nSubject: Read: hi\r\nIn-Reply-To: <{KEY}@shop.example>\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
        "--b\r\n\r\nYour message was read.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Original-Message-ID: <{KEY}@shop.example>\r\nDisposition: manual-action; displayed\r\n\r\n--b--\r\n"
    )
    (event,) = mail_to_events(raw.encode(), OF_CORPUS, NOW)
    assert isinstance(event, Message)
    assert event.automatic
