"""A mailbox on a real Dovecot is read: each mail once, in order, and whole."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator

import pytest

from adapters.channels.email import Email, parse
from adapters.channels.email.servers import imap, imap_words, mailbox
from backbone.channel import Message, Receipt
from tests.simulators.email import ADDRESS, EmailSimulator, letters
from tests.unit.adapters.channels.kit_email import PEER, Reading, corpus, kit_for, letter, mail, out, texts


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator().running() as running:
        yield running


async def test_mail_that_was_there_and_mail_that_comes_are_read_once(provider: EmailSimulator) -> None:
    provider.say(PEER, "before")
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        assert texts(await reading.messages(1)) == ["before"]
        provider.say(PEER, "in the meantime")
        provider.say("hanmeimei@customer.example", "您好 👩‍👩‍👧 ]]> \u2028 end")
        found = await reading.messages(3)
    assert texts(found) == ["before", "in the meantime", "您好 👩‍👩‍👧 ]]> \u2028 end"]
    assert [each.peer.id for each in found] == [PEER, PEER, "hanmeimei@customer.example"]
    assert len({each.key for each in found}) == 3


@pytest.mark.rest
async def test_a_server_without_idle_is_asked_again_and_again() -> None:
    async with EmailSimulator(idles=False).running() as provider, kit_for(provider) as (kit, acc):
        async with imap.opened(acc, kit) as box:
            assert not box._client.has_capability("IDLE")
        async with Reading(acc, kit) as reading:
            await reading.page()
            for number in range(3):
                provider.say(PEER, f"number {number}")
                await reading.messages(number + 1)
            assert texts(reading.so_far()) == ["number 0", "number 1", "number 2"]


async def test_mail_comes_at_once_where_the_server_tells_of_it(provider: EmailSimulator) -> None:
    async with kit_for(provider, poll_s=3600) as (kit, acc), Reading(acc, kit) as reading:
        await reading.page()
        for number in range(5):
            coming = asyncio.create_task(reading.messages(number + 1))
            provider.say(PEER, f"number {number}")
            await coming


async def test_idle_that_is_begun_anew_misses_nothing(provider: EmailSimulator) -> None:
    async with kit_for(provider, idle_s=0.05) as (kit, acc), Reading(acc, kit) as reading:
        await reading.page()
        for number in range(12):
            provider.say(PEER, f"number {number}")
            # Not in step with the server: some come in IDLE, some between.
            await asyncio.wait_for(reading.messages(number + 1), 30)
        assert texts(reading.so_far()) == [f"number {number}" for number in range(12)]


async def test_a_page_holds_20_mails_at_most_and_says_that_there_are_more(provider: EmailSimulator) -> None:
    now = provider.clock.now()
    for number in range(45):
        provider.deliver_raw(letter(number, at=now), at=now)
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        found = await reading.messages(45)
    assert texts(found) == [f"words of {number}" for number in range(45)]
    assert [(len(page.events), page.more) for page in reading.pages] == [(20, True), (20, True), (5, False)]


async def test_a_page_of_large_mails_is_shorter(provider: EmailSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "PAGE_BYTES", 250_000)
    for number in range(5):
        provider.say(PEER, f"file {number}", kind="file", content=bytes(100_000), fresh=True)
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        found = await reading.messages(5)
    assert texts(found) == [f"file {number}" for number in range(5)]
    assert [len(page.events) for page in reading.pages] == [2, 2, 1]


async def test_all_mails_of_the_corpus_come_through_a_real_server_unchanged(provider: EmailSimulator) -> None:
    names = sorted(corpus())
    for name in names:
        provider.deliver_raw(mail(name))
    async with kit_for(provider, aliases=["help@shop.example"]) as (kit, acc):
        async with Reading(acc, kit) as reading:
            while sum(len(page.events) for page in reading.pages) < len(names):
                await reading.page()
            events = [event for page in reading.pages for event in page.events]
        for name, event in zip(names, events, strict=True):
            (wanted,) = parse.mail_to_events(mail(name), acc, provider.clock.now())
            assert type(event) is type(wanted), name
            if isinstance(event, Message) and isinstance(wanted, Message) and b"\0" not in mail(name):
                assert (event.text, event.media) == (wanted.text, wanted.media), name


async def test_mail_stays_unread_and_where_it_is(provider: EmailSimulator) -> None:
    provider.say(PEER, "leave me")
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        await reading.messages(1)
    kept = [
        path for path in (provider.dovecot.folder / "mail" / ADDRESS).glob("*/*") if path.parent.name in {"new", "cur"}
    ]
    assert len(kept) == 1
    assert "S" not in kept[0].name.partition(":2,")[2]


async def test_of_a_mail_over_the_limit_the_headers_are_read(provider: EmailSimulator) -> None:
    provider.say(PEER, "small")
    provider.say(PEER, "large", kind="file", content=bytes(200_000), subject="the film")
    provider.say(PEER, "small again")
    async with kit_for(provider, mail_most_bytes=100_000) as (kit, acc), Reading(acc, kit) as reading:
        small, large, again = await reading.messages(3)
    assert (small.text, again.text) == ("small", "small again")
    assert large.text.startswith("This mail has 0 MB, more than can be read here.")
    assert (large.subject, large.media, large.peer.id) == ("the film", [], PEER)
    assert large.thread == small.thread == again.thread


@pytest.mark.rest
async def test_a_mail_of_30_megabytes_comes_through_a_real_server_with_every_byte(provider: EmailSimulator) -> None:
    film = random.Random(2).randbytes(22 * 1024 * 1024)
    provider.say(PEER, "the film", kind="video", content=film, name="film.mp4")
    provider.say(PEER, "did it come?")
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        large, small = await reading.messages(2)
    assert [(each.name, each.size) for each in large.media] == [("film.mp4", len(film))]
    assert hashlib.sha256(large.media[0].content).digest() == hashlib.sha256(film).digest()
    assert (large.text, small.text, small.thread) == ("the film", "did it come?", large.thread)


async def test_a_bounce_in_the_mailbox_is_the_end_of_what_was_sent(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        sent = await Email().send(out(), acc, kit)
        provider.bounce(sent.id, status="4.4.1", action="delayed")
        provider.bounce(sent.id, status="5.2.2")
        while len([event for page in reading.pages for event in page.events]) < 2:
            await reading.page()
    _, receipt = [event for page in reading.pages for event in page.events]
    assert isinstance(receipt, Receipt)
    assert (receipt.ref, receipt.status, receipt.code) == (sent.id, "failed", "5.2.2")


async def test_a_copy_that_comes_back_is_told_in_the_conversation_and_ends_nothing(provider: EmailSimulator) -> None:
    boss = b"boss@customer.example"
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        provider.deliver_raw(letter(1, at=0, extra="Cc: boss@customer.example\r\n"))
        (question,) = await reading.messages(1)
        sent = await Email().send(out(thread=question.thread, context=question.context), acc, kit)
        report = letters.report(provider.mails[sent.id], ADDRESS, "5.1.1", "failed", 0)
        provider.deliver_raw(report.replace(b"Recipient: rfc822; " + PEER.encode(), b"Recipient: rfc822; " + boss))
        told = (await reading.messages(2))[1]
        assert (told.thread, told.automatic, told.context) == (question.thread, True, {})
        provider.deliver_raw(report.replace(b"<report.", b"<report.of.the.customer."))
        while not (last := (await reading.page()).events):
            pass
    assert [type(each) for each in last] == [Receipt]


async def test_another_folder_is_read_by_its_name(provider: EmailSimulator) -> None:
    provider.dovecot.deliver(ADDRESS, letter(1, at=0), folder=imap_words.mailbox_name("客服 & Co"))
    provider.say(PEER, "not here")
    async with kit_for(provider, mailbox="客服 & Co") as (kit, acc), Reading(acc, kit) as reading:
        assert texts(await reading.messages(1)) == ["words of 1"]


async def test_an_address_that_sends_too_much_counts_as_a_program_for_an_hour(provider: EmailSimulator) -> None:
    now = provider.clock.now() - 3 * 3600
    for number in range(14):
        provider.deliver_raw(letter(number, at=0), at=now + number * 30)
    provider.deliver_raw(letter(14, at=0, sender="other@customer.example"), at=now + 430)
    provider.deliver_raw(letter(15, at=0), at=now + 3500)
    provider.deliver_raw(letter(16, at=0), at=now + 8000)
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        found = await reading.messages(17)
    assert [each.automatic for each in found] == [False] * 10 + [True] * 4 + [False] + [True] + [False]


def test_the_simulator_s_letters_are_read_by_the_standard_library() -> None:
    raw = letters.written(PEER, ADDRESS, "hi", None, kind="text", content=b"", at=0).raw
    assert letters.read(raw)["From"].addresses[0].addr_spec == PEER
