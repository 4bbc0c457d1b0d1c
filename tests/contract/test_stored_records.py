"""Data outlives code: one stored file of each kind of record in each bucket, read by today's code for ever.

A file is never changed. A field that is added comes in a new file `<bucket>.<kind>.v<n>.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backbone import contacts, directory
from backbone.accounts import pulse, stores
from backbone.nats import streams
from tests.contract.kinds import KINDS

FILES = sorted((Path(__file__).parent / "records").glob("*.json"))
NOTHING_YET = {"erased"}
UNIONS: dict[str, Any] = {"directory": directory.Record, "contacts": contacts.Record, "channels": stores.Record}


def kind_of(file: Path) -> Any:
    bucket, kind, _ = file.stem.rsplit(".", 2)
    return KINDS[bucket][kind]


def test_every_kind_of_every_bucket_has_a_stored_file() -> None:
    assert {spec.name for spec in streams.BUCKETS} == KINDS.keys() | NOTHING_YET
    named = {tuple(file.stem.rsplit(".", 2)[:2]) for file in FILES}
    assert named == {(bucket, kind) for bucket, kinds in KINDS.items() for kind in kinds}


def needed_of(kind: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """What a record can't be without, of one that is stored."""
    needed = {f.encode_name for f in msgspec.structs.fields(kind) if f.required}
    return {key: value for key, value in stored.items() if key in needed or key == kind.__struct_config__.tag_field}


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_a_stored_record_is_read_whole_and_written_alike(file: Path) -> None:
    raw = file.read_bytes()
    kind = kind_of(file)
    stored = json.loads(raw)
    written = json.loads(msgspec.json.encode(msgspec.json.decode(raw, type=kind)))
    # Fields that came later have their defaults; all others are as they were.
    assert written | stored == written
    fresh = json.loads(msgspec.json.encode(msgspec.convert(needed_of(kind, stored), type=kind)))
    assert {**fresh, **stored} == written


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_fields_of_a_later_version_are_tolerated(file: Path) -> None:
    later = {**json.loads(file.read_bytes()), "mood": {"calm": True}}
    kind = kind_of(file)
    bucket = file.stem.split(".", 1)[0]
    read = msgspec.json.decode(
        json.dumps(later).encode(), type=UNIONS.get(bucket, kind) if kind is not pulse.Pulse else kind
    )
    assert isinstance(read, kind)


def test_every_field_is_stored_somewhere() -> None:
    for bucket, kinds in KINDS.items():
        for name, kind in kinds.items():
            files = [f for f in FILES if f.stem.startswith(f"{bucket}.{name}.v")]
            stored = {key for f in files for key in json.loads(f.read_bytes())}
            assert {field.encode_name for field in msgspec.structs.fields(kind)} <= stored, (bucket, name)


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_an_earlier_version_wrote_only_what_has_no_default(file: Path) -> None:
    """A record is read though it lacks every field that was added with a default."""
    kind = kind_of(file)
    earlier = needed_of(kind, json.loads(file.read_bytes()))
    assert isinstance(msgspec.json.decode(json.dumps(earlier).encode(), type=kind), kind)
