"""Settings over REST: each noun's routes, lost updates, and what is still used."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from backbone import directory
from backbone.directory import Skill
from backbone.nats.link import Link
from node.rest.settings.nouns import RECORDS_MOST
from tests.harness.system import System
from tests.integration.node.company import Company

WEEK: Final = [{"day": 0, "hours": [{"start": 540, "end": 720}, {"start": 780, "end": 1080}]}]
NOUNS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "teams": ({"name": "  Sales "}, {"name": "Sales 2", "calendar": ""}),
    "skills": ({"name": "French"}, {"name": "Français"}),
    "calendars": (
        {"name": "Office", "zone": "Asia/Shanghai", "week": WEEK},
        {"name": "Office", "zone": "Europe/London", "week": [], "special": [{"date": "2026-10-01", "name": "国庆节"}]},
    ),
    "roles": (
        {"name": "Reader", "actions": ["report.read", "agent.list"]},
        {"name": "Reader", "actions": ["report.read"]},
    ),
    "inboxes": (
        {"name": "Shop", "origins": ["HTTPS://Shop.example.com/"]},
        {
            "name": "Shop",
            "greeting": "你好",
            "origins": ["https://shop.example.com"],
            "accent": "#112233",
            "locale": "zh-CN",
            "reopen_window_s": 60,
            "team": "",
        },
    ),
}


@pytest.fixture(scope="module")
def acme(system: System) -> Iterator[Company]:
    with Company(system, "acme") as company:
        yield company


@pytest.fixture(scope="module")
def globex(system: System) -> Iterator[Company]:
    with Company(system, "globex-settings") as company:
        yield company


@pytest.mark.parametrize("noun", NOUNS)
def test_a_record_is_made_read_changed_and_removed(acme: Company, noun: str) -> None:
    new, changed = NOUNS[noun]
    made = acme.ask("ada", "POST", f"settings/{noun}", {"id": f"one-{noun}", **new, "why": "why not"})
    assert made.status == 201, made
    assert made.etag == f'"{made.body["revision"]}"'
    path = f"settings/{noun}/one-{noun}"
    read = acme.ask("ada", "GET", path, node=1)
    assert (read.status, read.body, read.etag) == (200, made.body, made.etag)
    assert made.body in acme.ask("ada", "GET", f"settings/{noun}").body["items"]
    taken = acme.ask("ben", "POST", f"settings/{noun}", {"id": f"one-{noun}", **new})
    assert (taken.status, taken.code, taken.body["field"]) == (
        409,
        {"inboxes": "inbox", "calendars": "calendar"}.get(noun, noun[:-1]) + ".taken",
        "id",
    )

    missing = acme.ask("ada", "PUT", path, changed)
    assert (missing.status, missing.code, missing.body["field"]) == (428, "settings.if_match", "If-Match")
    after = acme.ask("ada", "PUT", path, changed, If_Match=made.etag)
    assert after.status == 200, after
    assert after.body["revision"] > made.body["revision"]
    assert after.etag == f'"{after.body["revision"]}"'
    assert {field: after.body[field] for field in changed if field != "special"} == {
        field: value for field, value in changed.items() if field != "special"
    }
    lost = acme.ask("ben", "PUT", path, changed, If_Match=made.etag)
    assert (lost.status, lost.code, lost.body["field"]) == (412, "resource.changed", "If-Match")
    assert acme.ask("ada", "GET", path).body == after.body
    nothing = acme.ask("ada", "PUT", path, {}, If_Match=after.etag)
    assert (nothing.status, nothing.code) == (422, "body.invalid")
    assert acme.ask("ada", "PUT", f"settings/{noun}/nobody", changed, If_Match="*").status == 404

    if noun == "inboxes":
        # Removing one is a matter of its account.
        assert acme.ask("ada", "DELETE", path).status == 405
        return
    old = acme.ask("ada", "DELETE", path, If_Match=made.etag)
    assert (old.status, old.code) == (412, "resource.changed")
    assert acme.ask("ada", "DELETE", f"{path}?why=no+longer", If_Match=after.etag).status == 204
    gone = acme.ask("ada", "GET", path)
    assert (gone.status, gone.code.partition(".")[2]) == (404, "not_found")
    # An id may be used again.
    assert acme.ask("ada", "POST", f"settings/{noun}", {"id": f"one-{noun}", **new}).status == 201


def test_what_is_stored_is_what_is_answered(acme: Company) -> None:
    team = acme.ask("ada", "POST", "settings/teams", {"name": "  Sales  "}).body
    assert team["name"] == "Sales"
    assert len(team["id"]) == 16
    assert acme.ask("ada", "GET", f"settings/teams/{team['id']}").body == team
    inbox = acme.ask(
        "ada", "POST", "settings/inboxes", {"id": "normal", "name": "N", "origins": ["HTTPS://A.Example/"]}
    )
    assert inbox.body["origins"] == ["https://a.example"]
    assert acme.ask("ada", "GET", "settings/inboxes/normal").body == inbox.body


def test_an_answer_that_didnt_arrive_is_asked_for_again_under_its_key(acme: Company) -> None:
    key = str(uuid.uuid4())
    once = acme.ask("ada", "POST", "settings/skills", {"name": "Once"}, Idempotency_Key=key)
    again = acme.ask("ada", "POST", "settings/skills", {"name": "Once"}, 1, Idempotency_Key=key)
    assert (again.status, again.body, again.etag) == (201, once.body, once.etag)
    named = [one for one in acme.ask("ada", "GET", "settings/skills").body["items"] if one["name"] == "Once"]
    assert len(named) == 1


def test_of_many_who_change_one_version_at_once_one_is_let_through(acme: Company) -> None:
    """Those that pass the comparison with what was read meet the writer's."""
    made = acme.ask("ada", "POST", "settings/skills", {"id": "raced", "name": "Raced"})
    acme.cookie("ben")

    def change(n: int) -> tuple[int, str]:
        body = {"name": f"Raced {n}"}
        answer = acme.ask(("ada", "ben")[n % 2], "PUT", "settings/skills/raced", body, n % 2, If_Match=made.etag)
        return answer.status, answer.code

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(change, range(16)))
    assert answers == [(200, ""), *[(412, "resource.changed")] * 15]

    def remove(_n: int) -> int:
        return acme.ask("ada", "DELETE", "settings/skills/raced").status

    with ThreadPoolExecutor(8) as threads:
        ended = sorted(threads.map(remove, range(8)))
    assert ended[0] == 204
    assert set(ended[1:]) <= {404, 412}


@pytest.mark.parametrize(
    ("noun", "body", "field"),
    [
        ("teams", {"name": ""}, "name"),
        ("teams", {"name": "A", "calendar": "nowhere"}, "calendar"),
        ("teams", {"id": "_mine", "name": "A"}, "team"),
        ("calendars", {"name": "A", "zone": "Asia/Nowhere"}, "zone"),
        ("roles", {"name": "A", "actions": ["tenant.destroy"]}, "actions"),
        ("roles", {"id": "admin", "name": "A"}, "id"),
        ("roles", {"id": "actions", "name": "A"}, "id"),
        ("inboxes", {"name": "A", "accent": "red; background: url(x)"}, "accent"),
        ("inboxes", {"name": "A", "origins": ["javascript:alert(1)"]}, "origins"),
        ("inboxes", {"name": "A", "origins": []}, "origins"),
        ("skills", {"name": "A", "why": "x" * 201}, "why"),
    ],
)
def test_what_a_record_cant_be_is_refused_with_its_field(
    acme: Company, noun: str, body: dict[str, Any], field: str
) -> None:
    answer = acme.ask("ada", "POST", f"settings/{noun}", body)
    assert (answer.status, answer.body["field"]) == (422, field), answer


def test_a_list_comes_by_name_a_page_at_a_time(globex: Company) -> None:
    for name in ("c", "a", "b"):
        assert globex.ask("ada", "POST", "settings/teams", {"name": name}).status == 201
    first = globex.ask("ada", "GET", "settings/teams?limit=2").body
    assert [one["name"] for one in first["items"]] == ["a", "b"]
    second = globex.ask("ada", "GET", f"settings/teams?limit=2&after={first['next']}").body
    assert ([one["name"] for one in second["items"]], second["next"]) == (["c"], None)


def test_an_inbox_of_another_tenant_is_neither_seen_nor_taken(acme: Company, globex: Company) -> None:
    assert acme.ask("ada", "POST", "settings/inboxes", {"id": "acmes-own", "name": "Acme"}).status == 201
    taken = globex.ask("ada", "POST", "settings/inboxes", {"id": "acmes-own", "name": "Mine now"})
    assert (taken.status, taken.code) == (409, "inbox.taken")
    assert globex.ask("ada", "GET", "settings/inboxes").body["items"] == []
    changed = {**NOUNS["inboxes"][1], "name": "Mine now"}
    assert globex.ask("ada", "PUT", "settings/inboxes/acmes-own", changed, If_Match="*").status == 404


def test_a_greeting_is_what_visitors_see(acme: Company) -> None:
    made = acme.ask("ada", "POST", "settings/inboxes", {"id": "greeter", "name": "Greeter"})
    changed = {**NOUNS["inboxes"][1], "greeting": "Welcome"}
    assert acme.ask("ada", "PUT", "settings/inboxes/greeter", changed, If_Match=made.etag).status == 200
    assert acme.ask("", "GET", "inboxes/greeter/widget").body["greeting"] == "Welcome"


def test_what_is_still_used_isnt_removed_and_the_sentence_says_by_what(acme: Company) -> None:
    assert acme.ask("ada", "POST", "settings/calendars", {"id": "used", "name": "U", "zone": "UTC"}).status == 201
    assert acme.ask("ada", "POST", "settings/teams", {"id": "used", "name": "U", "calendar": "used"}).status == 201
    held = acme.ask("ada", "DELETE", "settings/calendars/used")
    assert (held.status, held.code) == (409, "record.in_use")
    assert "1 team;" in held.body["detail"]
    assert acme.ask("ada", "POST", "settings/inboxes", {"id": "used", "name": "U", "team": "used"}).status == 201
    assert acme.change_agent("ada", "lin", team="used").status == 200
    assert acme.change_agent("ada", "mei", teams=["used"]).status == 200
    invited = acme.ask("ada", "POST", "settings/invitations", {"role": "agent", "team": "used"}).body
    held = acme.ask("ada", "DELETE", "settings/teams/used")
    assert (held.status, held.code) == (409, "record.in_use")
    assert "2 agents and 1 inbox and 1 open invitation;" in held.body["detail"]
    assert acme.change_agent("ada", "lin", team="").status == 200
    assert acme.change_agent("ada", "mei", teams=[]).status == 200
    assert acme.ask("ada", "DELETE", f"settings/invitations/{invited['id']}").status == 204
    unused = {**NOUNS["inboxes"][1], "team": ""}
    assert acme.ask("ada", "PUT", "settings/inboxes/used", unused, If_Match="*").status == 200
    assert acme.ask("ada", "DELETE", "settings/teams/used").status == 204
    assert acme.ask("ada", "DELETE", "settings/calendars/used").status == 204


def test_a_role_that_somebody_has_or_is_invited_to_stays(acme: Company) -> None:
    assert (
        acme.ask("ada", "POST", "settings/roles", {"id": "kept", "name": "K", "actions": ["agent.list"]}).status == 201
    )
    invited = acme.ask("ada", "POST", "settings/invitations", {"role": "kept"}).body
    assert acme.ask("ada", "DELETE", "settings/roles/kept").code == "record.in_use"
    assert acme.ask("ada", "DELETE", f"settings/invitations/{invited['id']}").status == 204
    assert acme.change_agent("ada", "mei", role="kept").status == 200
    assert acme.ask("ada", "DELETE", "settings/roles/kept").code == "record.in_use"
    assert acme.change_agent("ada", "mei", role="agent").status == 200
    assert acme.ask("ada", "DELETE", "settings/roles/kept").status == 204


def test_a_role_is_made_changed_and_removed_by_those_alone_who_may_do_all_of_it(acme: Company) -> None:
    """Somebody who looks after roles would give themselves what they lack by way of a role."""
    above = {"name": "Above", "actions": ["tenant.manage"]}
    refused = acme.ask("ada", "POST", "settings/roles", above)
    assert (refused.status, refused.code, refused.body["field"]) == (403, "role.above_yours", "actions")
    made = acme.ask("olga", "POST", "settings/roles", {"id": "above", **above})
    assert made.status == 201
    less = {"name": "Less", "actions": []}
    assert acme.ask("ada", "PUT", "settings/roles/above", less, If_Match=made.etag).code == "role.above_yours"
    assert acme.ask("ada", "DELETE", "settings/roles/above").code == "role.above_yours"
    more = {"name": "Clerk", "actions": ["agent.list", "agent.manage", "role.manage", "audit.read"]}
    assert acme.ask("cleo", "POST", "settings/roles", more).code == "role.above_yours"
    assert (
        acme.ask("cleo", "PUT", "settings/roles/clerk", {**more, "actions": []}, If_Match="*").code == "agent.own_role"
    )
    assert acme.ask("cleo", "DELETE", "settings/roles/clerk").code == "agent.own_role"
    mine = {"id": "cleos", "name": "Reader", "actions": ["agent.list"]}
    assert acme.ask("cleo", "POST", "settings/roles", mine).status == 201
    assert acme.ask("cleo", "PUT", "settings/roles/cleos", more, If_Match="*").code == "role.above_yours"
    assert acme.ask("olga", "DELETE", "settings/roles/above").status == 204


def test_the_actions_there_are_and_those_of_who_asks(acme: Company) -> None:
    answer = acme.ask("cleo", "GET", "settings/roles/actions")
    assert answer.body["yours"] == ["agent.list", "agent.manage", "role.manage"]
    assert {one["id"] for one in answer.body["roles"]} == {
        "owner",
        "admin",
        "supervisor",
        "inspector",
        "agent",
        "auditor",
    }
    assert "tenant.manage" in answer.body["actions"]


def test_a_record_that_this_version_cant_read_stops_no_list(acme: Company) -> None:
    async def spoil(link: Link) -> None:
        await link.request_raw(f"$KV.directory.{acme.tenant}.skill.spoiled", b'{"type":"skill"')

    acme.work(spoil)
    assert acme.ask("ada", "POST", "settings/skills", {"id": "beside", "name": "Beside"}).status == 201
    ids = [one["id"] for one in acme.ask("ada", "GET", "settings/skills").body["items"]]
    assert "beside" in ids
    assert "spoiled" not in ids
    assert acme.ask("ada", "GET", "settings/skills/spoiled").code == "bucket.unreadable"


@pytest.mark.rest
def test_a_tenant_has_a_thousand_records_of_a_kind_at_most(globex: Company) -> None:
    async def fill(link: Link) -> None:
        bucket = directory.directory(link)
        for n in range(RECORDS_MOST):
            record = Skill(id=f"s{n}", name=f"S{n}")
            await bucket.put(directory.key_of(globex.tenant, record), record)

    globex.work(fill)
    answer = globex.ask("ada", "POST", "settings/skills", {"name": "One more"})
    assert (answer.status, answer.code) == (409, "record.too_many")


def test_what_opens_a_conversation_stays_where_an_older_client_does_not_tell_it(acme: Company) -> None:
    made = acme.ask("ada", "POST", "settings/inboxes", {"id": "opening", "name": "O", "opens_on": "entered"})
    assert (made.status, made.body["opens_on"]) == (201, "entered")
    older = NOUNS["inboxes"][1]
    kept = acme.ask("ada", "PUT", "settings/inboxes/opening", older, If_Match=made.etag)
    assert (kept.status, kept.body["opens_on"]) == (200, "entered")
    changed = acme.ask("ada", "PUT", "settings/inboxes/opening", {**older, "opens_on": "never"}, If_Match=kept.etag)
    assert (changed.status, changed.body["opens_on"]) == (200, "never")
    odd = acme.ask("ada", "PUT", "settings/inboxes/opening", {**older, "opens_on": "always"}, If_Match="*")
    assert odd.status in {400, 422}
