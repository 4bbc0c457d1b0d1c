"""A connection to NATS for one command: opened within a deadline, closed on leaving."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from backbone.errors import UnavailableError, UnfitError
from backbone.nats.admission import admit
from backbone.nats.link import Link
from backbone.settings import Common, load
from trunkline.datafolder import joined


def common_settings(data: Path | None) -> Common:
    """The settings of the system on `data`, or of the environment. Raises SettingError and StartError."""
    return load(Common, environ=joined(data, os.environ))


@contextlib.asynccontextmanager
async def connected(common: Common, name: str, within_s: float = 10.0, *, to_any: bool = False) -> AsyncIterator[Link]:
    """A link for as long as the block lasts. Raises UnavailableError if NATS doesn't answer in time.

    Raises UnfitError where the data is of a newer release or nats-server too old, unless `to_any`: for who only looks.
    """
    # A command says once what is wrong; it doesn't report each try.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    link = Link()
    try:
        async with asyncio.timeout(within_s):
            await link.open(
                common.nats_url,
                name=name,
                user=common.nats_user,
                password=common.nats_password,
                admit=None if to_any else lambda opened: admit(opened, common.log_streams()),
            )
    except UnfitError:
        await link.close()
        raise
    except TimeoutError:
        await link.close()
        why = f" ({link.last_error})" if link.last_error else ""
        raise UnavailableError(
            "log.unavailable", f"NATS at {common.nats_url} didn't let us in within {within_s:.0f} s{why}."
        ) from None
    try:
        yield link
    finally:
        await link.close()
