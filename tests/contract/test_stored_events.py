"""Data outlives code: one stored file of each type and version, read by today's code for ever.

A file is never changed. A new type or version brings a new file.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from backbone import events as ev
from backbone.conversation import empty, fold
from backbone.decide import parse_tolerant

FILES = sorted((Path(__file__).parent / "events").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_a_stored_event_is_read_whole_and_written_alike(file: Path) -> None:
    raw = file.read_bytes().strip()
    event = ev.parse(raw)
    assert str(type(event).__struct_config__.tag) == file.name.rsplit(".v", 1)[0]
    assert json.loads(ev.encode(event)) == json.loads(raw)
    envelope = ev.parse_envelope(raw)
    assert (envelope.id, envelope.type, envelope.at) == (event.id, json.loads(raw)["type"], event.at)
    assert fold(empty("main", "web", event.conv), event, 1).seq == 1


def test_every_type_has_a_stored_file() -> None:
    assert {f.name.rsplit(".v", 1)[0] for f in FILES} == set(ev.TYPES)


def test_every_field_of_every_type_is_stored_somewhere() -> None:
    for tag, kind in ev.TYPES.items():
        stored = {key for f in FILES if f.name.startswith(f"{tag}.v") for key in json.loads(f.read_bytes())}
        fields = {f.name for f in msgspec.structs.fields(kind)} - {"v", "note"}
        assert fields <= stored, tag


@pytest.mark.parametrize("file", FILES[:3], ids=[f.stem for f in FILES[:3]])
def test_fields_of_a_later_version_are_tolerated(file: Path) -> None:
    later = {**json.loads(file.read_bytes()), "v": 2, "mood": {"calm": True}}
    assert ev.parse(json.dumps(later).encode()).id == later["id"]


def test_a_type_of_a_later_version_is_kept_as_its_envelope() -> None:
    later = {**json.loads(FILES[0].read_bytes()), "type": "robot.waved"}
    event = parse_tolerant(json.dumps(later).encode())
    assert isinstance(event, ev.Envelope)
    assert event.type == "robot.waved"
