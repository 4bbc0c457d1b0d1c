"""Forms of accounts: drawn from the schemas of all of our channels, checked without their code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from backbone.accounts import about, form, registry
from backbone.accounts.form import Field

ROOT = Path(__file__).parents[5]
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


class Sent(Struct, kw_only=True):
    """Two secrets of which one goes to one address alone, and one that goes nowhere."""

    api: Annotated[str, Meta(title="API", pattern="^https?://")] = "https://api.example.com"
    push: Annotated[str, Meta(title="Push", extra_json_schema={"address": True})] = "push.example.com"
    token: Annotated[str, Meta(title="Token", extra_json_schema=SECRET)] = ""
    key: Annotated[str, Meta(title="Key", extra_json_schema={**SECRET, "goes_to": ["push"]})] = ""
    checks: Annotated[str, Meta(title="Checks", extra_json_schema={**SECRET, "goes_to": []})] = ""


KEPT = {"api": "https://api.example.com", "token": "t", "key": "k", "checks": "c"}


@pytest.mark.parametrize(
    ("given", "again"),
    [
        ({}, ""),
        ({"api": "https://api.example.com", "push": "push.example.com"}, ""),
        ({"api": "https://evil.example"}, "token"),
        ({"api": "https://evil.example", "token": "another"}, ""),
        ({"api": "https://evil.example", "token": ""}, ""),
        ({"push": "evil.example", "token": "another"}, "key"),
        ({"push": "evil.example", "token": "another", "key": "another"}, ""),
    ],
)
def test_changed_address_to_have_the_kept_secret_sent_there(given: dict[str, Any], again: str) -> None:
    wrong = form.moved(form.fields(msgspec.json.schema(Sent)), KEPT, given)
    assert (wrong.field if wrong else "") == again
    assert wrong is None or (wrong.code == "field.again" and "again" in wrong.text)


BOUND = {
    "telegram": {"token": ["api"]},
    "wechat": {"app_secret": ["api"]},
    "miniprogram": {"app_secret": ["api"]},
    "wecom": {"secret": ["api"]},
    "douyin": {"client_secret": ["api"], "code": ["api"]},
    "whatsapp": {"access_token": ["api"]},
    "messenger": {"access_token": ["api"]},
    "instagram": {"access_token": ["api"]},
    "line": {"secret": ["api"], "access_token": ["api", "data_api"]},
    "api": {},
    "app": {"apns_key": ["apns_api", "apns_sandbox_api", "apns_verify"], "fcm_service_account": ["fcm_api"]},
}


@pytest.mark.parametrize("name", BOUND)
def test_each_secret_of_ours_is_bound_to_where_it_goes(name: str) -> None:
    channel = registry.find(name)
    assert not isinstance(channel, registry.Broken), channel
    drawn = form.fields(msgspec.json.schema(channel.Account))
    addresses = [each.key for each in drawn if each.address]
    found = {each.key: addresses if each.goes_to is None else each.goes_to for each in drawn if each.secret}
    assert {key: to for key, to in found.items() if to} == BOUND[name]
    assert {key for to in found.values() for key in to} <= set(addresses)


@pytest.mark.parametrize("field", ["imap_host", "imap_port", "imap_security", "smtp_host", "smtp_security", "ca"])
def test_changed_mail_server_to_have_the_kept_password_sent_there(field: str) -> None:
    channel = registry.find("email")
    assert not isinstance(channel, registry.Broken), channel
    drawn = form.fields(msgspec.json.schema(channel.Account))
    before = {"imap_host": "imap.example.com", "smtp_host": "smtp.example.com", "password": "p", "thread_secret": "t"}
    given = {key: value for key, value in before.items() if key not in {"password", "thread_secret"}}
    assert form.moved(drawn, before, given) is None
    wrong = form.moved(drawn, before, {**given, field: "other"})
    assert wrong is not None
    assert wrong.field == "password"


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
