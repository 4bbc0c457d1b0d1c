"""A message that waits longer than it may hold a place goes on with its next delay, not with the first one again."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from typing import ClassVar

import msgspec
import pytest

from adapters.channels.api import Api
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.lanes.lane import Lane
from adapters.channels.kit.outgoing.deliver import Deliverer
from adapters.channels.kit.settings import ChannelSettings
from adapters.channels.kit.shared import Room
from backbone import directory
from backbone import events as ev
from backbone.accounts.accounts import Accounts, seal_settings
from backbone.channel import Caps, FaultError, Kit, Out, Retry, Sent
from backbone.files.attachments import Attachments
from backbone.ids import conversation_id, new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.objects import Objects
from backbone.outside.http import Caller
from backbone.sealing import Sealer
from backbone.signing import Signer
from tests.harness.files import at_hand
from tests.harness.system import TENANT, System, running_system
from trunkline.connect import connected

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

INBOX = "stubborn"
DELAYS_S = (0.3, 0.5, 0.9)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The log alone would do."""
    with running_system(tmp_path_factory.mktemp("system"), nodes=1) as running:
        yield running


class Refusing(Api):
    """A system that never takes anything."""

    caps: ClassVar[Caps] = msgspec.structs.replace(Api.caps, backoff_s=DELAYS_S)

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[float] = []

    async def send(self, out: Out, acc: object, kit: Kit) -> Sent:
        """Counts."""
        del out, acc, kit
        self.calls.append(time.monotonic())
        raise FaultError(Retry(), "not now")


async def test_what_was_parked_goes_on_with_its_next_delay_until_it_is_given_up(system: System) -> None:
    channel = Refusing()
    async with connected(system.common, "test") as link:
        room = await _room(system, link, channel)
        accounts = Accounts(link, channel, room.sealer)
        await accounts.caught_up()
        subject, said = await _conversation(link, room)
        lane = Lane(room, accounts, Kits(room), Deliverer(room, accounts), subjects.parse_chat(subject).conv[:2])
        working = asyncio.create_task(lane.run())
        try:
            async with asyncio.timeout(60):
                while not await _has_given_up(room, subject, said):
                    await asyncio.sleep(0.1)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await accounts.close()
            await room.caller.close()
            await channel.close()
    assert len(channel.calls) == 1 + len(DELAYS_S)
    waited = [later - earlier for earlier, later in itertools.pairwise(channel.calls)]
    assert all(had >= wanted for had, wanted in zip(waited, DELAYS_S, strict=True))


async def _room(system: System, link: Link, channel: Refusing) -> Room:
    sealer = Sealer(system.common.secrets())
    values = {"url": "https://example.com/hook", "secret": "whsec_" + "A" * 40}
    sealed = seal_settings(channel, sealer, TENANT, INBOX, values)
    await directory.connect_inbox(
        link, TENANT, directory.Inbox(id=INBOX, channel="api", name="Stubborn", settings=sealed)
    )
    settings = ChannelSettings(park_after_s=0.1)
    return Room(
        link=link,
        log=Log(link),
        channel=channel,
        settings=settings,
        files=Attachments(Objects(at_hand(link)), settings.file_bytes),
        signer=Signer(system.common.secrets()),
        sealer=sealer,
        caller=Caller(),
        streams=system.common.log_streams(),
        instance="test",
    )


async def _conversation(link: Link, room: Room) -> tuple[str, str]:
    """Somebody asked, an agent answered: the subject, and the id of the answer."""
    first = new_event_id()
    conv = conversation_id(TENANT, INBOX, "somebody", first, room.streams)
    subject = subjects.chat(TENANT, "api", conv)
    now = time.time_ns() // 1_000_000
    visitor, agent = ev.Actor("visitor", "c1"), ev.Actor("agent", "lin")
    about = {"tenant": TENANT, "channel": "api", "conv": conv, "at": now}
    opened = ev.ConversationOpened(id=new_event_id(), by=visitor, inbox=INBOX, contact="c1", peer="p", **about)
    asked = ev.MessageAdded(id=first, by=visitor, text="hello?", provider=ev.Provider(id="m1"), **about)
    answered = ev.MessageAdded(id=new_event_id(), by=agent, text="hello", **about)
    log = Log(link)
    for event in (opened, asked, answered):
        await log.publish(subject, event)
    return subject, answered.id


async def _has_given_up(room: Room, subject: str, said: str) -> bool:
    events = [ev.parse(each.raw) for each in await room.log.replay_all(subject, 0, 1000)]
    return any(
        isinstance(e, ev.DeliveryUpdated) and e.target == said and e.error and e.error.code == "channel.gave_up"
        for e in events
    )
