"""Which data and which nats-server a version works on: the rules, without a server."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from backbone import schema
from backbone.nats import admission


class Server(NamedTuple):
    """A version as nats-py tells it."""

    major: int
    minor: int
    patch: int


@pytest.mark.parametrize(
    ("metadata", "found", "is_refused"),
    [
        (None, 0, False),
        ({}, 0, False),
        ({"epoch": "1@1"}, 0, False),
        ({"schema": str(schema.SCHEMA)}, schema.SCHEMA, False),
        ({"schema": str(schema.SCHEMA + 1), "release": "9.9"}, schema.SCHEMA + 1, True),
        ({"schema": "999999"}, 999_999, True),
        ({"schema": "9" * 5000}, 0, False),
        ({"schema": "²"}, 0, False),
        ({"schema": "-1"}, 0, False),
    ],
)
def test_data_of_a_newer_release_is_told_and_nothing_else_is(
    metadata: dict[str, str] | None, found: int, *, is_refused: bool
) -> None:
    assert schema.schema_of(metadata) == found
    problem = schema.newer("CHAT_00", metadata)
    assert bool(problem) == is_refused
    if is_refused:
        assert problem.startswith("CHAT_00 holds data of a newer Trunkline")
        assert "start the newer version" in problem


def test_a_release_that_raises_the_schema_says_so_and_keeps_what_is_there() -> None:
    assert schema.raised({"epoch": "1@1"}) == {"epoch": "1@1", **schema.marks()}
    assert schema.raised(schema.marks()) is None
    assert "(9.9 line)" in schema.newer("X", {"schema": "99", "release": "9.9\nline" + "x" * 0})


@pytest.mark.parametrize(
    ("server", "is_refused"), [((2, 10, 29), True), ((2, 11, 9), True), ((2, 12, 0), False), ((3, 0, 0), False)]
)
def test_a_server_that_drops_settings_is_refused(server: tuple[int, int, int], *, is_refused: bool) -> None:
    assert ("upgrade nats-server" in admission.too_old(Server(*server))) == is_refused
