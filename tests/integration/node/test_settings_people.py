"""Agents, invitations, one's own profile and links for a password, over REST: nobody gets more than they have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backbone import directory
from backbone.directory import Invitation, Reset
from backbone.ids import key_hash, new_secret
from backbone.nats.link import Link
from tests.harness.apart import run_apart
from tests.harness.system import PASSWORD, System
from tests.integration.node.company import CLERK, Answer, Company
from tests.integration.node.test_ended_sessions import connection
from tests.integration.node.test_sockets import closed

ANOTHER = "a password of another kind"


@pytest.fixture(scope="module")
def firm(system: System) -> Iterator[Company]:
    with Company(system, "firm") as company:
        yield company


@pytest.fixture(scope="module")
def rival(system: System) -> Iterator[Company]:
    with Company(system, "rival") as company:
        yield company


def joined(firm: Company, link: str, email: str) -> Answer:
    body = {"token": link.rpartition("/")[2], "name": "New", "email": email, "password": PASSWORD}
    return firm.ask("", "POST", "invitations/accept", body)


# --- invitations ---------------------------------------------------------------------------


def test_an_invitation_makes_an_agent_of_its_role_and_team_once(firm: Company) -> None:
    assert firm.ask("ada", "POST", "settings/teams", {"id": "sales", "name": "Sales"}).status == 201
    made = firm.ask("ada", "POST", "settings/invitations", {"role": "supervisor", "team": "sales"})
    assert made.status == 201
    assert made.body["link"].startswith(f"{firm.system.nodes[0].http}/#/join/")
    listed = firm.ask("ben", "GET", "settings/invitations").body["items"]
    [one] = [each for each in listed if each["id"] == made.body["id"]]
    assert one == {key: value for key, value in made.body.items() if key != "link"}
    assert 23 * 3600 < one["exp"] - time.time() <= 24 * 3600
    secret = made.body["link"].rpartition("/")[2]
    assert secret not in str(listed)
    answer = joined(firm, made.body["link"], "new@firm.example")
    assert (answer.status, answer.body["agent"]["role"]) == (200, "supervisor")
    agent = firm.ask("ada", "GET", f"settings/agents/{answer.body['agent']['id']}").body
    assert (agent["team"], agent["reach"], agent["active"]) == ("sales", "all", True)
    assert joined(firm, made.body["link"], "again@firm.example").code == "invitation.gone"
    assert firm.ask("ada", "DELETE", f"settings/invitations/{made.body['id']}").code == "invitation.not_found"


def test_an_invitation_that_was_removed_opens_nothing(firm: Company) -> None:
    made = firm.ask("ada", "POST", "settings/invitations", {"role": "agent"}).body
    path = f"settings/invitations/{made['id']}"
    assert firm.ask("ada", "DELETE", path, If_Match='"1"').code == "resource.changed"
    assert firm.ask("ada", "DELETE", path, If_Match=f'"{made["revision"]}"').status == 204
    assert joined(firm, made["link"], "late@firm.example").code == "invitation.gone"


def test_nobody_is_invited_to_a_role_above_the_inviting_ones(firm: Company) -> None:
    for by, role in (("ada", "owner"), ("cleo", "agent"), ("cleo", "admin")):
        refused = firm.ask(by, "POST", "settings/invitations", {"role": role})
        assert (refused.status, refused.code, refused.body["field"]) == (403, "role.above_yours", "role"), (by, role)
    made = firm.ask("olga", "POST", "settings/invitations", {"role": "owner"})
    assert made.status == 201
    assert firm.ask("olga", "DELETE", f"settings/invitations/{made.body['id']}").status == 204
    made = firm.ask("cleo", "POST", "settings/invitations", {"role": "clerk"})
    assert made.status == 201
    for body, field in (({"role": "nobodys"}, "role"), ({"role": "agent", "team": "nowhere"}, "team")):
        refused = firm.ask("ada", "POST", "settings/invitations", body)
        assert (refused.status, refused.code, refused.body["field"]) == (422, "record.invalid", field)


def test_who_sees_a_part_of_the_conversations_invites_nobody_who_would_see_all(firm: Company) -> None:
    firm.set_agent("ben", reach="own")
    try:
        refused = firm.ask("ben", "POST", "settings/invitations", {"role": "admin"})
        assert (refused.status, refused.code) == (403, "reach.above_yours")
        assert firm.change_agent("ben", "lin", reach="teams").code == "reach.above_yours"
        assert firm.change_agent("ben", "lin", capacity=3).status == 200
    finally:
        firm.set_agent("ben", reach="all")


def test_invitations_are_bounded_and_those_that_ended_make_room(firm: Company, rival: Company) -> None:
    async def fill(link: Link) -> None:
        bucket = directory.directory(link)
        for n in range(200):
            soon = int(time.time()) + (3600 if n else -1)
            record = Invitation(tenant=rival.tenant, role="agent", exp=soon)
            await bucket.put(directory.invitation_key(f"secret {n}"), record)

    rival.work(fill)
    listed = rival.ask("ada", "GET", "settings/invitations").body["items"]
    assert len(listed) == 199
    assert key_hash("secret 0") not in {one["id"] for one in listed}
    made = rival.ask("ada", "POST", "settings/invitations", {"role": "agent"})
    assert made.status == 201
    assert rival.ask("ada", "POST", "settings/invitations", {"role": "agent"}).code == "invitation.too_many"

    async def ended(link: Link) -> bool:
        return await directory.directory(link).get(directory.invitation_key("secret 0")) is None

    assert rival.work(ended)
    # Another tenant's count for themselves.
    mine = firm.ask("ada", "POST", "settings/invitations", {"role": "agent"})
    assert mine.status == 201
    assert rival.ask("ada", "DELETE", f"settings/invitations/{mine.body['id']}").code == "invitation.not_found"
    assert mine.body["id"] not in {one["id"] for one in rival.ask("ada", "GET", "settings/invitations").body["items"]}


# --- agents --------------------------------------------------------------------------------


def test_an_agent_is_changed_and_nothing_of_their_password_is_told(firm: Company) -> None:
    changed = firm.change_agent("ada", "mei", name="Mei Lin", capacity=9, reach="inboxes", inboxes=[])
    assert changed.status == 200
    assert (changed.body["name"], changed.body["capacity"], changed.body["reach"]) == ("Mei Lin", 9, "inboxes")
    listed = firm.ask("ada", "GET", "settings/agents")
    assert changed.body in [{**one, "seen": changed.body["seen"]} for one in listed.body["items"]]
    assert "password" not in str(listed.body)
    assert firm.sign_in("mei").status == 200
    seen = firm.ask("ada", "GET", "settings/agents/mei").body["seen"]
    assert time.time() - 600 < seen <= time.time()
    assert firm.ask("ada", "POST", "settings/agents", {}).status == 405
    assert firm.ask("ada", "DELETE", "settings/agents/mei").status == 405
    for field, value, code in (
        ("name", " ", "agent.name_missing"),
        ("name", "x" * 81, "agent.name_long"),
        ("capacity", 101, "body.invalid"),
        ("reach", "everything", "body.invalid"),
        ("role", "nobodys", "record.invalid"),
        ("team", "nowhere", "record.invalid"),
        ("inboxes", ["nowhere"], "record.invalid"),
    ):
        refused = firm.change_agent("ada", "mei", **{field: value})
        assert (refused.status, refused.code, refused.body["field"]) == (422, code, field)


@pytest.mark.parametrize(
    ("by", "whom", "changes", "code"),
    [
        ("ada", "olga", {"role": "agent"}, "agent.above_you"),
        ("ada", "olga", {"active": False}, "agent.above_you"),
        ("ada", "olga", {"name": "Nobody"}, "agent.above_you"),
        ("ada", "lin", {"role": "owner"}, "role.above_yours"),
        ("ada", "ada", {"role": "agent"}, "agent.own_role"),
        ("ada", "ada", {"active": False}, "agent.own_role"),
        ("ada", "ada", {"reach": "own"}, "agent.own_role"),
        ("olga", "olga", {"role": "admin"}, "agent.own_role"),
        ("cleo", "lin", {"name": "Nobody"}, "agent.above_you"),
    ],
)
def test_power_over_colleagues_ends_where_ones_own_role_does(
    firm: Company, by: str, whom: str, changes: dict[str, Any], code: str
) -> None:
    before = firm.ask("olga", "GET", f"settings/agents/{whom}")
    refused = firm.change_agent(by, whom, **changes)
    assert (refused.status, refused.code) == (403, code)
    after = firm.ask("olga", "GET", f"settings/agents/{whom}")
    assert after.etag == before.etag


def test_who_may_do_as_much_may_change_them(firm: Company) -> None:
    assert firm.change_agent("ada", "ada", capacity=2, name="Ada L").status == 200
    assert firm.change_agent("ada", "ben", capacity=2).status == 200
    assert firm.change_agent("olga", "omar", role="admin").status == 200
    assert firm.change_agent("olga", "omar", role="owner").status == 200


def test_whoever_is_deactivated_is_signed_out_everywhere_at_once(firm: Company) -> None:
    cookie = firm.sign_in("lin").cookie

    async def ends() -> list[int]:
        async with connection(firm.system, cookie) as socket, connection(firm.system, cookie, node=0) as other:
            answer = firm.change_agent("ada", "lin", "left the company", active=False)
            assert (answer.status, answer.body["active"]) == (200, False)
            return [await closed(one, 2.0) for one in (socket, other)]

    assert run_apart(ends()) == [4409, 4409]
    assert firm.sign_in("lin").code == "session.bad_credentials"
    assert firm.ask("ada", "GET", "settings/agents/lin").body["seen"] == 0
    assert firm.change_agent("ada", "lin", active=True).status == 200
    # The sessions that they had before are gone.
    firm._cookies["lin"] = cookie
    assert firm.ask("lin", "GET", "me").code == "session.expired"
    firm.forget("lin")
    assert firm.ask("lin", "GET", "me").status == 200


def test_two_owners_who_deactivate_each_other_at_once_leave_one(rival: Company) -> None:
    """Each of them finds the other one still there when they ask."""
    pair = ("olga", "omar")
    found = set()
    for _ in range(4):
        for name in pair:
            rival.set_agent(name, active=True)
            rival.forget(name)
            rival.cookie(name)
        wanted = {name: rival.agent(name, other) for name, other in zip(pair, reversed(pair), strict=True)}

        def deactivate(name: str, other: str, wanted: dict[str, tuple[dict[str, Any], str]] = wanted) -> Answer:
            body, etag = wanted[name]
            return rival.ask(name, "PUT", f"settings/agents/{other}", {**body, "active": False}, If_Match=etag)

        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(deactivate, pair, reversed(pair)))
        assert any(answer.status != 200 for answer in answers)
        found |= {answer.code for answer in answers}

        async def active(link: Link) -> int:
            agents = await directory.list_agents(link, rival.tenant)
            return sum(one.active and one.role == "owner" for one in agents)

        assert rival.work(active) >= 1
    # Both were asked at once, at least sometimes.
    assert "agent.last_owner" in found <= {"", "agent.last_owner", "session.expired"}


# --- one's own profile -----------------------------------------------------------------------


def test_one_changes_ones_own_name_and_language_and_nothing_else(firm: Company) -> None:
    me = firm.ask("mei", "GET", "me")
    assert (me.body["agent"]["role"], me.etag) == ("agent", f'"{me.body["revision"]}"')
    assert "conversation.write" in me.body["actions"]
    assert "agent.manage" not in me.body["actions"]
    changed = firm.ask("mei", "PUT", "me", {"name": "Mei W", "locale": "zh-CN", "role": "owner"}, If_Match=me.etag)
    assert (changed.status, changed.body["agent"]["name"], changed.body["agent"]["locale"]) == (200, "Mei W", "zh-CN")
    assert changed.body["agent"]["role"] == "agent"
    lost = firm.ask("mei", "PUT", "me", {"name": "Late", "locale": ""}, If_Match=me.etag)
    assert (lost.status, lost.code) == (412, "resource.changed")
    for body, code in (
        ({"name": "", "locale": ""}, "agent.name_missing"),
        ({"name": "M", "locale": "?"}, "record.invalid"),
    ):
        assert firm.ask("mei", "PUT", "me", body).code == code
    assert firm.ask("mei", "GET", "me", node=1).body == changed.body
    # The password is as it was.
    assert firm.sign_in("mei").status == 200


# --- links for a password ----------------------------------------------------------------------


def reset(firm: Company, by: str, agent: str) -> str:
    """The secret part of a new link."""
    made = firm.ask(by, "POST", f"settings/agents/{agent}/reset", {"why": "forgotten"})
    assert made.status == 201, made
    assert made.body["link"].startswith(f"{firm.system.nodes[0].http}/#/reset/{firm.tenant}.{agent}.")
    return str(made.body["link"].rpartition("/")[2])


def accept(firm: Company, token: str, password: str = ANOTHER, node: int = 0) -> Answer:
    return firm.ask("", "POST", "resets/accept", {"token": token, "password": password}, node)


def test_a_link_sets_a_password_once_and_ends_every_session(firm: Company) -> None:
    firm.cookie("mei")
    token = reset(firm, "ada", "mei")
    assert firm.sign_in("mei").status == 200
    assert accept(firm, token, "short").code == "agent.password_weak"
    answer = accept(firm, token, node=1)
    assert (answer.status, answer.body["agent"]["id"]) == (200, "mei")
    assert accept(firm, token).code == "reset.gone"
    assert firm.ask("mei", "GET", "me").code == "session.expired"
    assert firm.sign_in("mei").code == "session.bad_credentials"
    assert firm.sign_in("mei", ANOTHER).status == 200
    firm._cookies["mei"] = answer.cookie
    assert firm.ask("mei", "GET", "me").status == 200
    assert accept(firm, reset(firm, "ada", "mei"), PASSWORD).status == 200
    firm.forget("mei")


def test_two_who_press_one_link_at_once_set_one_password(firm: Company) -> None:
    token = reset(firm, "ada", "mei")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: accept(firm, token, f"{ANOTHER} {n}", n % 2), range(4)))
    assert sorted(answer.status for answer in answers) == [200, 410, 410, 410]
    right = [n for n, answer in enumerate(answers) if answer.status == 200]
    assert [firm.sign_in("mei", f"{ANOTHER} {n}").status for n in right] == [200]
    assert accept(firm, reset(firm, "ada", "mei"), PASSWORD).status == 200
    firm.forget("mei")


def test_whoever_looks_after_agents_takes_no_account_that_may_do_more(firm: Company) -> None:
    """A link for an owner's password would make the one who opens it an owner."""
    assert firm.ask("ada", "POST", "settings/agents/olga/reset", {}).code == "agent.above_you"
    assert firm.ask("cleo", "POST", "settings/agents/mei/reset", {}).code == "agent.above_you"
    assert firm.ask("lin", "POST", "settings/agents/mei/reset", {}).code == "access.admins_only"
    # A stolen session is no account: the password there is must be known.
    assert firm.ask("ada", "POST", "settings/agents/ada/reset", {}).code == "agent.own_role"
    assert firm.ask("ada", "POST", "settings/agents/nobody/reset", {}).code == "agent.not_found"


def test_a_newer_link_or_a_password_of_ones_own_ends_a_link(firm: Company) -> None:
    old = reset(firm, "ada", "mei")
    new = reset(firm, "ben", "mei")
    assert accept(firm, old).code == "reset.gone"
    own = {"password": PASSWORD, "new_password": ANOTHER}
    assert firm.ask("mei", "PUT", "me/password", own).status == 204
    assert accept(firm, new).code == "reset.gone"
    back = {"password": ANOTHER, "new_password": PASSWORD}
    assert firm.ask("mei", "PUT", "me/password", back).status == 204


def test_a_deactivated_agent_comes_back_by_no_link(firm: Company) -> None:
    token = reset(firm, "ada", "lin")
    assert firm.change_agent("ada", "lin", active=False).status == 200
    assert accept(firm, token).code == "reset.gone"
    assert firm.ask("ada", "POST", "settings/agents/lin/reset", {}).code == "agent.inactive"
    assert firm.change_agent("ada", "lin", active=True).status == 200
    firm.forget("lin")


def test_a_link_that_has_expired_opens_nothing(firm: Company) -> None:
    secret = new_secret()

    async def expired(link: Link) -> None:
        agent = await directory.get_agent(link, firm.tenant, "ben")
        assert agent is not None
        record = Reset(id="ben", hash=key_hash(secret), exp=int(time.time()) - 1, former=directory.password_id(agent))
        await directory.directory(link).put(directory.key_of(firm.tenant, record), record)

    firm.work(expired)
    assert accept(firm, f"{firm.tenant}.ben.{secret}").code == "reset.gone"


@pytest.mark.parametrize(
    "token",
    ["", "a", "..", "firm.mei.", "firm.mei.wrong", "firm.*.wrong", "*.>.x", "firm.mei.a.b", "_.mei.x", "\u2028.mei.x"],
)
def test_a_forged_link_opens_nothing(firm: Company, token: str) -> None:
    answer = accept(firm, token)
    assert (answer.status, answer.code) == (410, "reset.gone")


def test_a_link_of_one_agent_or_tenant_opens_no_other(firm: Company, rival: Company) -> None:
    token = reset(firm, "ada", "mei")
    secret = token.rpartition(".")[2]
    assert accept(firm, f"firm.lin.{secret}").code == "reset.gone"
    assert accept(rival, f"rival.mei.{secret}").code == "reset.gone"
    assert CLERK.id in {one["id"] for one in firm.ask("ada", "GET", "settings/roles").body["items"]}
    assert accept(firm, token, PASSWORD).status == 200
    firm.forget("mei")
