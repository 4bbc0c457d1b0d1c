"""What every part of a node has at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple

from backbone.files.attachments import Attachments
from backbone.files.waiting import Waiting
from backbone.log import Log
from backbone.nats.link import Link
from backbone.sealing import Sealer
from backbone.signing import Signer
from node.channels import Channels
from node.entry.limits import RateByKey
from node.entry.login_limits import LoginLimits
from node.entry.passwords import Passwords
from node.entry.quotas import Quotas
from node.entry.sessions import Sessions
from node.entry.turns import Turns
from node.inboxes import Inboxes
from node.openings import Openings
from node.peer import Peer
from node.protocol.session import Bounds
from node.rooms.hub import Hub
from node.rooms.watching import Mirrors
from node.settings import NodeSettings
from node.uploading import Uploads


class Context(NamedTuple):
    """One node's parts; `sockets` are those attached now, by their session's id."""

    settings: NodeSettings
    bounds: Bounds
    link: Link
    log: Log
    hub: Hub
    mirrors: Mirrors
    openings: Openings
    inboxes: Inboxes
    channels: Channels
    sessions: Sessions
    signer: Signer
    sealer: Sealer
    files: Attachments
    waiting: Waiting
    uploads: Uploads
    downloads: asyncio.Semaphore
    open_streams: list[str]
    sockets: dict[str, Peer]
    passwords: Passwords
    logins: LoginLimits
    new_visitors: RateByKey
    requests: RateByKey
    audits: Turns
    quotas: Quotas
    greetings: asyncio.Semaphore
    farewells: set[asyncio.Task[None]]

    def spawn_farewell(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs what a socket leaves to be done; a draining node waits for it."""
        task = asyncio.create_task(work)
        self.farewells.add(task)
        task.add_done_callback(self.farewells.discard)
