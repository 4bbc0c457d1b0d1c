"""The process: opens the engine, answers requests, loads; leaves in order.

An embedded engine's directory belongs to one process at a time. Another one that is started on it stands by until
the first leaves: imported, connected, trying the lock. When the first goes it finishes its load, gives the lease back,
has its heir subscribe to the requests, answers those that it has, and lets go of the directory: what is asked in
between waits with the heir.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from importlib.metadata import version
from typing import Final

from adapters.warehouse.asking import heir, requests
from adapters.warehouse.clickhouse import migrations, residency
from adapters.warehouse.clickhouse.engine import Engine, LockedError, load_library
from adapters.warehouse.loading.loader import Loader
from adapters.warehouse.loading.room import Room
from adapters.warehouse.settings import SECTION, Target, Warehouse, target
from backbone.errors import UnavailableError
from backbone.nats import rpc
from backbone.nats.leases import Lease
from backbone.process.service import Service

VERSION: Final = version("trunkline")
TRY_AGAIN_S: Final = 0.02


async def run(service: Service, settings: Warehouse) -> None:
    """Works until the service stops. Raises SettingError, SchemaError or what ends the loader."""
    # Before the engine makes its threads, which inherit it.
    os.nice(settings.nice)
    problem = ["The warehouse is opening."]
    loaders: list[Loader] = []
    service.ready(SECTION, lambda: problem[0] if problem else None)
    service.keeps_up(lambda: loaders[0].load() if loaders else None)
    where = target(settings.dsn)
    opened: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()
    room = Room(where.path, service.common.disk_marks())
    service.ready("room", lambda: room.problem)
    desk = Desk(service, opened, loaders)
    await asyncio.to_thread(load_library, where)
    await room.wait(service.stopping)
    engine = await _open(service, settings, where, desk)
    if engine is None:
        await desk.close()
        return
    service.register.folders += [where.path] if where.path else []
    try:
        if where.path:
            # Whoever has the directory is alone with it; a server's schema waits for the lease.
            await engine.write(lambda client: migrations.migrate(client, settings.cluster))
            # A reader opens before the first request, so that ready means able to answer.
            await engine.read(lambda client: client.command("SELECT 1"))
        else:
            service.ready("server", lambda: engine.reach.problem)
            service.ready("loading", lambda: loaders[0].problem if loaders else None)
            service.spawn(engine.reach.watch(partial(migrations.probe, engine), service.stopping), "warehouse.server")
        opened.set_result(engine)
        if await service.unless_stopping(service.link.is_open.wait()):
            await desk.open()
            problem.clear()
            service.take_over()
            service.logger.info("warehouse.ready")
            if where.path:
                work_done = lambda: (engine.questions, loaders[0].newest_ms if loaders else 0)  # noqa: E731 - a short one
                service.spawn(residency.give_back_when_quiet(work_done), "warehouse.residency")
            lease = Lease(service.link, f"{SECTION}.{settings.group}", service.instance, settings.lease_s)
            loaders.append(Loader(service.link, engine, settings, lease, lineage=service.lineage, room=room))
            await _load(service, loaders[0])
        await heir.call(service.link, where)
    finally:
        await desk.close()
        await asyncio.to_thread(engine.close)


class Desk:
    """Where requests are taken: opened once, by whoever comes first; closed when all taken ones are answered."""

    def __init__(self, service: Service, opened: asyncio.Future[Engine], loaders: list[Loader]) -> None:
        self._link = service.link
        self._verbs = requests.verbs(service.link, opened, lambda: loaders[0].newest_ms if loaders else 0)
        self._opening = asyncio.Lock()
        self._opened = opened
        self._answering: rpc.Answering | None = None

    async def open(self) -> None:
        """Requests come here from now on."""
        async with self._opening:
            self._answering = self._answering or await rpc.serve(self._link, SECTION, VERSION, self._verbs)

    async def close(self) -> None:
        """They no longer do; those that wait for an engine that won't open are refused."""
        if not self._opened.done():
            self._opened.set_exception(
                UnavailableError("warehouse.unavailable", "The warehouse is leaving. Try again.")
            )
            self._opened.exception()  # Seen: nobody may have waited.
        if self._answering:
            await self._answering.stop()


async def _load(service: Service, loader: Loader) -> None:
    """Loads until the service stops, and finishes what was begun. Raises what ended the loader."""
    loading = asyncio.create_task(loader.run(), name="warehouse.loader")
    stopping = asyncio.create_task(service.stopping.wait())
    try:
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await loader.leave()
    loading.result()


async def _open(service: Service, settings: Warehouse, where: Target, desk: Desk) -> Engine | None:
    """The engine; stands by while another process has an embedded one's directory. None if told to stop meanwhile."""
    try:
        return await asyncio.to_thread(Engine, where, settings)
    except LockedError as locked:
        service.logger.info("warehouse.stands_by", why=locked.message)
    if not await service.unless_stopping(service.link.is_open.wait()):
        return None
    waiting = await heir.wait(service.link, where, desk.open)
    service.stand_by()
    try:
        while not service.stopping.is_set():
            try:
                return await asyncio.to_thread(Engine, where, settings)
            except LockedError:
                await asyncio.sleep(TRY_AGAIN_S)
        return None
    finally:
        waiting.close()
