"""What the parts of the kit of channels share in one process, made for a test from a link alone."""

from __future__ import annotations

from adapters.channels.api import Api
from adapters.channels.kit.settings import ChannelSettings
from adapters.channels.kit.shared import Room
from backbone import directory
from backbone.accounts.accounts import seal_settings
from backbone.files.attachments import Attachments
from backbone.log import Log
from backbone.nats.link import Link
from backbone.nats.objects import Objects
from backbone.outside.http import Caller
from backbone.sealing import Sealer
from backbone.signing import Signer
from tests.harness.files import at_hand
from tests.integration.backbone.conftest import STREAMS

SECRET = "a-secret-of-tests-that-is-long-enough"


async def made_room(link: Link, channel: Api, instance: str, tenant: str, inbox: str, *, lane_s: int = 6) -> Room:
    """The room of the process `instance` of `channel`, which has an account: `inbox`."""
    sealer, settings = Sealer([SECRET]), ChannelSettings(lane_s=lane_s)
    sealed = seal_settings(
        channel, sealer, tenant, inbox, {"url": "https://example.com/hook", "secret": "whsec_" + "A" * 40}
    )
    await directory.connect_inbox(link, tenant, directory.Inbox(id=inbox, channel="api", name=inbox, settings=sealed))
    return Room(
        link=link,
        log=Log(link),
        channel=channel,
        settings=settings,
        files=Attachments(Objects(at_hand(link)), settings.file_bytes),
        signer=Signer(SECRET),
        sealer=sealer,
        caller=Caller(),
        streams=STREAMS,
        instance=instance,
    )


async def closed(room: Room) -> None:
    """Ends what a room holds open."""
    await room.caller.close()
    if isinstance(room.channel, Api):
        await room.channel.close()
