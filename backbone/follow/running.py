"""The process of an adapter that follows the log: lease, standing by, readiness, beginning again after a failure."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from backbone.errors import SettingError, TrunklineError
from backbone.follow.adapter import Adapter
from backbone.follow.follower import Follower, PoisonedError, Turns
from backbone.follow.suspects import Suspects
from backbone.nats.leases import TTL_S, Lease
from backbone.nats.streams import chat_stream, names_of_log
from backbone.process import service
from backbone.process.service import LOOK_S, Service
from backbone.settings import variable
from backbone.until import until

TELL_EVERY_S: Final = 2.0
AGAIN_S: Final = 0.6
AGAIN_MOST_S: Final = 10.0

S = TypeVar("S", bound="FollowSettings")
Make = Callable[[Suspects], Awaitable[Follower]]
"""A follower anew, once the lease is held. It may wait for what it needs."""


class FollowSettings(Struct, frozen=True, kw_only=True):
    """What may be set of every adapter of another package, beside its own."""

    lease_s: Annotated[
        int, Meta(ge=2, le=60, description="Seconds after which another process may follow one that died.")
    ] = TTL_S


def start(name: str, settings: type[S], make: Callable[[S], Adapter], turns: Turns | None = None) -> int:
    """Runs the adapter `name` of a package of its own until a signal; returns the exit code.

    `settings` are read as section `name`; `make` makes the adapter of them, anew whenever following begins.
    """

    async def serve(running: Service, read: S) -> None:
        _refuse_strays(name, settings)

        async def follower(suspects: Suspects) -> Follower:
            names = await names_of_log(running.link)
            streams = {*running.common.log_streams(), *(each.removeprefix(chat_stream("")) for each in names)}
            return Follower(
                running.link,
                make(read),
                name=name,
                reader=f"adapter-{name}",
                streams=sorted(streams),
                lineage=running.lineage,
                turns=turns,
                suspects=suspects,
            )

        await follow(running, follower, lease=f"adapter.{name}", lease_s=read.lease_s)

    return service.start(name, settings, serve)


async def follow(
    running: Service, make: Make, *, lease: str, lease_s: int = TTL_S, check: str = "log", tells_how_far: bool = False
) -> None:
    """Waits for the lease, follows while it is held, and stands by again when it is lost; until the process stops.

    Ready is who stands by, seen that another process holds the lease, and who has reached the end of the log; never
    who has only begun: an upgrade would end the other one, and a reader would take half of what is kept for all.

    `check`: name of the condition of readiness. `tells_how_far`: whoever started us hears how far the log has come.
    """
    working: list[Follower] = []

    def problem() -> str | None:
        if working:
            return working[-1].problem()
        return None if running.role == "standby" else "Nothing is followed yet; the lease is being taken."

    running.ready(check, problem)
    running.keeps_up(lambda: working[-1].load() if working else None)

    async def reconnected() -> None:
        for follower in working:
            await follower.adapter.reconnected()

    running.link.on_reconnect(reconnected)
    if tells_how_far and running.common.report_fd >= 0:
        running.tell(log={})
        running.spawn(_tell_often(running, working), f"{running.name}.how_far")
        running.on_drain(lambda: _tell(running, working))
    await running.link.is_open.wait()
    suspects, pauses = Suspects(), _Pauses()
    while not running.stopping.is_set():
        held = Lease(running.link, lease, running.instance, lease_s)
        try:
            if await running.unless_stopping(held.take(running.stand_by)):
                running.take_over()
                await running.unless_stopping(_work(running, make, suspects, held, working))
        except* PoisonedError as ended:
            running.logger.warning("follow.begins_again", errors=[repr(error) for error in ended.exceptions])
            working.clear()
            await until(running.stopping, asyncio.sleep(suspects.pause_s()))
        except* TrunklineError as ended:
            # The log went away, or back: what is known is made anew from what it holds.
            running.logger.warning("follow.begins_again", errors=[repr(error) for error in ended.exceptions])
            pause_s = pauses.take(has_gone_on=bool(working and not working[-1].problem()))
            working.clear()
            await until(running.stopping, asyncio.sleep(pause_s))
        finally:
            working.clear()
            await held.release()


def _refuse_strays(name: str, settings: type[Struct]) -> None:
    """Raises SettingError for a variable of the adapter that it doesn't read: a misspelt one isn't ignored."""
    known = {variable(name, field.name) for field in msgspec.structs.fields(settings)}
    for stray in sorted(one for one in os.environ if one.startswith(variable(name, ""))):
        if stray not in known and stray.removesuffix("_FILE") not in known:
            raise SettingError(message=f"{stray} is no setting; there are {', '.join(sorted(known))}.", field=stray)


class _Pauses:
    """Seconds before following begins again: doubled while it never reaches the end of the log, with jitter."""

    def __init__(self) -> None:
        self._next_s = AGAIN_S

    def take(self, *, has_gone_on: bool) -> float:
        pause_s = AGAIN_S if has_gone_on else self._next_s
        self._next_s = min(pause_s * 2, AGAIN_MOST_S)
        return pause_s * random.uniform(0.4, 1.6)  # noqa: S311 - jitter


async def _work(running: Service, make: Make, suspects: Suspects, held: Lease, working: list[Follower]) -> None:
    """Follows until the lease is lost. Raises what ends following before."""
    await running.lineage.known()
    follower = await make(suspects)
    working.append(follower)
    await held.while_held(follower.run())


async def _tell_often(running: Service, working: list[Follower]) -> None:
    """Whoever started us keeps how far the log has come."""
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        await _tell(running, working)


async def _tell(running: Service, working: list[Follower]) -> None:
    lasts = working[-1].lasts() if working else {}
    if lasts and lasts != running.told("log"):
        running.tell(log=lasts)
        # Written by another task, which a leaving process ends soon.
        await asyncio.sleep(LOOK_S)
