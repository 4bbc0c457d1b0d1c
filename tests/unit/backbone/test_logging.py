"""What a line of log holds, and how often it is written."""

from __future__ import annotations

import io
import json
import logging as stdlib
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from backbone.errors import UnavailableError
from backbone.process import logging, saying
from backbone.process.repeats import KEYS_MOST, MOST, WINDOW_S, Repeats
from backbone.settings import Common

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """The lines of this test, as production writes them."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        logging.say_left_out(math.inf)
        structlog.reset_defaults()
        logging.configure("test", Common(log_format="json", log_level="info"))
    structlog.contextvars.bind_contextvars(instance="test-1")

    def told() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in written.getvalue().splitlines()]
        written.seek(0)
        written.truncate()
        return found

    yield told
    logging.say_left_out(math.inf)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    logging.configure("test", Common(log_format="json", log_level="warning"))


def test_each_line_names_process_and_instance_also_one_of_a_library(lines: Lines) -> None:
    structlog.get_logger("ours").info("some.event", n=1)
    stdlib.getLogger("theirs").warning("a library speaks")
    keys = {"event", "level", "timestamp", "process", "instance"}
    found = lines()
    assert [line["event"] for line in found] == ["some.event", "a library speaks"]
    for line in found:
        assert keys <= line.keys()
        assert (line["process"], line["instance"]) == ("test", "test-1")


def test_a_program_without_structlog_writes_the_same_keys(lines: Lines) -> None:
    structlog.get_logger("ours").warning("some.event")
    (ours,) = lines()
    said = json.loads(saying.line("up", "node was ended by SIGKILL", "warning", as_json=True, instance="up-1"))
    assert said.keys() == ours.keys()
    assert said["timestamp"][:4] == ours["timestamp"][:4]
    assert said["timestamp"].endswith("Z")
    assert saying.line("up", "in words", as_json=False) == "in words"


def test_a_conversation_has_one_key_whatever_the_line_calls_it(lines: Lines) -> None:
    log = structlog.get_logger("ours")
    log.info("one", conv="00c1")
    log.info("two", subject="chat.main.web.00c1")
    log.info("three", conversation="00c1", subject="live.main.web.00c2")
    log.info("four", subject="directory.main")
    assert [line.get("conversation") for line in lines()] == ["00c1", "00c1", "00c1", None]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UnavailableError("log.unavailable", "NATS can't be reached."), "NATS can't be reached."),
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (
            ExceptionGroup("tasks", [UnavailableError("log.unavailable", "Away."), UnavailableError("x.y", "Away.")]),
            "Away.",
        ),
    ],
)
def test_what_a_sentence_says_has_no_traceback(lines: Lines, error: Exception, told: str) -> None:
    log = structlog.get_logger("ours")
    log.error("task.failed", exc_info=error)
    log.error("task.failed", exc_info=(type(error), error, None))
    for line in lines():
        assert line["error"] == told
        assert "exception" not in line


def test_a_fault_in_the_code_keeps_its_traceback_also_beside_expected_ones(lines: Lines) -> None:
    log = structlog.get_logger("ours")
    log.error("task.failed", exc_info=KeyError("x"))
    log.error("task.failed", exc_info=ExceptionGroup("tasks", [UnavailableError(), KeyError("x")]))
    assert all("KeyError" in line["exception"] for line in lines())


def test_the_same_warning_again_and_again_is_written_some_times_and_then_counted(lines: Lines) -> None:
    for number in range(500):
        structlog.get_logger("ours").warning("nats.unreachable", number=number)
        stdlib.getLogger("theirs").warning("attempt %s", number)
        structlog.get_logger("ours").info("decision.written", number=number)
    found = lines()
    assert sum(line["event"] == "nats.unreachable" for line in found) == MOST
    assert sum(line["event"].startswith("attempt") for line in found) == MOST
    # What is no fault is a record of what was done: each one stands.
    assert sum(line["event"] == "decision.written" for line in found) == 500
    logging.say_left_out(math.inf)
    told = [line for line in lines() if line["event"] == "log.repeated"]
    assert {line["more"] for line in told} == {500 - MOST}
    assert "nats.unreachable" in {line["what"] for line in told}


def test_a_minute_later_it_is_written_again() -> None:
    repeats = Repeats()
    assert [repeats.takes("a", at) for at in range(MOST + 2)] == [True] * MOST + [False] * 2
    assert repeats.over(WINDOW_S - 1) == []
    assert repeats.over(WINDOW_S) == [("a", 2)]
    assert repeats.over(WINDOW_S) == []
    assert repeats.takes("a", WINDOW_S + 1)
    for number in range(KEYS_MOST * 2):
        repeats.takes(str(number), WINDOW_S)
    assert len(repeats._seen) <= KEYS_MOST
