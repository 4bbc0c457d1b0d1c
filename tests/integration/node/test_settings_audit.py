"""The audit over REST: who changed what and why, as it was and as it is, without a secret, to those who may read it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from node.rest.settings.audit import AUDITS_A_MINUTE
from tests.harness.system import PASSWORD, System
from tests.harness.waiting import wait_until
from tests.integration.node.company import Company


@pytest.fixture(scope="module")
def shop(system: System) -> Iterator[Company]:
    with Company(system, "shop-audit") as company:
        yield company


@pytest.fixture(scope="module")
def other(system: System) -> Iterator[Company]:
    with Company(system, "other-audit") as company:
        yield company


def entries(company: Company, query: str, count: int, by: str = "ada") -> list[dict[str, Any]]:
    """The newest ones, once there are so many: nats-server copies them behind the change."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        answer = company.ask(by, "GET", f"settings/audit?{query}")
        assert answer.status == 200, answer
        found[:] = answer.body["items"]
        return len(found) >= count

    wait_until(is_there, lambda: found, 10)
    return found


def test_a_change_is_told_with_who_when_why_before_and_after(shop: Company) -> None:
    shop.ask("ada", "POST", "settings/teams", {"id": "sales", "name": "Sales", "why": "we grow"})
    changed = {"name": "销售", "calendar": "", "why": "原因\r\nNats-Rollup: sub"}
    assert shop.ask("ben", "PUT", "settings/teams/sales", changed, If_Match="*").status == 200
    assert shop.ask("ada", "DELETE", "settings/teams/sales?why=no%20more").status == 204
    removed, renamed, made = entries(shop, "kind=team&id=sales", 3)
    assert [one["what"] for one in (made, renamed, removed)] == ["made", "changed", "removed"]
    assert made["by"] == {"kind": "agent", "id": "ada", "name": "Ada"}
    assert renamed["by"]["id"] == "ben"
    assert [one["why"] for one in (made, renamed, removed)] == ["we grow", changed["why"], "no more"]
    assert renamed["fields"] == [{"field": "name", "before": "Sales", "after": "销售"}]
    assert made["at"] <= renamed["at"] <= removed["at"]
    assert {"field": "name", "before": None, "after": "Sales"} in made["fields"]


def test_no_secret_is_told_of_a_password_a_link_or_an_account(shop: Company) -> None:
    link = shop.ask("ada", "POST", "settings/agents/mei/reset", {}).body["link"]
    accepted = {"token": link.rpartition("/")[2], "password": "another long secret"}
    assert shop.ask("", "POST", "resets/accept", accepted).status == 200
    invited = shop.ask("ada", "POST", "settings/invitations", {"role": "agent"}).body["link"]
    wechat = {"app_id": "wx1234567890", "app_secret": "sesame open", "token": "a token of ours"}
    account = {"id": "audited", "channel": "wechat", "name": "W", "settings": wechat}
    assert shop.ask("ada", "POST", "inboxes", account).status == 201
    told = entries(shop, "kind=agent&id=mei", 4)
    assert [(one["kind"], one["what"]) for one in told] == [
        ("agent", "changed"),
        ("reset", "removed"),
        ("reset", "made"),
        ("agent", "made"),
    ]
    assert told[0]["fields"] == [{"field": "password", "before": "(set)", "after": "(another)"}]
    assert {"field": "password", "before": None, "after": "(set)"} in told[3]["fields"]
    text = str(entries(shop, "kind=inbox&id=audited", 1) + entries(shop, "limit=500", 10))
    assert "'settings', 'before': None, 'after': '(set)'" in text
    for secret in (link.rpartition(".")[2], invited.rpartition("/")[2], "argon2", "sesame open", "another long secret"):
        assert secret not in text


def test_the_audit_comes_newest_first_a_page_at_a_time(shop: Company) -> None:
    for n in range(5):
        assert (
            shop.ask("ada", "POST", "settings/calendars", {"id": f"page{n}", "name": f"P{n}", "zone": "UTC"}).status
            == 201
        )
    whole = entries(shop, "kind=calendar", 5)
    assert [one["seq"] for one in whole] == sorted((one["seq"] for one in whole), reverse=True)
    pages, after = [], ""
    while True:
        answer = shop.ask("ada", "GET", f"settings/audit?kind=calendar&limit=2&after={after}").body
        pages.append([one["seq"] for one in answer["items"]])
        after = answer["next"]
        if not after:
            break
    assert [len(one) for one in pages] == [2, 2, 1]
    assert [seq for page in pages for seq in page] == [one["seq"] for one in whole]
    third = whole[2]
    since = shop.ask("ada", "GET", f"settings/audit?kind=calendar&since={third['at']}").body["items"]
    assert {one["seq"] for one in since} == {one["seq"] for one in whole if one["at"] >= third["at"]}


def test_the_audit_is_of_one_person_or_one_record_where_it_is_asked_for(shop: Company) -> None:
    assert shop.ask("ben", "POST", "settings/skills", {"id": "bens", "name": "B"}).status == 201
    assert {one["by"]["id"] for one in entries(shop, "by=ben", 1)} == {"ben"}
    assert [one["id"] for one in entries(shop, "kind=skill&id=bens", 1)] == ["bens"]
    assert "bens" in {one["id"] for one in entries(shop, "id=bens", 1)}
    assert shop.ask("ada", "GET", "settings/audit?by=nobody").body["items"] == []


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("kind=secret", "query.invalid", "kind"),
        ("kind=*", "query.invalid", "kind"),
        ("id=%3E", "id.token", "id"),
        ("kind=agent&id=*", "id.token", "id"),
        ("id=a.b", "id.token", "id"),
        ("after=x", "query.invalid", "after"),
        ("after=0", "query.invalid", "after"),
        ("after=%D9%A3", "query.invalid", "after"),
        ("limit=0", "query.invalid", "limit"),
        ("since=-1", "query.invalid", "since"),
    ],
)
def test_a_filter_is_no_subject_of_ones_own(shop: Company, query: str, code: str, field: str) -> None:
    refused = shop.ask("ada", "GET", f"settings/audit?{query}")
    assert (refused.status, refused.code, refused.body["field"]) == (422, code, field)


def test_another_tenants_changes_are_nobodys_to_know(shop: Company, other: Company) -> None:
    assert shop.ask("ada", "POST", "settings/invitations", {"role": "agent"}).status == 201
    assert other.ask("ada", "POST", "settings/invitations", {"role": "agent"}).status == 201
    mine = entries(other, "limit=500", 9)
    told = {one["id"] for one in mine if one["kind"] == "invitation"}
    open_ones = other.ask("ada", "GET", "settings/invitations").body["items"]
    assert told == {one["id"] for one in open_ones}
    wanted = {one["id"] for one in shop.ask("ada", "GET", "settings/invitations").body["items"]}
    assert wanted <= {one["id"] for one in entries(shop, "kind=invitation&limit=500", len(wanted))}
    assert not wanted & told
    assert {one["kind"] for one in mine} == {"tenant", "agent", "role", "invitation"}


def test_who_may_not_read_it_is_refused(shop: Company) -> None:
    refused = shop.ask("lin", "GET", "settings/audit")
    assert (refused.status, refused.code) == (403, "access.admins_only")


def test_reading_it_again_and_again_is_bounded_by_a_rate(other: Company) -> None:
    """Each request reads the stream from its beginning."""
    other.sign_in("ben", PASSWORD)
    other.cookie("ben")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: other.ask("ben", "GET", "settings/audit?kind=team"), range(80)))
    refused = [one for one in answers if one.status != 200]
    assert {one.code for one in refused} <= {"limit.rate", "audit.busy"}
    assert sum(one.code == "limit.rate" for one in refused) >= 80 - AUDITS_A_MINUTE - 10
    # The others of the tenant are not held to it.
    assert other.ask("olga", "GET", "settings/audit?kind=team").status == 200
