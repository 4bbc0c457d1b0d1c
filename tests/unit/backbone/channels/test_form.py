"""Forms of accounts: drawn from the schemas of all of our channels, checked without their code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from backbone.channels import about, form, registry
from backbone.channels.form import Field

ROOT = Path(__file__).parents[4]
CASES: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "form.json").read_text())
CHINESE: dict[str, dict[str, list[str]]] = json.loads(
    (ROOT / "console" / "desk" / "locale" / "forms.zh-CN.json").read_text()
)
SECRET: dict[str, Any] = {"secret": True}


class Sample(Struct, kw_only=True):
    """An account with one field of each kind."""

    key: Annotated[str, Meta(title="Key", description="From the console.", min_length=3, max_length=5)]
    token: Annotated[str, Meta(title="Token", pattern="^[a-z]+$", extra_json_schema=SECRET)]
    mode: Annotated[Literal["poll", "hook"], Meta(title="Mode")] = "poll"
    is_test: bool = False
    port: Annotated[int, Meta(ge=1, le=9)] = 3
    wait_s: Annotated[float, Meta(gt=0)] = 1.5
    aliases: tuple[str, ...] = ()
    note: str | None = None
    pem: Annotated[str, Meta(extra_json_schema={**SECRET, "multiline": True})] = ""


FORM = form.fields(msgspec.json.schema(Sample))
GOOD = {"key": "abcd", "token": "xyz"}


def test_each_kind_of_field_is_drawn() -> None:
    drawn = msgspec.json.decode(msgspec.json.encode(FORM), type=list[Field])
    assert drawn == msgspec.convert(CASES["fields"], list[Field])


@pytest.mark.parametrize("case", CASES["cases"], ids=[json.dumps(case) for case in CASES["cases"]])
def test_what_is_wrong_is_named_with_its_field(case: dict[str, Any]) -> None:
    """The console runs the same cases: whatever it lets through, the node takes."""
    found = form.problem(FORM, case["values"])
    assert (found and [found.field, found.code]) == case["wrong"]
    if found is None:
        msgspec.convert(case["values"], Sample)


def test_a_field_that_isnt_there_is_refused() -> None:
    assert form.problem(FORM, {**GOOD, "more": 1}) == ("more", "field.unknown", "The channel has no such field.")


def test_a_secret_is_never_shown_and_stays_until_another_is_given() -> None:
    before = {**GOOD, "pem": "old"}
    assert form.shown(FORM, before) == {"key": "abcd"}
    assert form.kept_secrets(FORM, before) == ["token", "pem"]
    assert form.merged(FORM, before, {"key": "abc"}) == {"key": "abc", "token": "xyz", "pem": "old"}
    assert form.merged(FORM, before, {"key": "abc", "pem": ""})["pem"] == ""


@pytest.mark.parametrize("name", registry.names())
def test_each_channel_of_ours_describes_itself(name: str) -> None:
    """Every field has a title, its defaults keep its own rules, and the page of steps comes along."""
    channel = registry.find(name)
    assert not isinstance(channel, registry.Broken), channel
    described = about.describe(channel, "https://desk.example.com")
    assert described == msgspec.json.decode(msgspec.json.encode(described), type=about.About)
    assert described.guide
    assert [f.key for f in described.fields if f.title == f.key] == []
    for field in described.fields:
        if not field.required:
            found = form.problem([field], {field.key: field.default})
            assert found is None, found


@pytest.mark.parametrize("name", registry.names())
def test_each_form_of_ours_reads_in_chinese(name: str) -> None:
    """Each field has a title, and a help where it has one in English; nothing else stands there."""
    channel = registry.find(name)
    assert not isinstance(channel, registry.Broken), channel
    described = about.describe(channel, "https://desk.example.com")
    assert list(CHINESE[name]) == [field.key for field in described.fields]
    for field in described.fields:
        title, help_ = CHINESE[name][field.key]
        assert title
        assert bool(help_) == bool(field.help)
