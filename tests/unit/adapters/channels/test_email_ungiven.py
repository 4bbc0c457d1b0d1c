"""A mail that the server can't give holds up no other: it is passed over after some tries, and said."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.channels.email import parse
from adapters.channels.email.servers import imap, mailbox, ungiven
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Message
from tests.simulators.email import ADDRESS, EmailSimulator
from tests.unit.adapters.channels.kit_email import MemoryKit, Reading, kit_for, letter, texts


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator().running() as running:
        yield running


def broken(provider: EmailSimulator, number: int) -> Path:
    """A mail whose file the server may not open: it ends the connection at each FETCH."""
    path = provider.dovecot.deliver(ADDRESS, letter(number, at=0))
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
    path.chmod(0)
    return path


async def read_on(acc: Account, kit: MemoryKit, wanted: int, connections: int) -> tuple[list[Message], int]:
    """Messages, over as many connections as it takes: what the kit does; how many broke."""
    found: list[Message] = []
    cursor, lost = "", 0
    while len(found) < wanted and lost < connections:
        async with Reading(acc, kit, cursor) as reading:
            try:
                await reading.messages(wanted - len(found))
            except FaultError:
                lost += 1
            found += reading.so_far()
            cursor = reading.cursor or cursor
    return found, lost


async def test_a_mail_that_the_server_can_not_give_holds_up_no_other(provider: EmailSimulator) -> None:
    provider.deliver_raw(letter(1, at=0))
    broken(provider, 2)
    provider.deliver_raw(letter(3, at=0))
    broken(provider, 4)
    provider.deliver_raw(letter(5, at=0))
    async with kit_for(provider) as (kit, acc):
        found, lost = await read_on(acc, kit, 5, 15)
    assert texts(found) == ["words of 1", parse.UNGIVEN, "words of 3", parse.UNGIVEN, "words of 5"]
    assert lost <= 3 * (2 + ungiven.MOST_TRIES)
    assert [each.key for each in found if each.text == parse.UNGIVEN] == [found[1].key, found[3].key]
    assert found[1].automatic
    assert found[1].peer.id == parse.UNKNOWN


async def test_a_mail_that_can_be_given_again_in_time_is_read(provider: EmailSimulator) -> None:
    provider.deliver_raw(letter(1, at=0))
    path = broken(provider, 2)
    async with kit_for(provider) as (kit, acc):
        found, _ = await read_on(acc, kit, 2, 2)
        assert texts(found) == ["words of 1"] or not found
        (moved,) = [each for each in path.parent.parent.rglob(f"{path.name}*") if each.is_file()]
        moved.chmod(0o666)
        found, _ = await read_on(acc, kit, 2, 2)
    assert texts(found) == ["words of 1", "words of 2"]


async def test_where_the_server_gives_no_mail_at_all_none_is_passed_over(
    provider: EmailSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(box: imap.Box, uid: int) -> bytes | None:
        raise imap.UngivenError(imap.Retry(), f"nothing of {uid} in {box.folder}")

    for number in range(3):
        provider.deliver_raw(letter(number, at=0))
    async with kit_for(provider) as (kit, acc):
        with monkeypatch.context() as patched:
            patched.setattr(imap.Box, "mail", failing)
            patched.setattr(imap.Box, "head", failing)
            found, lost = await read_on(acc, kit, 1, 10)
        assert (found, lost) == ([], 10)
        found, _ = await read_on(acc, kit, 3, 1)
    assert texts(found) == ["words of 0", "words of 1", "words of 2"]


async def test_a_server_that_is_silent_in_idle_is_asked(
    provider: EmailSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes IDLE and never tells: asked every few minutes, here every half second, whatever the account says."""
    assert mailbox.ASK_S <= 300
    monkeypatch.setattr(mailbox, "ASK_S", 0.5)
    monkeypatch.setattr("adapters.channels.email.servers.imap_client._EXISTS", imap.re.compile(rb"never"))
    async with kit_for(provider, idle_s=1600) as (kit, acc), Reading(acc, kit) as reading:
        await reading.page()
        provider.deliver_raw(letter(1, at=0))
        assert texts(await reading.messages(1)) == ["words of 1"]
