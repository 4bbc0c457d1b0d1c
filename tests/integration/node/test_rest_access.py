"""Every route of the table as nobody, visitor, each role, another tenant: allowed exactly as `may` and ROLES say."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import Any, Final, NamedTuple, get_args

import pytest

from backbone import acts, directory
from backbone.access import ROLES, VISITOR
from backbone.directory import Agent, Calendar, CustomRole, Inbox, Skill, Team
from backbone.ids import key_hash, new_event_id
from node.entry.passwords import hash_password
from node.rest.contract.api import Route
from node.rest.table import ROUTES
from tests.harness.apart import run_apart
from tests.harness.system import INBOX, PASSWORD, TENANT, System
from trunkline import rest
from trunkline.connect import connected

STORED: Final[tuple[str, ...]] = get_args(directory.Role) or tuple(ROLES)
"""Roles that an agent's record can hold."""

ELSEWHERE: Final = "elsewhere"
UNKNOWN: Final = "a" * 52
SETTINGS: Final = {
    "team": Team(id="walked", name="Walked"),
    "skill": Skill(id="walked", name="Walked"),
    "calendar": Calendar(id="walked", name="Walked", zone="UTC"),
    "role": CustomRole(id="walked", name="Walked", actions=("agent.list",)),
}
"""A record of each kind that `/settings` has and nobody else of this test needs."""

ISOLATED: Final = frozenset({"conv", "inbox", "agent", "contact", "invitation", *SETTINGS})
"""Parts of paths that name a thing of one tenant."""

BODIES: Final[dict[str, dict[str, Any]]] = {
    "changes.edit": {"text": "another"},
    "accounts.change": {"name": "Taken over"},
    "messages.do": {"act": {"do": "take"}},
    "messages.write": {"text": "let me in"},
    "settings.change_agent": {
        "name": "Taken over",
        "role": "agent",
        "team": "",
        "teams": [],
        "inboxes": [],
        "reach": "all",
        "capacity": 1,
        "active": False,
    },
    "settings.change_calendar": {"name": "Taken over", "zone": "UTC", "week": [], "special": []},
    "settings.change_inbox": {
        "name": "Taken over",
        "greeting": "",
        "origins": ["*"],
        "accent": "#000000",
        "locale": "",
        "reopen_window_s": 0,
        "team": "",
    },
    "settings.change_role": {"name": "Taken over", "actions": []},
    "settings.change_skill": {"name": "Taken over"},
    "settings.change_team": {"name": "Taken over", "calendar": ""},
    "templates.send": {"id": str(uuid.uuid4()), "name": "hello", "language": "en"},
}
"""Bodies that are well, for routes that refuse an empty object before they look."""


class Actor(NamedTuple):
    name: str
    headers: dict[str, str]
    actions: frozenset[str]


class World(NamedTuple):
    http: str
    actors: dict[str, Actor]
    parts: dict[str, str]


@pytest.fixture(scope="module")
def world(system: System) -> World:
    """An agent of each role, a visitor with a conversation, an admin of another tenant."""
    http = system.nodes[0].http
    invitations: list[str] = []

    async def people() -> None:
        hashed = await hash_password(PASSWORD)
        async with connected(system.common, "test") as link:
            await directory.create_tenant(link, ELSEWHERE, "Elsewhere")
            await directory.create_inbox(link, ELSEWHERE, Inbox(id="elsewhere-web", channel="web", name="Elsewhere"))
            for tenant, name, role in [
                *((TENANT, f"walk-{role}", role) for role in STORED),
                (TENANT, "walk-walked", "agent"),
                (ELSEWHERE, "walk-elsewhere", "admin"),
            ]:
                agent: Any = {"id": name, "name": name, "email": f"{name}@example.com", "role": role}
                await directory.create_agent(link, tenant, Agent(password=hashed, **agent))
            for record in SETTINGS.values():
                await directory.change(link, directory.OPERATOR, "", directory.key_of(TENANT, record), record, 0)
            invitations.append(key_hash(await directory.invite(link, TENANT, "agent")))

    run_apart(people())

    def agent(name: str, role: str) -> Actor:
        answer = rest.sign_in(http, f"{name}@example.com", PASSWORD)
        assert answer.status == 200, answer
        return Actor(name, {"Cookie": answer.cookie}, ROLES[role])

    token, _ = rest.become_visitor(http, INBOX)
    actors = [
        Actor("nobody", {}, frozenset()),
        Actor("visitor", {"Authorization": f"Bearer {token}"}, VISITOR),
        *(agent(f"walk-{role}", role) for role in STORED),
        agent("walk-elsewhere", "admin"),
    ]
    _, contact = rest.become_visitor(http, INBOX)
    return World(
        http,
        {actor.name: actor for actor in actors},
        {
            "conv": asyncio.run(_conversation(system, token)),
            "contact": contact,
            "message": new_event_id(),
            "inbox": INBOX,
            "agent": "walk-walked",
            "invitation": invitations[0],
            **{kind: record.id for kind, record in SETTINGS.items()},
            "session": UNKNOWN,
            "name": "telegram",
            "token": "device",
            "signed": "forged",
            "seq": "1",
            "n": "0",
        },
    )


async def _conversation(system: System, token: str) -> str:
    async with system.visitor_at(system.nodes[0].ws, token).running() as client:
        return str((await client.send("hello"))["conv"])


def call(world: World, made: Route, actor: Actor, body: Any) -> rest.Answer:
    path = re.sub(r"\{(\w+)\}", lambda found: world.parts[found[1]], made.path)
    sent = None if made.body is None else body
    return rest.call(made.method, world.http + path, sent, headers={"If-Match": "*", **actor.headers})


def refusal(made: Route, actor: Actor) -> int:
    """0 where the route's declaration lets the actor in."""
    if made.may == ("public",):
        return 0
    if actor.name == "nobody":
        return 401
    if made.may == ("signed_in",):
        return 0
    if made.may == ("visitor",):
        return 0 if actor.name == "visitor" else 403
    return 0 if set(made.may) <= actor.actions else 403


def test_every_route_lets_in_exactly_whom_its_declaration_and_the_roles_say(world: World) -> None:
    wrong = []
    # What ends the session that asks comes last.
    for made in sorted(ROUTES, key=lambda one: one.name == "sessions.sign_out"):
        for actor in world.actors.values():
            # A body of the wrong shape is refused behind the guard, and before anything is done.
            answer = call(world, made, actor, b"[]")
            expected = refusal(made, actor)
            code = answer.body["code"] if isinstance(answer.body, dict) and "code" in answer.body else ""
            is_kept_out = answer.status in {401, 403} and code.startswith(("access.", "session.missing"))
            if (answer.status if is_kept_out else 0) != expected or (
                answer.status >= 500 and code != "warehouse.unavailable"
            ):
                wrong.append((made.name, actor.name, made.may, answer.status, code))
    assert wrong == []


@pytest.mark.parametrize("do", [acts.tag(kind) for kind in get_args(acts.Asked)])
def test_every_act_lets_in_exactly_the_roles_that_have_its_action(world: World, do: str) -> None:
    """The guard of the route is the same for all of them; the use-case asks for the act's own."""
    kind = next(one for one in get_args(acts.Asked) if acts.tag(one) == do)
    path = f"{world.http}/api/v1/conversations/{world.parts['conv']}/acts"
    for role in STORED:
        answer = rest.call("POST", path, {"act": {"do": do, "agent": "nobody"}}, headers=_again(world, f"walk-{role}"))
        assert (answer.status == 403) == (acts.RULES[kind].action not in ROLES[role]), (role, answer)


def test_another_tenant_finds_nothing_of_this_one(world: World) -> None:
    """Their admin, who may do everything at home, knows the ids."""
    stranger = Actor("walk-elsewhere", _again(world, "walk-elsewhere"), ROLES["admin"])
    tried = 0
    for made in ROUTES:
        parts = set(made.at.__struct_fields__ if made.at else ())
        if not parts & ISOLATED or made.is_public:
            continue
        answer = call(world, made, stranger, BODIES.get(made.name, {}))
        assert (made.name, answer.status) == (made.name, 404), answer
        tried += 1
    assert tried > 12


def test_another_visitor_finds_nothing_of_somebodys_conversation(world: World) -> None:
    """They may do the same with their own, so that the guard lets them in: the use-case looks whose it is."""
    token, _ = rest.become_visitor(world.http, INBOX)
    other = Actor("another visitor", {"Authorization": f"Bearer {token}"}, VISITOR)
    tried = set()
    for made in ROUTES:
        if made.at is None or "conv" not in made.at.__struct_fields__ or not set(made.may) <= VISITOR:
            continue
        answer = call(world, made, other, BODIES.get(made.name, {}))
        assert (made.name, answer.status, answer.body["code"]) == (made.name, 404, "resource.not_found")
        tried.add(made.name)
    assert tried >= {"conversations.list_events", "conversations.open_file", "messages.write", "messages.mark_read"}


def test_the_health_of_accounts_is_for_those_who_look_after_them(world: World) -> None:
    for role in STORED:
        answer = rest.call("GET", f"{world.http}/api/v1/inboxes?health=true", headers=_again(world, f"walk-{role}"))
        assert answer.status == (200 if "inbox.manage" in ROLES[role] else 403), role


@pytest.mark.parametrize(
    ("path", "field", "own"),
    [("inboxes", "id", ["elsewhere-web"]), ("agents", "id", ["walk-elsewhere"]), ("conversations", "conv", [])],
)
def test_lists_hold_what_is_the_tenants_own(world: World, path: str, field: str, own: list[str]) -> None:
    headers = _again(world, "walk-elsewhere")
    answer = rest.call("GET", f"{world.http}/api/v1/{path}", headers=headers)
    assert [item[field] for item in answer.body["items"]] == own


def _again(world: World, name: str) -> dict[str, str]:
    """Signed in anew: the walk signed everybody out."""
    answer = rest.sign_in(world.http, f"{name}@example.com", PASSWORD)
    assert answer.status == 200, answer
    return {"Cookie": answer.cookie}
