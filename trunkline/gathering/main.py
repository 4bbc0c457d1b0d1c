"""The process: what it listens to, asks and answers."""

from __future__ import annotations

import asyncio
import secrets
import signal
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvloop
from prometheus_client import CONTENT_TYPE_LATEST, Metric
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.errors import TrunklineError
from backbone.nats.link import Link
from backbone.process.logging import configure, sweep
from backbone.serving import health as http_health
from backbone.serving import http, metrics
from backbone.serving.bounds import Door
from backbone.settings import Common, load
from trunkline.gathering import alive, machine, merge, natsserver
from trunkline.gathering.asking import OK, WITHIN_S, Answer, ask
from trunkline.gathering.told import Process, Told, follow

NATS = "nats-server"
OWN = "health"

_log = structlog.get_logger("health")


class Gathering:
    """Answers for all processes; `told` is what `up` said last."""

    def __init__(self, link: Link, data: Path) -> None:
        self._link = link
        self._data = data
        self.told = Told()

    def take(self, told: Told) -> None:
        """`up` says what its children do."""
        self.told = told

    async def metrics(self, _request: Request) -> Response:
        """`/metrics`: of all processes, each with the label `process`."""
        told = self.told
        asked = [process for process in told.processes if process.reports]
        nats, disks, answers = await asyncio.gather(
            self._nats(), self._disks(), asyncio.gather(*(ask(process.port, "/metrics") for process in asked))
        )
        series: dict[str, list[Metric]] = {OWN: merge.parse((await asyncio.to_thread(metrics.text)).decode())}
        answered = {NATS: nats is not None}
        for process, answer in zip(asked, answers, strict=True):
            families = _families(process, answer)
            answered[process.name] = families is not None
            series[process.name] = families or []
        ours = [*machine.processes(told, answered), *disks, *(nats or [])]
        text = await asyncio.to_thread(lambda: merge.text(merge.merge(series, ours)))
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def healthz(self, _request: Request) -> Response:
        """`/healthz`: of this process alone."""
        return JSONResponse({"process": OWN, "alive": True}, headers=http_health.NO_STORE)

    async def readyz(self, _request: Request) -> Response:
        """`/readyz`: whether all processes are ready, with what each says."""
        asked = [process for process in self.told.processes if process.reports]
        answers = await asyncio.gather(*(ask(process.port, "/readyz") for process in asked))
        is_ready = bool(asked) and all(answer.status == OK for answer in answers)
        said = {process.name: _said(answer) for process, answer in zip(asked, answers, strict=True)}
        body = {"process": OWN, "ready": is_ready, "processes": said}
        return JSONResponse(body, status_code=200 if is_ready else 503, headers=http_health.NO_STORE)

    async def _nats(self) -> list[Metric] | None:
        try:
            return await natsserver.ask(self._link, WITHIN_S)
        except (TrunklineError, TimeoutError, ValueError, msgspec.MsgspecError) as error:
            _log.debug("health.nats_silent", error=repr(error))
            return None

    async def _disks(self) -> list[Metric]:
        try:
            async with asyncio.timeout(WITHIN_S):
                return await asyncio.to_thread(machine.disks, self._data)
        except TimeoutError:
            return []


def _families(process: Process, answer: Answer) -> list[Metric] | None:
    if answer.status != OK:
        return None
    try:
        return merge.parse(answer.body.decode())
    except ValueError as wrong:
        _log.warning("health.unreadable", of=process.name, error=str(wrong))
        return None


def _said(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {"ready": False, "problem": "It doesn't answer."}


def main(descriptor: int, data: Path) -> None:
    """Runs until SIGTERM."""
    common = load(Common)
    configure(OWN, common)
    structlog.contextvars.bind_contextvars(instance=f"{OWN}-{secrets.token_hex(4)}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(descriptor, data, common))


async def _run(descriptor: int, data: Path, common: Common) -> None:
    link, stopping = Link(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    gathering = Gathering(link, data)
    host = http.bound_to(descriptor)
    routes = [
        Route("/healthz", gathering.healthz),
        Route("/readyz", gathering.readyz),
        Route("/metrics", gathering.metrics),
    ]
    app = http_health.behind_host(host, routes)
    serving = http.serve(app, "", 0, fd=descriptor, door=Door(http_health.BOUNDS))
    beside = [
        asyncio.create_task(follow(gathering.take), name="health.follow"),
        asyncio.create_task(metrics.watch_loop(), name="health.loop_lag"),
        asyncio.create_task(sweep(), name="health.log_sweep"),
        asyncio.create_task(
            link.open(common.nats_url, name=OWN, user=common.nats_user, password=common.nats_password),
            name="health.link",
        ),
    ]
    if common.report_fd >= 0:
        beside.append(asyncio.create_task(alive.tell(common.report_fd, common.hung_s), name="health.alive"))
    await stopping.wait()
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await link.close()
    await serving.stop()
