"""What processes ask each other is declared once, and every version asks and answers in a form that the others read."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backbone import asks
from backbone.nats.rpc import Ask

ROOT = Path(__file__).parents[2]
PRODUCT = ("adapters", "backbone", "node", "trunkline")
FILES = sorted((Path(__file__).parent / "asks").glob("*.json"))
"""`<verb>.v<n>.json`: {"request": ..., "reply": ...}, never changed; a field that is added comes in a new file."""


def declared() -> dict[str, Ask[Any, Any]]:
    names = [f"backbone.asks.{module.name}" for module in pkgutil.iter_modules(asks.__path__)]
    members = [member for name in names for member in vars(importlib.import_module(name)).items()]
    found = [one for name, one in members if isinstance(one, Ask) and name.isupper()]
    assert len({one.verb for one in found}) == len(found)
    return {one.verb: one for one in found}


def verb_of(file: Path) -> str:
    return file.stem.rsplit(".v", 1)[0]


def number_of(file: Path) -> int:
    return int(file.stem.rsplit(".v", 1)[1])


def test_each_verb_has_a_file() -> None:
    assert {verb_of(file) for file in FILES} == declared().keys()


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_what_was_ever_asked_and_answered_is_read_whole(file: Path) -> None:
    ask, kept = declared()[verb_of(file)], json.loads(file.read_bytes())
    for kind, stored in ((ask.request, kept["request"]), (ask.reply, kept["reply"])):
        read = msgspec.json.decode(json.dumps(stored).encode(), type=kind)
        # Fields that came later have their defaults; all others are as they were.
        assert _without_more(json.loads(msgspec.json.encode(read)), stored) == stored


def test_the_newest_file_of_a_verb_has_every_field() -> None:
    for verb, ask in declared().items():
        kept = json.loads(max((file for file in FILES if verb_of(file) == verb), key=number_of).read_bytes())
        for kind, stored in ((ask.request, kept["request"]), (ask.reply, kept["reply"])):
            read = msgspec.json.decode(json.dumps(stored).encode(), type=kind)
            assert json.loads(msgspec.json.encode(read)) == stored, verb


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_fields_of_a_later_version_are_tolerated(file: Path) -> None:
    ask, kept = declared()[verb_of(file)], json.loads(file.read_bytes())
    for kind, stored in ((ask.request, kept["request"]), (ask.reply, kept["reply"])):
        msgspec.json.decode(json.dumps(_with_more(stored)).encode(), type=kind)


def test_nobody_asks_or_answers_in_a_form_of_their_own() -> None:
    """`rpc.call` and `rpc.Verb` take any Struct: what they name on one side the other must name alike."""
    own = re.compile(r"\brpc\.call\(|\bVerb\(")
    files = [path for room in PRODUCT for path in (ROOT / room).rglob("*.py") if path.name != "rpc.py"]
    assert len(files) > 300
    assert [str(path.relative_to(ROOT)) for path in files if own.search(path.read_text())] == []


def _without_more(read: Any, stored: Any) -> Any:
    """`read` without members that `stored` lacks, at each depth."""
    if isinstance(read, dict) and isinstance(stored, dict):
        return {key: _without_more(value, stored[key]) for key, value in read.items() if key in stored}
    if isinstance(read, list) and isinstance(stored, list):
        return [_without_more(one, other) for one, other in zip(read, stored, strict=True)]
    return read


def _with_more(stored: Any) -> Any:
    """`stored` with another member in each object."""
    if isinstance(stored, dict):
        return {**{key: _with_more(value) for key, value in stored.items()}, "mood": "calm"}
    return [_with_more(one) for one in stored] if isinstance(stored, list) else stored
