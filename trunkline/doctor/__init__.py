"""What `trunkline doctor` looks at. Each check answers with what it found and, if something is wrong, with the act that
mends it. Rules are pure and stand beside the questions that they judge, a file a subject.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from backbone.clock import utc_ms
from backbone.errors import TrunklineError, UnavailableError
from backbone.nats.link import Link
from backbone.process import health, processes
from backbone.process.health import Told
from backbone.process.processes import Registered, fingerprint
from backbone.settings import Common
from trunkline.connect import connected
from trunkline.datafolder import Running
from trunkline.doctor import adapters, local, machines, server, streams
from trunkline.doctor.channels import channels
from trunkline.doctor.findings import Check
from trunkline.up import word

NATS_WITHIN_S: Final = 5
ANSWERS_WITHIN_S: Final = 0.5
LATE_ANSWERS_WITHIN_S: Final = 2.0


async def examine(common: Common, data: Path | None, now: Running | None) -> AsyncIterator[Check]:
    """All findings, as they come. `data` and `now`: the folder and ports of a `trunkline up` on this machine."""
    yield local.console()
    if data is not None:
        yield await asyncio.to_thread(local.disk, data)
        if check := local.children(await asyncio.to_thread(word.read, data)):
            yield check
    is_connected = False
    try:
        async with connected(common, "doctor", within_s=NATS_WITHIN_S, to_any=True) as link:
            is_connected = True
            async for check in _connected(link, common):
                yield check
    except TrunklineError as error:
        if is_connected:
            yield server.hangs(common, error)
        else:
            why = error.message if isinstance(error, UnavailableError) else str(error)
            yield server.unreachable(common, await server.line(common.nats_url), why)
    if now is not None:
        yield await asyncio.to_thread(local.node, now.node_port)


async def _connected(link: Link, common: Common) -> AsyncIterator[Check]:
    yield await server.server(link)
    async for check in streams.log(link, common):
        yield check
    yield await streams.copies(link, common)
    servers = await server.syncing(common)
    yield server.durability(common, servers)
    if room := server.storage(servers):
        yield room
    yield await server.users(common)
    yield await server.clock(link, common)
    registered, told = await _processes(link)
    secrets = (fingerprint(common.secret),) if common.secret else ()
    for check in machines.checks(machines.fleet(registered, told), utc_ms(), secrets):
        yield check
    async for check in adapters.adapters(link, common, told):
        yield check
    if given_up := await adapters.dead(link):
        yield given_up
    async for check in channels(link, common):
        yield adapters.standing(check, told)


async def _processes(link: Link) -> tuple[list[Registered], list[Told]]:
    """The register, and what each process answers: those that are slow to get a second chance."""
    try:
        registered = await processes.registered(link)
    except TrunklineError:
        registered = []
    told = await health.ask(link, ANSWERS_WITHIN_S)
    if {one.process.instance for one in registered} - {one.instance for one in told}:
        told = await health.ask(link, LATE_ANSWERS_WITHIN_S)
        try:
            # One that left meanwhile has taken its record out.
            registered = await processes.registered(link)
        except TrunklineError:
            registered = []
    return registered, told
