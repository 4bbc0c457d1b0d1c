"""What one `up` leaves for the next: whole, and readable by older and newer versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunkline.embedded import StartError
from trunkline.up import handover
from trunkline.up.handover import Handover, Running

LEFT = Handover(
    pid=7,
    version="0.1.0",
    host="127.0.0.1",
    profile="synced",
    demo=False,
    lock=3,
    listener=4,
    nats_port=4222,
    children=(
        Running("node", 11, 2, 5, {"role": "active", "problem": "", "channels": ["web"]}),
        Running("routing", 12),
    ),
    request="abc",
)


def test_it_is_read_as_it_was_written_and_forgotten(tmp_path: Path) -> None:
    handover.write(tmp_path, LEFT)
    assert handover.read(tmp_path) == LEFT
    handover.forget(tmp_path)
    with pytest.raises(StartError, match="nothing to go on from"):
        handover.read(tmp_path)


def test_fields_of_another_version_do_no_harm(tmp_path: Path) -> None:
    """A newer one adds fields, an older one lacks those with defaults."""
    handover.write(tmp_path, LEFT)
    file = tmp_path / "handover.json"
    told = json.loads(file.read_text())
    told["colour"] = "blue"
    told["children"][0]["mood"] = "good"
    del told["request"], told["children"][0]["failures"], told["children"][0]["report"], told["children"][0]["words"]
    file.write_text(json.dumps(told))
    children = (Running("node", 11), Running("routing", 12))
    assert handover.read(tmp_path) == LEFT._replace(request="", children=children)


def test_a_format_that_is_not_understood_is_refused_in_words(tmp_path: Path) -> None:
    handover.write(tmp_path, LEFT._replace(version="99.0", format=handover.FORMAT + 1))
    with pytest.raises(StartError, match=r"can't follow Trunkline 99\.0"):
        handover.read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "children": [3]}'])
def test_what_is_broken_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "handover.json").write_text(text)
    with pytest.raises(StartError, match="nothing to go on from"):
        handover.read(tmp_path)
