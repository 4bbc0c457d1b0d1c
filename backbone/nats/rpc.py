"""Request-reply between processes with deadlines and typed errors (NATS micro services).

Subject `rpc.<service>.<tenant>.<verb>`; the tenant comes from the subject, which the asking process builds
from its session, never from the request. An error travels as problem details.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
import structlog
from msgspec import Struct
from nats.errors import Error as NatsError
from nats.micro import add_service
from nats.micro.request import Request as MicroRequest
from nats.micro.service import Service, ServiceConfig

from backbone.errors import (
    BY_STATUS,
    InvalidInputError,
    TooLargeError,
    TooManyError,
    TrunklineError,
    UnavailableError,
)
from backbone.nats import subjects
from backbone.nats.link import Link
from backbone.nats.wire.header import header_block, header_value

DEADLINE_HEADER: Final = "Trunkline-Deadline"
ERROR_HEADER: Final = "Nats-Service-Error-Code"
TIMEOUT_S: Final = 10.0
MOST_RUNNING: Final = 64
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

R = TypeVar("R")
A = TypeVar("A")

_log = structlog.get_logger("backbone.nats.rpc")


class Problem(Struct, omit_defaults=True, kw_only=True):
    """An error as it travels: RFC 9457's members that we use, with our stable code."""

    status: int
    code: str
    detail: str = ""
    field: str | None = None
    retry_after_ms: int | None = None


class Ask(NamedTuple, Generic[R, A]):
    """One verb as both sides know it: its name, and what decodes its request and its reply (`backbone/asks`)."""

    verb: str
    request: type[R]
    reply: type[A]


class Verb(NamedTuple, Generic[R]):
    """What answers one verb: the request's Struct, and a handler (tenant, request) -> Struct or msgspec.Raw."""

    kind: type[R]
    handler: Callable[[str, R], Awaitable[Any]]


def problem_of(error: TrunklineError) -> Problem:
    """The problem that tells of an error."""
    return Problem(
        status=error.status,
        code=error.code,
        detail=error.message,
        field=error.field,
        retry_after_ms=error.retry_after_ms,
    )


def error_of(problem: Problem) -> TrunklineError:
    """The error that a problem tells of."""
    kind = BY_STATUS.get(problem.status, TrunklineError)
    if issubclass(kind, TooManyError | UnavailableError):
        return kind(problem.code, problem.detail, field=problem.field, retry_after_ms=problem.retry_after_ms)
    return kind(problem.code, problem.detail, field=problem.field)


headers_asked: ContextVar[Mapping[str, str]] = ContextVar("headers_asked", default=_NO_HEADERS)
"""Of the request that is being answered."""


class Answering(NamedTuple):
    """Verbs that are answered until `stop`."""

    micro: Service
    running: set[asyncio.Task[None]]

    async def stop(self) -> None:
        """Takes no further request; returns when those that were taken have been answered.

        Of several instances the others take what comes from now on: nothing is lost in between.
        """
        with contextlib.suppress(NatsError, TimeoutError):
            # Its own `stop` would drop what has arrived and isn't looked at yet.
            for endpoint in self.micro._endpoints:  # noqa: SLF001
                if endpoint._subscription:  # noqa: SLF001
                    await endpoint._subscription.drain()  # noqa: SLF001
        if self.running:
            await asyncio.wait(self.running)


async def serve(link: Link, service: str, version: str, verbs: dict[str, Verb[Any]]) -> Answering:
    """Answers `verbs` of `service` for every tenant; instances share the work by a queue group.

    At most 64 requests run at once here; further ones are refused with `rpc.busy`. Returns once the server knows.
    """
    micro = await add_service(link, ServiceConfig(name=service, version=version, queue_group=service))
    running: set[asyncio.Task[None]] = set()
    for name, verb in verbs.items():

        async def receive(request: MicroRequest, verb: Verb[Any] = verb) -> None:
            if len(running) >= MOST_RUNNING:
                await _refuse(request, TooManyError("rpc.busy", "Too many requests; try again.", retry_after_ms=500))
                return
            task = asyncio.create_task(_answer(request, verb))
            running.add(task)
            task.add_done_callback(running.discard)

        await micro.add_endpoint(
            name=name.replace(".", "-"), subject=subjects.rpc_filter(service, name), handler=receive
        )
    await link.flush()
    return Answering(micro, running)


def answered(ask: Ask[R, A], handler: Callable[[str, R], Awaitable[A]]) -> dict[str, Verb[Any]]:
    """What `serve` wants of one verb: its handler gets the request of a tenant, and returns the reply."""
    return {ask.verb: Verb(ask.request, handler)}


async def ask(
    link: Link,
    service: str,
    tenant: str,
    ask: Ask[R, A],
    request: R,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    timeout_s: float = TIMEOUT_S,
) -> A:
    """Asks a service; its reply. Raises as `call`."""
    return await call(link, service, tenant, ask.verb, request, ask.reply, headers=headers, timeout_s=timeout_s)


async def call(  # noqa: PLR0917 - where to, what, and what comes back
    link: Link,
    service: str,
    tenant: str,
    verb: str,
    request: Any,
    kind: type[A],
    *,
    headers: tuple[tuple[str, str], ...] = (),
    timeout_s: float = TIMEOUT_S,
) -> A:
    """Asks a service; the answer decoded as `kind`. `headers`: ASCII, what the handler finds in `headers_asked`.

    Raises the error the service raised, UnavailableError `<service>.unavailable` when nobody answers in time,
    TooLargeError `log.too_large` for a request that NATS can't carry.
    """
    deadline = int((time.time() + timeout_s) * 1000)
    try:
        reply = await link.request_raw(
            subjects.rpc(service, tenant, verb),
            msgspec.json.encode(request),
            header_block((DEADLINE_HEADER, deadline), *headers),
            timeout_s,
        )
    except TooLargeError:
        raise
    except TrunklineError as error:
        raise UnavailableError(
            f"{service}.unavailable", f"The {service} doesn't answer now. Try again.", retry_after_ms=2000
        ) from error
    if header_value(reply.header, ERROR_HEADER.encode()) is not None:
        raise error_of(msgspec.json.decode(reply.data, type=Problem))
    return msgspec.json.decode(reply.data, type=kind)


def _flat(headers: Mapping[str, Any]) -> dict[str, str]:
    """The first value of each: nats-py gives lists of them where the package fast-mail-parser is there."""
    return {name: value[0] if isinstance(value, list) else value for name, value in headers.items() if value}


async def _answer(request: MicroRequest, verb: Verb[Any]) -> None:
    headers = _flat(request.headers or {})
    deadline = headers.get(DEADLINE_HEADER)
    if deadline and deadline.isdigit() and int(deadline) < time.time() * 1000:
        return
    try:
        try:
            decoded = msgspec.json.decode(request.data, type=verb.kind)
        except msgspec.DecodeError as wrong:
            raise InvalidInputError("rpc.invalid_request", str(wrong)) from None
        headers_asked.set(headers)
        answer = await verb.handler(subjects.tenant_of_rpc(request.subject), decoded)
        await request.respond(msgspec.json.encode(answer))
    except TrunklineError as error:
        await _refuse(request, error)
    except Exception:  # noqa: BLE001 - answered as our fault, logged with its trace
        # The edge of the process: whoever asked gets an answer, and the fault is in the log with its trace.
        _log.exception("rpc.failed", subject=request.subject)
        await _refuse(request, TrunklineError("internal.error", "The request failed; the fault is logged."))


async def _refuse(request: MicroRequest, error: TrunklineError) -> None:
    await request.respond_error(
        code=str(error.status),
        description=error.code,
        data=msgspec.json.encode(problem_of(error)),
    )
