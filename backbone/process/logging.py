"""Structured logs: JSON lines in production, readable in a terminal; one logger for all libraries.

Each line has the keys `timestamp`, `level`, `event`, `process` and `instance`, and where it is about one `request` and
`conversation`. `backbone/process/saying.py` writes the same keys for programs without structlog.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

from backbone.errors import TrunklineError
from backbone.process import repeats
from backbone.process.saying import is_json
from backbone.settings import Common

SWEEP_S: Final = 5.0
CONVERSATIONS: Final = ("chat.", "live.")

_repeats = repeats.Repeats()


def configure(name: str, common: Common) -> None:
    """Sets up structlog for the process called `name`; libraries' own logs go the same way, from warning on."""
    level = logging.getLevelNamesMapping()[common.log_level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _one_key,
        _sentence,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.types.Processor
    if is_json(common.log_format):
        shared.append(structlog.processors.format_exc_info)
        render = structlog.processors.JSONRenderer()
    else:
        render = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[structlog.processors.add_log_level, _few, *shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Tolerant(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=name)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_few_of_a_library)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


class _Tolerant(io.TextIOBase):
    """A stream whose disk may be full, or whose reader may be gone: a line is lost then, and no work with it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


async def sweep() -> None:
    """Says how often what was left out has come since, until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_S)
        say_left_out(_now())


def say_left_out(now: float) -> None:
    """A line for each event of which lines were left out in a minute that is over."""
    for key, count in _repeats.over(now):
        structlog.get_logger("backbone.process.logging").warning(
            "log.repeated", what=key, more=count, within_s=repeats.WINDOW_S
        )


def expected(error: BaseException) -> list[BaseException] | None:
    """The errors that a sentence says all of, as a group's leaves; None if one of them is a fault in the code."""
    if isinstance(error, BaseExceptionGroup):
        leaves = [expected(one) for one in error.exceptions]
        return None if None in leaves else [leaf for found in leaves for leaf in found or ()]
    return [error] if isinstance(error, (TrunklineError, OSError)) else None


def sentence(error: BaseException) -> str:
    """What an expected error says, without its type."""
    if isinstance(error, TrunklineError):
        return error.message
    return str(error) or type(error).__name__


def _sentence(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """In place of a traceback, where the error says what happened and the code has no fault."""
    info = event.get("exc_info")
    error = info if isinstance(info, BaseException) else sys.exc_info()[1] if info is True else None
    if isinstance(info, tuple):
        error = info[1]
    leaves = expected(error) if error is not None else None
    if not leaves:
        return event
    del event["exc_info"]
    event.setdefault("error", " ".join(dict.fromkeys(sentence(leaf) for leaf in leaves)))
    codes = dict.fromkeys(leaf.code for leaf in leaves if isinstance(leaf, TrunklineError))
    if codes:
        event.setdefault("code", ", ".join(codes))
    return event


def _one_key(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A conversation is under one key, also where a line names its subject alone."""
    if "conv" in event:
        event["conversation"] = event.pop("conv")
    subject = event.get("subject")
    if isinstance(subject, str) and subject.startswith(CONVERSATIONS):
        event.setdefault("conversation", subject.rpartition(".")[2])
    return event


def _few(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leaves out a warning or an error that was written often within the last minute."""
    if event["level"] in {"warning", "error", "critical"} and not _repeats.takes(str(event["event"]), _now()):
        raise structlog.DropEvent
    return event


def _few_of_a_library(record: logging.LogRecord) -> bool:
    return _repeats.takes(f"{record.name}:{record.lineno}", _now())


def _now() -> float:
    return time.monotonic()
