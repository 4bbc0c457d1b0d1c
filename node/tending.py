"""What a node does beside its sockets: finds the log's streams, keeps presence alive, guards its rooms,
closes the sockets of ended sessions.
"""

from __future__ import annotations

import asyncio
import time

import msgspec
import structlog

from backbone import directory, presence, schema
from backbone.errors import TrunklineError, UnknownOutcomeError
from backbone.nats import replicas
from backbone.nats.buckets import Bucket, Change
from backbone.nats.streams import chat_stream
from backbone.nats.wire.answers import ApiError
from backbone.process.service import Service
from node.context import Context
from node.protocol.frames import NOT_AUTHENTICATED, RESTART, SIGNED_OUT

LOOK_AGAIN_S = 0.1
LOOK_AGAIN_MOST_S = 5.0
LOOK_AT_SOCKETS_S = 1.0
LOOK_AT_THE_LOG_S = 2.0
ANSWERS_WITHIN_S = 3.0
"""A server that hangs is told of within five seconds: this, and `LOOK_AT_THE_LOG_S`."""

SLICE = 1000

SILENT = (
    "nats-server takes connections and answers nothing: it hangs or is cut off, or too few of its cluster are there."
)

_log = structlog.get_logger("node.tending")


class Tending:
    """Started once; `log_problem` is the node's readiness."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._problem: str | None = "The streams of the log haven't been found yet; run `trunkline init`."

    def log_problem(self) -> str | None:
        """None once every stream that is open for new conversations is there."""
        return self._problem

    async def run(self, service: Service) -> None:
        """Waits for the log, then tends until cancelled."""
        context = self._context
        await context.link.is_open.wait()
        await self._find_streams()
        context.openings.listen()
        context.sessions.watch(self._session_ended, self._tokens_ended)
        records: Bucket[msgspec.Raw] = Bucket(context.link, directory.BUCKET, msgspec.Raw)
        records.watch(self._agent_changed, "*.agent.*")
        records.watch(self._role_changed, "*.role.*")
        context.hub.on_rollback(self._greet_agents_again)
        service.spawn(context.hub.run(), "hub")
        service.spawn(context.mirrors.run(), "mirrors")
        service.spawn(context.waiting.run(), "uploads.sweep")
        service.spawn(self._close_silent(), "silence")
        service.spawn(self._look_at_the_log(), "log.look")
        while True:
            await asyncio.sleep(presence.REFRESH_S)
            for socket in [s for s in context.sockets.values() if s.who is not None and s.who.kind == "agent"]:
                try:
                    await socket.say_here()
                except TrunklineError as error:
                    # The next round, 15 s later, is still within the 45 s of the key.
                    _log.warning("presence.not_refreshed", code=error.code)
                    break

    async def _close_silent(self) -> None:
        """One look at every socket each second, a slice at a time, in place of a timer for each."""
        settings = self._context.settings
        # One look at every socket each second is also when it is told that its session has ended.
        look_s = min(LOOK_AT_SOCKETS_S, settings.silent_s / 30)
        while True:
            await asyncio.sleep(look_s)
            sockets = list(self._context.sockets.values())
            for start in range(0, len(sockets), SLICE):
                now, wall = time.monotonic(), time.time()
                for socket in sockets[start : start + SLICE]:
                    socket.check_silence(now, settings.hello_s, settings.silent_s - look_s)
                    socket.check_proof(wall)
                await asyncio.sleep(0)

    async def _find_streams(self) -> None:
        delay_s = LOOK_AGAIN_S
        while await self._check_streams():
            if delay_s >= LOOK_AGAIN_MOST_S:
                _log.warning("log.missing", problem=self._problem)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 1.5, LOOK_AGAIN_MOST_S)

    async def _look_at_the_log(self) -> None:
        """A stream that lost its majority of servers is there and can't store: only looking tells."""
        while True:
            await asyncio.sleep(LOOK_AT_THE_LOG_S)
            before, problem = self._problem, await self._check_streams()
            if bool(problem) != bool(before):
                _log.warning("log.problem", problem=problem) if problem else _log.warning("log.is_back")

    async def _check_streams(self) -> str | None:
        try:
            self._problem = next(
                filter(None, await asyncio.gather(*map(self._check, self._context.open_streams))), None
            )
        except ApiError as error:
            self._problem = f"The log isn't there ({error.message}); run `trunkline init`."
        except UnknownOutcomeError:
            self._problem = SILENT
        except TrunklineError as error:
            self._problem = error.message
        return self._problem

    async def _check(self, s: str) -> str | None:
        name = chat_stream(s)
        info = await self._context.link.api(f"STREAM.INFO.{name}", {}, ANSWERS_WITHIN_S)
        newer = schema.newer(name, info["config"].get("metadata"))
        return newer or replicas.problem(name, replicas.of(info))

    def _greet_agents_again(self) -> None:
        """What they chose to be may have gone with the log's end: coming back, they say it again."""
        for socket in list(self._context.sockets.values()):
            if socket.who is not None and socket.who.kind == "agent":
                socket.close(RESTART, "the log was restored; come back")

    def _session_ended(self, key: str) -> None:
        for socket in list(self._context.sockets.values()):
            if socket.who is not None and socket.who.session == key:
                socket.close(SIGNED_OUT, "signed out")

    def _tokens_ended(self, tenant: str, contact: str, until_ms: int) -> None:
        for socket in list(self._context.sockets.values()):
            if socket.is_of(tenant, contact) and socket.who and socket.who.issued_ms <= until_ms:
                socket.close(NOT_AUTHENTICATED, "token.ended: the token was ended; ask for a new one")

    def _agent_changed(self, change: Change[msgspec.Raw]) -> None:
        """Deactivated, another role or another password: whoever is connected as them is looked at again."""
        tenant, _, agent = change.key.split(".")
        for socket in list(self._context.sockets.values()):
            if socket.is_of(tenant, agent):
                self._context.spawn_farewell(socket.prove_again())

    def _role_changed(self, change: Change[msgspec.Raw]) -> None:
        """A custom role is another set of actions now: whoever is connected with it is looked at again."""
        tenant, _, role = change.key.split(".")
        for socket in list(self._context.sockets.values()):
            who = socket.who
            if who is not None and (who.kind, who.tenant, who.role) == ("agent", tenant, role):
                self._context.spawn_farewell(socket.prove_again())
