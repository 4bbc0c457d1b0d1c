"""Work that is cut short by an event: a process that stops, a lease that is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

CANCEL_AGAIN_S: Final = 0.05

_log = structlog.get_logger("backbone.until")


async def until(event: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """Whether `work` came to its end before `event` was set; else it is cancelled. Raises what `work` raises.

    Either way, and when the caller is cancelled, `work` has ended when this returns: what it used may be given back.
    """
    working = asyncio.create_task(work)
    happening = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, happening}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            if not working.cancelled():
                working.result()
            return not working.cancelled()
    finally:
        happening.cancel()
        if not working.done():
            await cancel(working)
            if not working.cancelled() and (error := working.exception()):
                _log.warning("work.failed_leaving", exc_info=error)
    return False


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancels `task` and returns once it has ended; whoever is cancelled meanwhile hurries it, and raises that then.

    What `task` itself raises is left for who wants to look.
    """
    raised: asyncio.CancelledError | None = None
    while not task.done():
        task.cancel()
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            raised = error
    if not task.cancelled():
        task.exception()
    if raised is not None:
        raise raised


async def cancel_again(task: asyncio.Task[Any]) -> None:
    """`cancel` for what may lose a cancellation, every `CANCEL_AGAIN_S` until it has ended: nats-py's connecting.

    `asyncio.wait_for` of Python 3.11 loses it where its work ends in the same turn of the loop. Not for work that
    awaits when it cleans up: the next cancellation would cut that short.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)


async def finish(task: asyncio.Task[Any]) -> None:
    """Returns once `task` has ended by itself, even if the caller is cancelled meanwhile; that is raised then.

    For what is short and must not be left half done.
    """
    raised: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            raised = error
    if raised is not None:
        raise raised
