"""What mutt, s-nail, nmh, swaks and Nodemailer write and answer, through a real Postfix and Dovecot."""

from __future__ import annotations

import asyncio
import hashlib
import re
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest

from tests.conformance.mail import programs
from tests.conformance.mail.conftest import CUSTOMER, PARTNER, Office
from tests.conformance.mail.programs import Letter, Nodemailer
from tests.conformance.rig import Numbered
from tests.conformance.test_files import PDF
from tests.harness.postfix import SELECTOR
from tests.simulators.email import ADDRESS

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

ONE = pytest.mark.parametrize("office", [Nodemailer], indirect=True, ids=lambda each: each.name)
"""Where all programs would show the same; Nodemailer signs what it sends."""

SUBJECT = "订单 4711 的发票 – where is my invoice?"
ASKED = "您好，\n\nI haven't got the invoice of order 4711 yet.\n> nothing of this is quoted\nDanke & 谢谢, Ann"
ANSWERED = "您好 Ann,\n\nit is attached. Is the address right?"
WRITTEN_BACK = "Thank you, 地址没错。"
OUR_FILE = ("发票 4711.pdf", PDF + b"%" * 5000, "application/pdf")


async def test_a_customer_writes_is_answered_and_answers_with_files_both_ways(office: Office, tmp_path: Path) -> None:
    """One thread: words, subjects and bytes as they were written, and signatures that hold."""
    account, program = office.account, office.program
    receipt = tmp_path / "收据 receipt.pdf"
    receipt.write_bytes(PDF + bytes(range(256)) * 64)
    await asyncio.to_thread(program.write, ADDRESS, Letter(ASKED, SUBJECT, (receipt,)))
    asked = await account.event(_heard)
    assert (asked["text"], asked["subject"]) == (ASKED, SUBJECT)
    assert await _files(office, asked) == [(receipt.name, hashlib.sha256(receipt.read_bytes()).hexdigest())]

    answer = await _answer(office, asked)
    mail = await office.received(lambda mail: "Re: " in str(mail["Subject"]))
    got = programs.read(mail)
    assert str(got["Subject"]) == f"Re: {SUBJECT}"
    assert got["In-Reply-To"] in got["References"]
    assert _text(got) == ANSWERED
    assert [(part.get_filename(), part.get_content()) for part in got.iter_attachments()] == [OUR_FILE[:2]]
    assert _is_signed(office, mail), "the answer's signature doesn't hold"
    await account.state(answer, "sent", "delivered", "accepted")

    await asyncio.to_thread(program.answer, mail, Letter(WRITTEN_BACK, files=(receipt,)))
    again = await account.event(lambda e: _heard(e) and e["seq"] > asked["seq"])
    assert again["conv"] == asked["conv"]
    assert again["text"].startswith(WRITTEN_BACK)
    assert [sha256 for _, sha256 in await _files(office, again)] == [hashlib.sha256(receipt.read_bytes()).hexdigest()]
    if program.quotes:
        # What stood below is there, and a click away.
        assert "it is attached" not in again["text"]
    else:
        assert again["text"] == WRITTEN_BACK

    await account.answers(again, "All is well then.")
    last = await office.received(lambda mail: "All is well" in _text(mail))
    chain = str(programs.read(last)["References"]).split()
    assert got["Message-ID"] in chain
    assert _is_signed(office, last)


@ONE
async def test_an_agent_begins_a_mail_with_a_subject_and_copies_and_the_answer_comes_into_its_thread(
    office: Office,
) -> None:
    account = office.account
    to = {"inbox": account.inbox, "address": CUSTOMER.replace("ann", "Ann")}
    first = await account.agent.send("您好 Ann, your order is late.", to=to, subject=SUBJECT, cc=[PARTNER])
    await account.state(str(first["id"]), "sent", "delivered", "accepted")
    mail = await office.received(lambda mail: "is late" in _text(mail))
    got, copy = (programs.read(each) for each in (mail, await office.received(lambda _: True, PARTNER)))
    assert (str(got["Subject"]), str(got["To"]), str(got["Cc"])) == (SUBJECT, CUSTOMER, PARTNER)
    assert (got["Message-ID"], _is_signed(office, mail)) == (copy["Message-ID"], True)

    second = await account.agent.send("It comes on Friday.", first["conv"])
    await account.state(str(second["id"]), "sent", "delivered", "accepted")
    again = programs.read(await office.received(lambda mail: "Friday" in _text(mail), PARTNER))
    assert (again["In-Reply-To"], str(again["Subject"])) == (got["Message-ID"], SUBJECT)

    await asyncio.to_thread(office.program.answer, mail, Letter("On Friday I am away."))
    heard = await account.event(_heard)
    assert (heard["conv"], heard["text"]) == (first["conv"], "On Friday I am away.")
    # The next that an agent begins is another conversation: each is a thread in everybody's mailbox.
    other = await account.agent.send("Another matter", to=to, subject="Another matter", cc=[])
    assert other["conv"] != first["conv"]


@ONE
async def test_an_answer_that_nobody_takes_comes_back_as_failed(office: Office) -> None:
    program = office.program
    program.address = "gone@elsewhere.example"
    await asyncio.to_thread(program.write, ADDRESS, Letter("hello", "Hello"))
    heard = await office.account.event(_heard)
    failed = await office.account.state(await office.account.answers(heard, "hello, nobody"), "failed")
    assert failed["error"]["final"]
    assert "unknown user" in failed["error"]["text"]


@ONE
async def test_a_signature_that_the_server_checked_is_in_what_it_wrote(office: Office) -> None:
    await asyncio.to_thread(office.program.write, ADDRESS, Letter("signed 签名", SUBJECT))
    heard = await office.account.event(_heard)
    assert (heard["text"], heard["subject"]) == ("signed 签名", SUBJECT)
    boxes = office.boxes / ADDRESS
    (mail,) = [*boxes.glob("new/*"), *boxes.glob("cur/*")]
    assert re.search(r"dkim=pass", str(programs.read(mail)["Authentication-Results"]))


def _heard(event: Numbered) -> bool:
    return bool(event["type"] == "message.added" and event["by"]["kind"] == "visitor")


async def _answer(office: Office, heard: Numbered) -> str:
    file = await office.account.upload(*OUR_FILE)
    return await office.account.answers(heard, ANSWERED, attachments=[file])


async def _files(office: Office, event: Numbered) -> list[tuple[str, str]]:
    """Names and SHA-256 of a message's files, as an agent gets them."""
    return [(each["name"], await office.account.sha256(event, n)) for n, each in enumerate(event["attachments"])]


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n").rstrip("\n") if body else ""


def _is_signed(office: Office, mail: Path) -> bool:
    """By an implementation that isn't the signer's, with the key that the domain has in DNS."""
    wanted = f"{SELECTOR}._domainkey.{ADDRESS.partition('@')[2]}."

    def record(name: bytes, timeout: float = 5) -> bytes | None:
        del timeout
        return office.postfix.public_key(ADDRESS.partition("@")[2]) if name.decode() == wanted else None

    return bool(dkim.verify(mail.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), dnsfunc=record))
