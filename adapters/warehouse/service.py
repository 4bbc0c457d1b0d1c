"""The process: opens the engine, answers requests, loads; leaves in order."""

from __future__ import annotations

import asyncio
import random
from importlib.metadata import version
from typing import Final

from adapters.warehouse import migrations, requests
from adapters.warehouse.engine import Engine, LockedError
from adapters.warehouse.loader import Loader
from adapters.warehouse.settings import SECTION, Warehouse, target
from backbone import rpc
from backbone.leases import Lease
from backbone.service import Service

VERSION: Final = version("trunkline")
LOCK_WAIT_S: Final = 15.0
"""How long a process waits for one that is leaving the same directory."""


async def run(service: Service, settings: Warehouse) -> None:
    """Works until the service stops. Raises SettingError, LockedError, SchemaError or what ends the loader."""
    problem = ["The warehouse is opening."]
    service.ready(SECTION, lambda: problem[0] if problem else None)
    engine = await _open(settings)
    lease = Lease(service.link, f"{SECTION}.{settings.group}", service.instance, settings.lease_s)
    loader = Loader(service.link, engine, settings, lease)

    async def leave() -> None:
        await loader.leave()
        await asyncio.to_thread(engine.close)

    service.on_drain(leave)
    if engine.target.path:
        # Whoever has the directory is alone with it; a server's schema waits for the lease.
        await engine.write(lambda client: migrations.migrate(client, settings.cluster))
    # A reader opens before the first request, so that ready means able to answer.
    await engine.read(lambda client: client.command("SELECT 1"))
    await service.link.is_open.wait()
    await rpc.serve(
        service.link,
        SECTION,
        VERSION,
        requests.verbs(service.link, engine, lambda: loader.newest_ms),
    )
    problem.clear()
    service.logger.info("warehouse.ready")
    await loader.run()


async def _open(settings: Warehouse) -> Engine:
    """The engine; waits for a process that is about to let go of an embedded one's directory."""
    where = target(settings.dsn)
    loop = asyncio.get_running_loop()
    until = loop.time() + LOCK_WAIT_S
    while True:
        try:
            return await asyncio.to_thread(Engine, where, settings)
        except LockedError:
            if loop.time() > until:
                raise
            await asyncio.sleep(random.uniform(0.1, 0.3))  # noqa: S311 - jitter
