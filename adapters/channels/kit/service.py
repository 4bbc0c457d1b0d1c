"""`trunkline adapter <channel>`: the kit with one channel, both ways."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

from adapters.channels.kit.answering import Answers
from adapters.channels.kit.incoming.fetching import Fetching
from adapters.channels.kit.incoming.hooks import Hooks
from adapters.channels.kit.incoming.receive import Receiver
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.lanes.lane import Lane
from adapters.channels.kit.lanes.lanes import Lanes
from adapters.channels.kit.outgoing.deliver import Deliverer
from adapters.channels.kit.settings import ChannelSettings
from adapters.channels.kit.shared import Room
from adapters.channels.kit.users import Users
from backbone.accounts import about
from backbone.accounts.accounts import Accounts
from backbone.accounts.registry import Broken, find
from backbone.asks.hooks import HOOK
from backbone.channel import Channel
from backbone.errors import SettingError
from backbone.files.attachments import Attachments
from backbone.log import Log
from backbone.nats import rpc
from backbone.nats.objects import Objects
from backbone.outside.http import Caller
from backbone.process.service import Service, start
from backbone.sealing import Sealer
from backbone.signing import Signer
from backbone.until import cancel

SECTION = "channel"
VERSION = version("trunkline")
PATIENCE = 5


def main(name: str) -> int:
    """Runs a channel until a signal; returns the exit code."""

    async def serve(running: Service, settings: ChannelSettings) -> None:
        # Imports read files.
        channel = await asyncio.to_thread(find, name, settings.plugins)
        if isinstance(channel, Broken):
            raise SettingError(message=f"{channel.name}: {channel.problem}", field="name")
        await run(running, settings, channel)

    return start(name, ChannelSettings, serve, SECTION)


async def run(running: Service, settings: ChannelSettings, channel: Channel) -> None:
    """Runs the kit with `channel` until the process stops."""
    await running.link.is_open.wait()
    common = running.common
    log = Log(running.link)
    running.guard(log)
    room = Room(
        link=running.link,
        log=log,
        channel=channel,
        settings=settings,
        files=Attachments(Objects(running.bulk, running.disk.check_files), settings.file_bytes),
        signer=Signer(common.secrets()),
        sealer=Sealer(common.secrets()),
        caller=Caller(),
        streams=common.log_streams(),
        instance=running.instance,
    )
    await about.publish(room.link, [await asyncio.to_thread(about.describe, channel, settings.public_url)])
    accounts = Accounts(room.link, channel, room.sealer)
    await accounts.caught_up()
    kits = Kits(room)
    deliverer = Deliverer(room, accounts)
    receiver = Receiver(room, accounts, kits)
    hooks = Hooks(room, accounts, receiver)
    fetching = Fetching(room, accounts, kits, receiver)
    lanes = Lanes(room, lambda s: Lane(room, accounts, kits, deliverer, s))

    answering = await rpc.serve(
        room.link,
        channel.name,
        VERSION,
        {
            **rpc.answered(HOOK, hooks.answer),
            **Answers(room, accounts, kits).verbs(),
            **(Users(room, accounts, kits).verbs() if hasattr(channel, "identify") else {}),
        },
    )
    working = [running.spawn(lanes.run(), f"{channel.name}.lanes")]
    fetches = [running.spawn(fetching.run(), f"{channel.name}.fetching")] if fetching.is_wanted else []
    # Patience with a platform that is slow or away: what is tried again waits for half a minute and more.
    running.keeps_up(lanes.load, times=PATIENCE)
    running.take_over()
    await running.stopping.wait()
    # Another replica fetches on at once, while ours is still sending what it began.
    for task in fetches:
        await cancel(task)
    await answering.stop()
    lanes.leave()
    for task in working:
        await task
    await accounts.close()
    await room.caller.close()
    if hasattr(channel, "close"):
        await channel.close()
