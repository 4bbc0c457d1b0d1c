"""Forms of accounts: drawn from the schemas of all of our channels, checked without their code."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from backbone.channels import about, form, registry
from backbone.channels.form import Field

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
    drawn = {field.key: field for field in FORM}
    assert list(drawn) == ["key", "token", "mode", "is_test", "port", "wait_s", "aliases", "note", "pem"]
    assert drawn["key"] == Field(key="key", title="Key", help="From the console.", required=True, least=3, most=5)
    assert (drawn["token"].secret, drawn["token"].required, drawn["token"].pattern) == (True, True, "^[a-z]+$")
    assert (drawn["mode"].kind, drawn["mode"].choices, drawn["mode"].default) == ("choice", ["hook", "poll"], "poll")
    kinds = [drawn[key].kind for key in ("is_test", "port", "wait_s", "aliases", "note")]
    assert kinds == ["flag", "whole", "number", "list", "text"]
    assert drawn["wait_s"].is_open
    assert drawn["pem"].long


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (GOOD, None),
        ({**GOOD, "mode": "hook", "is_test": True, "port": 9, "wait_s": 2, "aliases": ["a"], "note": "x"}, None),
        ({"key": "abcd"}, ("token", "field.required")),
        ({**GOOD, "token": ""}, ("token", "field.required")),
        ({**GOOD, "token": "XYZ"}, ("token", "field.form")),
        ({**GOOD, "token": 5}, ("token", "field.form")),
        ({**GOOD, "key": "ab"}, ("key", "field.range")),
        ({**GOOD, "key": "abcdef"}, ("key", "field.range")),
        ({**GOOD, "key": "ab\0d"}, ("key", "field.form")),
        ({**GOOD, "mode": "mail"}, ("mode", "field.choice")),
        ({**GOOD, "mode": ["poll"]}, ("mode", "field.form")),
        ({**GOOD, "is_test": "yes"}, ("is_test", "field.form")),
        ({**GOOD, "port": 10}, ("port", "field.range")),
        ({**GOOD, "port": True}, ("port", "field.form")),
        ({**GOOD, "port": 1.5}, ("port", "field.form")),
        ({**GOOD, "wait_s": 0}, ("wait_s", "field.range")),
        ({**GOOD, "aliases": [1]}, ("aliases", "field.form")),
        ({**GOOD, "aliases": "a"}, ("aliases", "field.form")),
        ({**GOOD, "more": 1}, ("more", "field.unknown")),
    ],
)
def test_what_is_wrong_is_named_with_its_field(values: dict[str, Any], wrong: tuple[str, str] | None) -> None:
    found = form.problem(FORM, values)
    assert (found and (found.field, found.code)) == wrong
    if wrong is None:
        msgspec.convert(values, Sample)


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
    described = about.describe(channel)
    assert described == msgspec.json.decode(msgspec.json.encode(described), type=about.About)
    assert described.guide
    assert [f.key for f in described.fields if f.title == f.key] == []
    for field in described.fields:
        if not field.required:
            found = form.problem([field], {field.key: field.default})
            assert found is None, found
