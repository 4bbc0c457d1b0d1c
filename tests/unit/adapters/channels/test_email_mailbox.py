"""A mailbox on a real Dovecot is read: each mail once, in order, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator

import pytest

from adapters.channels.email import Email, imap, imap_words, mailbox, parse, thread
from adapters.channels.email.imap import Folder
from adapters.channels.email.imap_client import Client
from adapters.channels.email.mailbox import Cursor, cursor_of
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Message, Pause, Receipt, Retry
from tests.simulators.email import ADDRESS, EmailSimulator, letters
from tests.unit.adapters.channels.kit_email import Reading, corpus, kit_for, mail, out

DAY_S = 86_400
PEER = "lilei@customer.example"


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator().running() as running:
        yield running


def letter(number: int, *, at: float, sender: str = PEER, to: str = ADDRESS, extra: str = "") -> bytes:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: mail {number}\r\nMessage-ID: <{number}@customer.example>\r\n"
        f"{extra}\r\nwords of {number}\r\n"
    ).encode()


def texts(messages: list[Message]) -> list[str]:
    return [each.text for each in messages]


# --- what is read -----------------------------------------------------------------------------


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
            await asyncio.wait_for(reading.messages(number + 1), 10)
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


# --- cursors ----------------------------------------------------------------------------------


async def test_reading_goes_on_behind_the_cursor(provider: EmailSimulator) -> None:
    provider.say(PEER, "first")
    async with kit_for(provider) as (kit, acc):
        async with Reading(acc, kit) as reading:
            await reading.messages(1)
            while reading.cursor.count(":") != 1:
                await reading.page()
        provider.say(PEER, "second")
        async with Reading(acc, kit, reading.cursor) as again:
            assert texts(await again.messages(1)) == ["second"]


async def test_a_crash_between_two_pages_makes_no_gap_and_no_duplicate(provider: EmailSimulator) -> None:
    now = provider.clock.now()
    for number in range(50):
        provider.deliver_raw(letter(number, at=now), at=now)
    async with kit_for(provider) as (kit, acc):
        found: list[Message] = []
        cursor = ""
        while len(found) < 50:
            # Each time all that was read is one page: what a process that dies each minute would do.
            async with Reading(acc, kit, cursor) as reading:
                await reading.page()
            found += reading.so_far()
            cursor = reading.cursor
    assert texts(found) == [f"words of {number}" for number in range(50)]


async def test_only_some_days_are_looked_back_and_older_mail_is_never_read(provider: EmailSimulator) -> None:
    now = provider.clock.now()
    for number, days in enumerate((400, 30, 5, 2, 1, 0)):
        at = now - days * DAY_S
        provider.deliver_raw(letter(number, at=at), at=at)
    async with kit_for(provider, look_back_days=3) as (kit, acc):
        async with Reading(acc, kit) as reading:
            assert texts(await reading.messages(3)) == ["words of 3", "words of 4", "words of 5"]
            while reading.cursor.count(":") != 1:
                await reading.page()
            provider.say(PEER, "new")
            assert texts(await reading.messages(4))[3] == "new"
        # A pause that is longer than the look back loses nothing.
        at = now - 20 * DAY_S
        provider.deliver_raw(letter(77, at=at), at=at)
        async with Reading(acc, kit, reading.cursor) as again:
            assert texts(await again.messages(1)) == ["words of 77"]


async def test_mail_that_comes_during_the_first_look_is_read_where_the_server_tells_no_next_uid(
    provider: EmailSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    select, since = imap._select, imap.Box.since

    async def untold(client: Client, acc: Account) -> Folder:
        return (await select(client, acc))._replace(uid_next=0)

    async def overtaken(box: imap.Box, uid: int, day: str = "") -> list[int]:
        found = await since(box, uid, day)
        if day:
            await asyncio.to_thread(provider.deliver_raw, letter(2, at=0))
            while len(await since(box, 0)) < 3:
                await asyncio.sleep(0.01)
        return found

    monkeypatch.setattr(imap, "_select", untold)
    monkeypatch.setattr(imap.Box, "since", overtaken)
    old = provider.clock.now() - 100 * DAY_S
    provider.deliver_raw(letter(0, at=old), at=old)
    provider.deliver_raw(letter(1, at=0))
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        assert texts(await reading.messages(2)) == ["words of 1", "words of 2"]


async def test_a_crash_while_looking_back_still_leaves_older_mail_out(provider: EmailSimulator) -> None:
    now = provider.clock.now()
    for number in range(60):
        at = now - (0 if number % 2 else 100) * DAY_S
        provider.deliver_raw(letter(number, at=at), at=at)
    async with kit_for(provider) as (kit, acc):
        async with Reading(acc, kit) as reading:
            await reading.page()
        assert reading.cursor.count(":") == 2
        async with Reading(acc, kit, reading.cursor) as again:
            await again.messages(10)
            while again.cursor.count(":") != 1:
                await again.page()
    wanted = [f"words of {number}" for number in range(60) if number % 2]
    assert texts(reading.so_far()) + texts(again.so_far()) == wanted


async def test_another_uidvalidity_looks_back_and_gives_every_mail_its_old_key(provider: EmailSimulator) -> None:
    now = provider.clock.now()
    old = now - 10 * DAY_S
    provider.deliver_raw(letter(0, at=old), at=old)
    for number in range(1, 4):
        provider.deliver_raw(letter(number, at=now), at=now)
    async with kit_for(provider) as (kit, acc):
        async with Reading(acc, kit) as reading:
            before = await reading.messages(3)
            while reading.cursor.count(":") != 1:
                await reading.page()
        await asyncio.to_thread(provider.dovecot.renumber, ADDRESS)
        provider.deliver_raw(letter(9, at=now), at=now)
        async with Reading(acc, kit, reading.cursor) as again:
            after = await again.messages(4)
    assert reading.cursor.partition(":")[0] != again.cursor.partition(":")[0]
    assert sorted(each.key for each in after[:3]) == sorted(each.key for each in before)
    assert {each.key: each.thread for each in before}.items() <= {each.key: each.thread for each in after}.items()
    assert "words of 9" in texts(after)
    assert "words of 0" not in texts(after)


def test_a_cursor_is_kept_only_while_the_folder_counts_as_it_did() -> None:
    folder = Folder(uid_validity=7, uid_next=100)
    now = 1_717_200_000.0
    assert cursor_of("7:41", folder, now, 3) == Cursor(7, 41)
    assert cursor_of("7:41:1-May-2024", folder, now, 3) == Cursor(7, 41, "1-May-2024")
    for lost in ("", "6:41", "7", "7:", "7:x", "nonsense", ":", "7:-1"):
        assert cursor_of(lost, folder, now, 3) == Cursor(7, 0, "29-May-2024"), lost
    assert str(Cursor(7, 41)) == "7:41"
    assert str(Cursor(7, 41, "1-May-2024")) == "7:41:1-May-2024"


def test_a_day_is_written_as_imap_has_it() -> None:
    assert imap_words.day_before(1_704_164_645.0, 0) == "2-Jan-2024"
    assert imap_words.day_before(1_704_164_645.0, 3) == "30-Dec-2023"


def test_a_folder_is_named_in_modified_utf7() -> None:
    # RFC 3501, 5.1.3, and what Gmail and QQ call their folders.
    assert imap_words.mailbox_name("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
    assert imap_words.mailbox_name("INBOX") == "INBOX"
    assert imap_words.mailbox_name("A & B") == "A &- B"
    assert imap_words.mailbox_name("其他文件夹") == "&UXZO1mWHTvZZOQ-"


# --- threads ----------------------------------------------------------------------------------


async def test_an_answer_to_a_mail_of_ours_comes_into_its_thread(provider: EmailSimulator) -> None:
    async with kit_for(provider, thread_secret="") as (kit, acc), Reading(acc, kit) as reading:
        provider.say(PEER, "question")
        (question,) = await reading.messages(1)
        await Email().send(out(thread=question.thread, context=question.context), acc, kit)
        provider.say(PEER, "thank you", subject="another subject altogether")
        thanks = (await reading.messages(2))[1]
    assert thanks.thread == question.thread
    assert thanks.reply_to == f"<{out().key}@shop.example>"


async def test_an_answer_to_the_plus_address_comes_into_its_thread_without_any_reference(
    provider: EmailSimulator,
) -> None:
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        provider.say(PEER, "question")
        (question,) = await reading.messages(1)
        await Email().send(out(thread=question.thread, context=question.context), acc, kit)
        to = provider.accepted[0].more["reply_to"].rpartition("<")[2].rstrip(">")
        provider.deliver_raw(letter(5, at=0, to=to))
        answer = (await reading.messages(2))[1]
    assert to.startswith(f"support+{question.thread}.")
    assert (answer.text, answer.thread) == ("words of 5", question.thread)


async def test_mails_of_one_page_that_answer_each_other_are_one_thread(provider: EmailSimulator) -> None:
    first = letter(1, at=0)
    second = letter(2, at=0, extra="In-Reply-To: <1@customer.example>\r\n")
    third = letter(3, at=0, extra="References: <unknown@x.example> <2@customer.example>\r\n")
    apart = letter(4, at=0, extra="References: <unknown@x.example>\r\nSubject: Re: mail 1\r\n")
    for raw in (first, second, third, apart):
        provider.deliver_raw(raw)
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        one, two, three, four = await reading.messages(4)
    assert one.thread == two.thread == three.thread == thread.key_of("<1@customer.example>")
    assert four.thread != one.thread


async def test_what_is_read_again_stays_in_its_thread(provider: EmailSimulator) -> None:
    provider.deliver_raw(letter(1, at=0))
    provider.deliver_raw(letter(2, at=0, extra="In-Reply-To: <1@customer.example>\r\n"))
    async with kit_for(provider) as (kit, acc):
        async with Reading(acc, kit) as reading:
            before = await reading.messages(2)
        async with Reading(acc, kit) as again:
            after = await again.messages(2)
    assert [(each.key, each.thread) for each in after] == [(each.key, each.thread) for each in before]


async def test_a_conversation_without_a_thread_gets_its_answers(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        await Email().send(out(thread=""), acc, kit)
        provider.say(PEER, "who are you?")
        (answer,) = await reading.messages(1)
    assert answer.thread == ""


async def test_threads_are_remembered_for_400_days_under_no_address_and_no_id(provider: EmailSimulator) -> None:
    provider.say(PEER, "question")
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        (question,) = await reading.messages(1)
        await Email().send(out(thread=question.thread), acc, kit)
        assert len(kit.kept) == 2
        for place, (_, life_s) in kit.kept.items():
            assert place.startswith("mid:")
            assert not {"@", "<", "/"} & set(place)
            assert life_s == 400 * DAY_S


# --- loops ------------------------------------------------------------------------------------


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


# --- what goes wrong --------------------------------------------------------------------------


async def fault_of(reading: Reading) -> FaultError:
    try:
        while True:
            await reading.page()
    except FaultError as failed:
        return failed


async def test_a_wrong_password_pauses_the_account(provider: EmailSimulator) -> None:
    async with kit_for(provider, password="wrong") as (kit, acc), Reading(acc, kit) as reading:
        failed = await fault_of(reading)
    assert isinstance(failed.fault, Pause)
    assert "AUTHENTICATIONFAILED" in failed.fault.reason
    assert "wrong" not in repr(failed)


async def test_a_server_that_is_away_is_tried_again(provider: EmailSimulator) -> None:
    provider.dovecot.stop()
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        failed = await fault_of(reading)
    assert failed.fault == Retry(after_s=60, account=True)


async def test_a_connection_that_breaks_while_nothing_comes_is_noticed_at_once(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        async with Reading(acc, kit) as reading:
            await reading.page()
            waiting = asyncio.create_task(fault_of(reading))
            await asyncio.to_thread(provider.dovecot.stop)
            failed = await asyncio.wait_for(waiting, 10)
        assert isinstance(failed.fault, Retry)
        provider.say(PEER, "while it was away")
        await asyncio.to_thread(provider.dovecot.start)
        async with Reading(acc, kit, reading.cursor) as again:
            assert texts(await again.messages(1)) == ["while it was away"]


async def test_a_folder_that_isnt_there_pauses_the_account(provider: EmailSimulator) -> None:
    async with kit_for(provider, mailbox="Nowhere") as (kit, acc), Reading(acc, kit) as reading:
        failed = await fault_of(reading)
    assert isinstance(failed.fault, Pause)
    assert "Nowhere" in failed.fault.reason


async def test_tls_is_checked_against_the_account_s_own_authority() -> None:
    async with EmailSimulator(security="tls").running() as provider:
        provider.say(PEER, "sealed")
        async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
            assert texts(await reading.messages(1)) == ["sealed"]
        async with kit_for(provider, ca="") as (kit, acc), Reading(acc, kit) as reading:
            failed = await fault_of(reading)
        assert failed.fault == Pause("The certificate of 127.0.0.1 isn't trusted.")
        async with kit_for(provider, ca="no certificate") as (kit, acc), Reading(acc, kit) as reading:
            failed = await fault_of(reading)
        assert failed.fault == Pause("The certificate authority of the account can't be read.")


async def test_xoauth2_signs_in_and_takes_a_new_token_once_where_the_old_one_has_ended() -> None:
    async with EmailSimulator(auth="xoauth2").running() as provider, kit_for(provider) as (kit, acc):
        provider.say(PEER, "by token")
        async with Reading(acc, kit) as reading:
            assert texts(await reading.messages(1)) == ["by token"]
        assert kit.fetched == 1
        provider.expire_tokens()
        async with Reading(acc, kit, reading.cursor) as again:
            await again.page()
        assert kit.fetched == 2


async def test_xoauth2_that_stays_refused_pauses_the_account_and_never_hangs() -> None:
    async with (
        EmailSimulator(auth="xoauth2").running() as provider,
        kit_for(provider, user="somebody@else.example") as (kit, acc),
        Reading(acc, kit) as reading,
    ):
        failed = await asyncio.wait_for(fault_of(reading), 8)
    assert isinstance(failed.fault, Pause)
    assert kit.fetched == 2


async def test_a_mail_on_which_the_parser_fails_is_kept_and_stops_nothing(
    provider: EmailSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = parse.translate

    def failing(raw: bytes, acc: Account, now: float) -> parse.Translated:
        if b"poison" in raw:
            raise RecursionError
        return whole(raw, acc, now)

    monkeypatch.setattr(parse, "translate", failing)
    provider.say(PEER, "fine", fresh=True)
    provider.say(PEER, "poison", fresh=True)
    provider.say(PEER, "fine too", fresh=True)
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        _, kept, _ = await reading.messages(3)
    assert texts(reading.so_far()) == ["fine", "A mail that can't be read. It is kept as it came.", "fine too"]
    assert kept.kind == "unsupported"
    assert b"poison" in kept.raw


async def test_a_mail_that_is_gone_before_it_is_read_is_passed_over(provider: EmailSimulator) -> None:
    path = provider.dovecot.deliver(ADDRESS, letter(1, at=0))
    async with kit_for(provider) as (kit, acc), imap.opened(acc, kit) as box:
        (uid,) = await box.since(0)
        (listed,) = await box.listed([uid])
        await asyncio.to_thread(
            lambda: [each.unlink() for each in path.parent.parent.glob("*/*") if each.name.startswith(path.name)]
        )
        provider.dovecot.deliver(ADDRESS, letter(2, at=0))
        await box.since(0)
        read = await mailbox._read(box, listed, acc, kit)
    assert read.events == []


async def test_a_folder_that_somebody_empties_breaks_nothing(provider: EmailSimulator) -> None:
    old = provider.clock.now() - 100 * DAY_S
    paths = [provider.dovecot.deliver(ADDRESS, letter(number, at=old), at=old) for number in range(1500)]
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        await reading.page()
        waiting = asyncio.create_task(reading.messages(1))
        box = paths[0].parent.parent
        await asyncio.to_thread(lambda: [path.unlink() for path in box.glob("*/*trunkline*")])
        provider.say(PEER, "after all that")
        assert texts(await waiting) == ["after all that"]


async def test_who_stops_reading_leaves_no_connection_and_no_task(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        before = asyncio.all_tasks()
        async with Reading(acc, kit) as reading:
            await reading.page()
            waiting = asyncio.create_task(reading.page())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting), 0.2)
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
        async with asyncio.timeout(10):
            while asyncio.all_tasks() - before:
                await asyncio.sleep(0.01)
            while "Disconnected" not in await asyncio.to_thread(provider.dovecot.log):
                await asyncio.sleep(0.01)


async def test_a_check_says_of_both_servers_whether_they_are_well(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc):
        assert await Email().check(acc, kit) == [("IMAP", ""), ("SMTP", "")]
    async with kit_for(provider, password="wrong") as (kit, acc):
        by_name = dict(await Email().check(acc, kit))
    assert all("refuses the account" in problem for problem in by_name.values())


def test_the_simulator_s_letters_are_read_by_the_standard_library() -> None:
    raw = letters.written(PEER, ADDRESS, "hi", None, kind="text", content=b"", at=0).raw
    assert letters.read(raw)["From"].addresses[0].addr_spec == PEER
