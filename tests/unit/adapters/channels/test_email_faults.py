"""What goes wrong with a mailbox: sign-in, connection, certificates, mails and folders that go while they are read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from adapters.channels.email import Email, parse
from adapters.channels.email.servers import imap, mailbox
from adapters.channels.email.servers.reader import Reader
from backbone.channel import FaultError, Message, Pause, Retry
from tests.simulators.email import ADDRESS, EmailSimulator
from tests.unit.adapters.channels.kit_email import DAY_S, NOW, OF_CORPUS, PEER, Reading, kit_for, letter, texts


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator().running() as running:
        yield running


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
            failed = await asyncio.wait_for(waiting, 30)
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
        failed = await asyncio.wait_for(fault_of(reading), 30)
    assert isinstance(failed.fault, Pause)
    assert kit.fetched == 2


@pytest.mark.parametrize("fault", ["raise RecursionError", "while True: pass", "bytearray(1 << 31)", "os._exit(1)"])
async def test_a_mail_that_the_parser_can_not_read_is_kept_and_stops_nothing(
    provider: EmailSimulator, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    program = (
        "import os\n"
        "from adapters.channels.email import limited, parse\n"
        "whole = parse.translate\n"
        "def failing(raw, acc, now):\n"
        "    if b'poison' in raw:\n"
        f"        {fault}\n"
        "    return whole(raw, acc, now)\n"
        "parse.translate = failing\n"
        "limited.main()\n"
    )
    monkeypatch.setattr("adapters.channels.email.servers.reader._PROGRAM", program)
    monkeypatch.setattr("adapters.channels.email.servers.reader.CPU_S", 1)
    provider.say(PEER, "fine", fresh=True)
    provider.say(PEER, "poison", fresh=True)
    provider.say(PEER, "fine too", fresh=True)
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        _, kept, _ = await reading.messages(3)
    assert texts(reading.so_far()) == ["fine", parse.UNREAD, "fine too"]
    assert kept.peer.id == PEER
    assert [(each.name, each.mime) for each in kept.media] == [("mail.eml", "message/rfc822")]
    assert b"poison" in kept.media[0].content
    assert kept.automatic


@pytest.mark.rest
async def test_a_mail_that_takes_all_its_time_holds_up_no_other_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "from adapters.channels.email import limited, parse\n"
        "whole = parse.translate\n"
        "def slow(raw, acc, now):\n"
        "    while b'poison' in raw: pass\n"
        "    return whole(raw, acc, now)\n"
        "parse.translate = slow\n"
        "limited.main()\n"
    )
    monkeypatch.setattr("adapters.channels.email.servers.reader._PROGRAM", program)
    reader = Reader(deadline_s=5)
    slow = asyncio.create_task(reader.read(letter(1, at=0, extra="X: poison\r\n"), OF_CORPUS, NOW, "1"))
    try:
        for number in range(2, 12):
            (event,) = (await reader.read(letter(number, at=0), OF_CORPUS, NOW, str(number))).events
            assert isinstance(event, Message)
            assert event.text == f"words of {number}"
        assert not slow.done()
        (event,) = (await slow).events
        assert isinstance(event, Message)
        # Its headers alone take as long.
        assert (event.text, event.peer.id, event.key) == (parse.UNREAD, parse.UNKNOWN, "1")
        # Nothing is started for a mail: both processes were ended, and the next mail gets another.
        assert reader.started == 2
        assert (await reader.read(letter(12, at=0), OF_CORPUS, NOW, "12")).events
        assert reader.started == 3
    finally:
        await reader.close()


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
        read = await mailbox._read(box, listed, acc, kit, Reader())
    assert read.events == []


@pytest.mark.rest
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
        async with asyncio.timeout(30):
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
