"""`trunkline node`: start order of a node."""

from __future__ import annotations

import asyncio

import msgspec

from backbone.accounts.wanted import Wanted
from backbone.files.attachments import Attachments
from backbone.files.waiting import Waiting
from backbone.log import Log
from backbone.nats.objects import Objects
from backbone.process import service
from backbone.process.service import Service
from backbone.sealing import Sealer
from backbone.serving import http
from backbone.serving.bounds import Bounds, Door
from backbone.signing import TOKEN_LIFE_S, Signer
from node import app, descriptors, drain
from node.channels import Channels
from node.context import Context
from node.entry.limits import RateByKey
from node.entry.login_limits import LoginLimits
from node.entry.passwords import Passwords
from node.entry.quotas import Quotas
from node.entry.sessions import Sessions
from node.entry.turns import Turns
from node.inboxes import Inboxes
from node.metrics import UNACKNOWLEDGED
from node.openings import Openings
from node.protocol import session
from node.protocol.connection import PROTOCOLS
from node.rest.files import DOWNLOADS_MOST
from node.rest.settings.audit import AUDITS_A_MINUTE, AUDITS_AT_ONCE
from node.rooms.hub import Hub
from node.rooms.watching import Mirrors
from node.settings import NodeSettings
from node.tending import Tending
from node.uploading import Uploads


def main() -> int:
    """Runs a node; returns its exit code."""
    return service.start("node", NodeSettings, serve)


async def serve(running: Service, settings: NodeSettings) -> None:
    """Answers health at once, everything else as soon as the log is there.

    One that takes over listens last: what it accepts, the node before it would have served.
    """
    link = running.link
    sockets, connections = descriptors.raise_limit(settings.sockets, settings.connections)
    settings = msgspec.structs.replace(settings, sockets=sockets, connections=connections)
    running.facts["sockets"] = settings.sockets
    running.register.sockets_most, running.register.public_url = settings.sockets, settings.public_url
    log = Log(link, settings.unacknowledged)
    running.guard(log)
    signer = Signer(running.common.secrets())
    token_life_s = max(settings.visitor_life_s, settings.user_life_s, TOKEN_LIFE_S)
    UNACKNOWLEDGED.set_function(lambda: log.unacknowledged)
    quotas = Quotas(settings)
    files = Attachments(Objects(running.bulk, running.disk.check_files), settings.file_bytes)
    context = Context(
        settings=settings,
        bounds=_bounds(settings),
        link=link,
        log=log,
        hub=Hub(link, log, running.lineage),
        mirrors=Mirrors(link),
        openings=Openings(link),
        inboxes=Inboxes(link),
        channels=Channels(link),
        sessions=Sessions(link, signer, settings.session_idle_s, settings.session_life_s, token_life_s),
        signer=signer,
        sealer=Sealer(running.common.secrets()),
        files=files,
        waiting=Waiting(link, files),
        uploads=Uploads(settings, quotas),
        downloads=asyncio.Semaphore(DOWNLOADS_MOST),
        open_streams=running.common.log_streams(),
        sockets={},
        passwords=Passwords(),
        logins=LoginLimits(settings),
        new_visitors=RateByKey(settings.visitors_rate),
        requests=RateByKey(settings.actor_requests),
        audits=Turns(AUDITS_AT_ONCE, AUDITS_A_MINUTE),
        quotas=quotas,
        greetings=asyncio.Semaphore(settings.greetings),
        farewells=set(),
    )
    running.register.sockets = lambda: len(context.sockets)
    tending = Tending(context)
    running.ready("log", tending.log_problem)
    running.ready("lineage", running.lineage.problem)
    running.ready("log answers", log.stuck_problem)
    running.ready("disk", running.disk.problem)
    running.spawn(tending.run(running), "node.tending")
    if settings.takes_over and not await running.unless_stopping(running.until_well()):
        return
    serving = http.serve(
        app.build(running, context),
        settings.host,
        settings.port,
        door=Door(
            Bounds(settings.connections, settings.address_connections, settings.requests), context.quotas.counted_as
        ),
        fd=settings.fd if settings.fd >= 0 else None,
        protocols=PROTOCOLS,
        fix="TRUNKLINE_NODE_PORT says another port.",
        proxies=["127.0.0.1", "::1", *settings.proxies.split(",")],
    )
    running.facts["port"] = serving.port
    running.register.address = f"{settings.host}:{serving.port}"
    running.logger.info("node.listening", host=settings.host, port=serving.port)
    running.on_drain(serving.stop)
    running.on_drain(lambda: drain.drain(context, serving))
    if running.common.report_fd >= 0:
        running.beat(lambda: {"stuck_s": round(log.stuck_s(), 1)})
        # Whoever started us runs the adapters of channels that have accounts.
        running.tell(channels=None)
        running.spawn(Wanted(link, lambda names: running.tell(channels=names)).run(), "node.wanted")
    running.take_over()
    await running.stopping.wait()


def _bounds(settings: NodeSettings) -> session.Bounds:
    """What a session needs of the node's settings."""
    return session.Bounds(
        text_bytes=settings.text_bytes,
        visitor_conversations=settings.visitor_conversations,
        agent_conversations=settings.agent_conversations,
        read_rate=settings.read_rate,
        read_burst=settings.read_burst,
    )
