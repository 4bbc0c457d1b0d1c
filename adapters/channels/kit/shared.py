"""What the parts of the kit share in one process."""

from __future__ import annotations

from typing import NamedTuple

from adapters.channels.kit.settings import ChannelSettings
from backbone.channel import Channel
from backbone.files.attachments import Attachments
from backbone.log import Log
from backbone.nats.link import Link
from backbone.outside.http import Caller
from backbone.sealing import Sealer
from backbone.signing import Signer


class Room(NamedTuple):
    """One channel's process: connections, stores and settings. `instance` names the process."""

    link: Link
    log: Log
    channel: Channel
    settings: ChannelSettings
    files: Attachments
    signer: Signer
    sealer: Sealer
    caller: Caller
    streams: list[str]
    instance: str
