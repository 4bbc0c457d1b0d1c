"""What each process says of itself when somebody asks all of them: `trunkline doctor`, over NATS.

The question is `health.ask.all`; each process answers on `health.told.<user>.<instance>`, which its user of NATS may
publish and no other. What it says is what its /readyz says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from backbone.errors import UnavailableError
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.serving import health as http_health

MOST_TOLD: Final = 10_000

_log = structlog.get_logger("backbone.process.health")


class Told(Struct, frozen=True, kw_only=True):
    """One process: its name (`routing`, `telegram`, ...), its instance, what it does, and what is wrong, by check."""

    name: str
    instance: str
    role: str = ""
    problems: dict[str, str] = {}
    waiting: int = 0
    """Events that wait for it, as far as it knows."""


_decode = msgspec.json.Decoder(Told).decode


async def answer(  # noqa: PLR0917 - who it is, and what is asked of it
    link: Link,
    name: str,
    instance: str,
    role: Callable[[], str],
    checks: dict[str, http_health.Check],
    waiting: Callable[[], int] = lambda: 0,
) -> None:
    """Answers from the first connection on. `role`, the checks and what waits are asked each time."""
    await link.is_open.wait()
    subject = subjects.health_told(link.own, instance)

    def asked(_subject: bytes, _reply: bytes, _header: bytes | None, _data: bytes) -> None:
        problems = {check: problem for check, ask in checks.items() if (problem := ask())}
        told = Told(name=name, instance=instance, role=role(), problems=problems, waiting=waiting())
        try:
            link.publish_raw(subject, msgspec.json.encode(told))
        except UnavailableError:
            _log.debug("health.unsaid")

    link.subscribe_raw(subjects.HEALTH_ASK, asked)


async def ask(link: Link, within_s: float) -> list[Told]:
    """What all processes answer within that time. Those of earlier versions say nothing."""
    found: dict[str, Told] = {}

    def told(subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        if len(found) < MOST_TOLD:
            found[subject.decode()] = _decode(data)

    sid = link.subscribe_raw(subjects.HEALTH_TOLD, told)
    try:
        link.publish_raw(subjects.HEALTH_ASK, b"")
        await asyncio.sleep(within_s)
    finally:
        link.unsubscribe_raw(sid)
    return list(found.values())
