"""Reading of a mailbox goes on where it stopped: after crashes, pauses and a folder that counts anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import structs

from adapters.channels.email.servers import imap
from adapters.channels.email.servers.imap import Folder
from adapters.channels.email.servers.imap_client import Client
from adapters.channels.email.servers.mailbox import Cursor, cursor_of, place_of
from adapters.channels.email.settings import Account
from backbone.channel import Message
from tests.simulators.email import ADDRESS, EmailSimulator
from tests.unit.adapters.channels.kit_email import DAY_S, OF_CORPUS, PEER, Reading, kit_for, letter, texts


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator().running() as running:
        yield running


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


@pytest.mark.rest
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


@pytest.mark.parametrize("change", [{"imap_host": "imap.example"}, {"user": "other"}, {"mailbox": "Archive"}])
def test_a_cursor_belongs_to_host_user_and_folder(change: dict[str, str]) -> None:
    """UIDVALIDITY is often the same in two mailboxes: that of another would pass over all mail below the cursor."""
    assert place_of(structs.replace(OF_CORPUS, **change)) != place_of(OF_CORPUS)
    assert place_of(structs.replace(OF_CORPUS, password="another", name="x")) == place_of(OF_CORPUS)


def test_a_cursor_is_kept_only_while_the_folder_counts_as_it_did() -> None:
    folder = Folder(uid_validity=7, uid_next=100)
    now = 1_717_200_000.0
    assert cursor_of("7:41", folder, now, 3) == Cursor(7, 41)
    assert cursor_of("7:41:1-May-2024", folder, now, 3) == Cursor(7, 41, "1-May-2024")
    for lost in ("", "6:41", "7", "7:", "7:x", "nonsense", ":", "7:-1"):
        assert cursor_of(lost, folder, now, 3) == Cursor(7, 0, "29-May-2024"), lost
    assert str(Cursor(7, 41)) == "7:41"
    # One of an earlier version is of the folder that is read; one of another host, user or folder never is.
    assert cursor_of("7:41", folder, now, 3, "here") == cursor_of("7:41@here", folder, now, 3, "here")
    assert cursor_of("7:41@there", folder, now, 3, "here") == Cursor(7, 0, "29-May-2024", "here")
    assert str(cursor_of("7:41:1-May-2024@here", folder, now, 3, "here")) == "7:41:1-May-2024@here"
    assert str(Cursor(7, 41, "1-May-2024")) == "7:41:1-May-2024"
