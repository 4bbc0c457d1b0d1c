"""Who gets a copy of an answer: those who were in the last mail, as far as that can be believed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.channels.email import Email, parse, recipients
from adapters.channels.email.settings import Account
from backbone.channel import Fault, Message, Rejected, Retry
from tests.simulators.email import ADDRESS, EmailSimulator, letters
from tests.unit.adapters.channels.kit_email import OF_CORPUS, PEER, kit_for, out, refused

PASSED = "Authentication-Results: mx.shop.example; dmarc=pass\r\n"
BOSS, PARTNER = "boss@customer.example", "partner@elsewhere.example"

RECIPIENTS: list[dict[str, Any]] = json.loads((Path(__file__).parents[3] / "cases" / "recipients.json").read_bytes())
"""The desk shows by the same."""


class Listing(EmailSimulator):
    """Notes whom each mail was taken for."""

    def __init__(self) -> None:
        super().__init__(is_read=False)
        self.taken_for: list[str] = []

    def take(self, sender: str, recipient: str, raw: bytes) -> None:
        """See EmailSimulator."""
        self.taken_for.append(recipient)
        super().take(sender, recipient, raw)


@pytest.fixture
async def listing() -> AsyncIterator[Listing]:
    async with Listing().running() as running:
        assert isinstance(running, Listing)
        yield running


def of_mail(acc: Account, *, sender: str = PEER, extra: str = "") -> dict[str, str]:
    """The context of an answer to a mail with these headers."""
    raw = f"From: {sender}\r\nTo: {ADDRESS}, Partner <{PARTNER}>\r\nCc: {BOSS}, {sender}, {PEER}\r\n{extra}\r\nhi\r\n"
    (message,) = parse.mail_to_events(raw.encode(), acc, 0)
    assert isinstance(message, Message)
    return message.context


async def test_an_answer_goes_to_the_customer_and_in_copy_to_all_who_were_in_the_last_mail(listing: Listing) -> None:
    async with kit_for(listing) as (kit, acc):
        await Email().send(out(context=of_mail(acc)), acc, kit)
    (raw,) = listing.mails.values()
    assert letters.read(raw)["To"].addresses[0].addr_spec == PEER
    assert [each.addr_spec for each in letters.read(raw)["Cc"].addresses] == [PARTNER, BOSS]
    assert listing.taken_for == [PEER, PARTNER, BOSS]


async def test_the_customer_stays_who_is_answered_where_somebody_else_of_the_thread_wrote_last(
    listing: Listing,
) -> None:
    async with kit_for(listing) as (kit, acc):
        context = of_mail(
            acc, sender="colleague@customer.example", extra=f"Reply-To: desk@customer.example\r\n{PASSED}"
        )
        await Email().send(out(context=context), acc, kit)
    assert listing.taken_for == [PEER, "desk@customer.example", PARTNER, BOSS]


async def test_what_no_person_wrote_goes_to_the_customer_alone(listing: Listing) -> None:
    async with kit_for(listing) as (kit, acc):
        await Email().send(out("we are closed", automatic=True, context=of_mail(acc)), acc, kit)
    assert listing.taken_for == [PEER]


async def test_a_forged_mail_names_nobody_who_gets_a_copy(listing: Listing) -> None:
    async with kit_for(listing) as (kit, acc):
        forged = of_mail(acc, extra="Authentication-Results: mx.shop.example; dmarc=fail\r\n")
        await Email().send(out(context=forged), acc, kit)
    assert listing.taken_for == [PEER]


FORGED = "Reply-To: thief@elsewhere.example\r\n"
"""Behind a From that anybody may write."""


@pytest.mark.parametrize("result", ["", "Authentication-Results: mx.shop.example; dmarc=none\r\n"])
async def test_forged_sender_with_a_reply_to_gets_no_answer(listing: Listing, result: str) -> None:
    """Neither as the receiver nor in copy, until an agent chooses that address."""
    async with kit_for(listing) as (kit, acc):
        context = of_mail(acc, extra=FORGED + result)
        await Email().send(out(context=context), acc, kit)
        assert listing.taken_for == [PEER, PARTNER, BOSS]
        listing.taken_for.clear()
        await Email().send(out(context=context, answer_to="thief@elsewhere.example", key="1" * 32), acc, kit)
        assert listing.taken_for == ["thief@elsewhere.example", PARTNER, BOSS]


async def test_answer_to_an_address_that_no_mail_named_is_refused(listing: Listing) -> None:
    async with kit_for(listing) as (kit, acc):
        fault = await refused(out(context=of_mail(acc, extra=FORGED), answer_to="other@elsewhere.example"), acc, kit)
    assert isinstance(fault, Rejected)
    assert listing.taken_for == []


async def test_forged_sender_stored_by_an_earlier_version_gets_no_answer(listing: Listing) -> None:
    stored = {"from": PEER, "to": "thief@elsewhere.example", "cc": f"thief@elsewhere.example {BOSS}"}
    async with kit_for(listing) as (kit, acc):
        await Email().send(out(context=stored), acc, kit)
    assert listing.taken_for == [PEER, BOSS]


@pytest.mark.parametrize("case", RECIPIENTS, ids=[each["name"] for each in RECIPIENTS])
def test_recipients_are_those_that_stand_above_the_composer(case: dict[str, Any]) -> None:
    written = out(to="a@x.example", context=case["context"], answer_to=case.get("chosen", ""))
    assert recipients.of(written, OF_CORPUS) == [case["to"], *case["cc"]]


def test_copies_that_an_agent_chose_stand_for_those_of_the_thread() -> None:
    said = {"from": PEER, "to": "", "cc": f"{PEER} {BOSS}"}
    assert recipients.of(out(to=PEER, context=said), OF_CORPUS) == [PEER, BOSS]
    assert recipients.of(out(to=PEER, context=said, cc=["Ann@New.example", PEER]), OF_CORPUS) == [
        PEER,
        "ann@new.example",
    ]
    assert recipients.of(out(to=PEER, context=said, cc=[]), OF_CORPUS) == [PEER]
    assert recipients.of(out(to=PEER, context={}, cc=[BOSS]), OF_CORPUS) == [PEER, BOSS]


async def test_who_is_refused_a_copy_is_named_and_all_others_get_it(listing: Listing) -> None:
    listing.smtp.replies["RCPT"] = ["", "550 5.1.1 no such user", ""]
    async with kit_for(listing) as (kit, acc):
        sent = await Email().send(out(context=of_mail(acc)), acc, kit)
    assert (sent.state, sent.note) == ("sent", f"No copy went to {PARTNER}: 550 5.1.1 no such user")
    assert listing.taken_for == [PEER, BOSS]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("550 5.1.1 no such user", Rejected("The mail server refuses the mail: 550 5.1.1 no such user")),
        ("451 4.7.1 greylisted", Retry(after_s=300)),
    ],
)
async def test_where_the_customer_is_refused_nobody_gets_a_copy(listing: Listing, said: str, fault: Fault) -> None:
    listing.smtp.replies["RCPT"] = [said]
    async with kit_for(listing) as (kit, acc):
        assert await refused(out(context=of_mail(acc)), acc, kit) == fault
    assert listing.taken_for == []


async def test_nobody_is_written_to_whose_address_is_none_or_beyond_ascii_and_no_crowd(listing: Listing) -> None:
    crowd = " ".join(
        ["nobody", "a@b,c@d", "x>@y.example", "用户@customer.example", *(f"{n}@c.example" for n in range(30))]
    )
    async with kit_for(listing) as (kit, acc):
        await Email().send(out(context={"from": PEER, "cc": crowd}), acc, kit)
    assert listing.taken_for == [PEER, *(f"{n}@c.example" for n in range(16))]
