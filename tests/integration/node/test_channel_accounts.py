"""Accounts on channels over the HTTP API: for admins alone, secrets never come back, mistakes name their field."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest

from backbone import directory
from backbone.accounts import about, stores
from backbone.accounts.accounts import open_settings
from backbone.accounts.registry import Broken, find
from backbone.directory import Agent
from backbone.nats.buckets import Bucket
from backbone.sealing import Sealer
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.system import LIN, PASSWORD, TENANT, System
from trunkline import rest
from trunkline.connect import connected

ADMIN = "admin@example.com"
WECHAT = {"app_id": "wx1234567890abcdef", "app_secret": "very secret", "token": "a token of ours"}


async def _add_admin(system: System) -> None:
    async with connected(system.common, "test") as link:
        if await directory.find_login(link, ADMIN) is None:
            admin = Agent(id="", name="Admin", email=ADMIN, password=await hash_password(PASSWORD), role="admin")
            await directory.create_agent(link, TENANT, admin)


@pytest.fixture
def admin(system: System) -> str:
    """The cookie of an admin."""
    run_apart(_add_admin(system))
    return rest.sign_in(system.nodes[0].http, ADMIN, PASSWORD).cookie


def ask(system: System, cookie: str, method: str, path: str, body: Any = None) -> rest.Answer:
    raw = None if body is None else json.dumps(body).encode()
    return rest.call(method, f"{system.nodes[0].http}/api/v1/{path}", raw, headers={"Cookie": cookie})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "channels/wechat"),
        ("GET", "channels/wechat/guide"),
        ("GET", "inboxes?health=true"),
        ("POST", "inboxes"),
        ("GET", "inboxes/web"),
        ("PUT", "inboxes/web"),
        ("DELETE", "inboxes/web"),
        ("POST", "inboxes/web/check"),
        ("POST", "inboxes/web/retry"),
    ],
)
def test_only_admins_look_after_accounts(system: System, method: str, path: str) -> None:
    agent = rest.sign_in(system.nodes[0].http, LIN.email, LIN.password).cookie
    refused = ask(system, agent, method, path, None if method == "GET" else {})
    assert (refused.status, refused.body["code"]) == (403, "access.admins_only")
    token, _ = rest.become_visitor(system.nodes[0].http, "web")
    body = None if method == "GET" else b"{}"
    visitor = rest.call(
        method, f"{system.nodes[0].http}/api/v1/{path}", body, headers={"Authorization": f"Bearer {token}"}
    )
    assert (visitor.status, visitor.body["code"]) == (403, "access.agents_only")


def test_every_agent_is_told_the_limits(system: System) -> None:
    agent = rest.sign_in(system.nodes[0].http, LIN.email, LIN.password).cookie
    limits = {one["name"]: one for one in ask(system, agent, "GET", "channels").body["items"]}
    assert limits["wechat"]["text"] == {"most": 2048, "measure": "bytes"}
    assert limits["wechat"]["windows"][0] == {
        "by": "message",
        "count": 5,
        "seconds": 172800,
        "template_after": False,
        "setting": "",
    }
    assert "fields" not in limits["wechat"]


def test_an_account_is_connected_and_changed_and_its_secrets_stay_unseen(system: System, admin: str) -> None:
    form = ask(system, admin, "GET", "channels/wechat").body
    assert [f["key"] for f in form["fields"] if f.get("required")] == ["app_id", "app_secret", "token"]
    assert form["can_check"] is True
    assert b"IP" in ask(system, admin, "GET", "channels/wechat/guide").body

    new = {"id": "shop", "channel": "wechat", "name": " The shop ", "settings": WECHAT}
    made = ask(system, admin, "POST", "inboxes", new)
    assert made.status == 201, made
    assert made.body["name"] == "The shop"
    assert made.body["callback"] == f"{system.nodes[0].http}/hooks/wechat/shop"
    assert made.body["settings"] == {"app_id": WECHAT["app_id"]}
    assert made.body["secrets"] == ["app_secret", "token"]
    assert made.body["health"] == {
        "running": False, "problem": "", "ill": "", "since": 0, "until": 0, "heard_at": 0, "sent_at": 0
    }  # fmt: skip
    again = ask(system, admin, "POST", "inboxes", new)
    assert (again.status, again.body["code"], again.body["field"]) == (409, "inbox.taken", "id")

    settings = {"app_id": "wx0987654321", "token": "another"}
    changed = ask(system, admin, "PUT", "inboxes/shop", {"name": "Shop", "settings": settings})
    assert changed.body["settings"] == {"app_id": "wx0987654321"}
    for answer in (made, changed, ask(system, admin, "GET", "inboxes/shop")):
        assert not any(secret in json.dumps(answer.body) for secret in ("very secret", "a token of ours", "another"))
    account = run_apart(_account(system, "shop"))
    assert (account.app_id, account.app_secret, account.token) == ("wx0987654321", "very secret", "another")

    rows = {row["id"]: row for row in ask(system, admin, "GET", "inboxes?health=true").body["items"]}
    assert rows["shop"]["health"]["running"] is False
    assert rows["web"]["health"] is None
    for verb in ("check", "retry"):
        unanswered = ask(system, admin, "POST", f"inboxes/shop/{verb}", {})
        assert (unanswered.status, unanswered.body["code"]) == (503, "wechat.unavailable")


def test_an_inbox_tells_its_windows_where_its_settings_decide_them(system: System, admin: str) -> None:
    settings = {"page_id": "1", "access_token": "t", "app_secret": "s", "verify_token": "v"}
    for name, more in (("page", {}), ("page-of-people", {"human_agent": True})):
        new = {"id": name, "channel": "messenger", "name": name, "settings": {**settings, **more}}
        assert ask(system, admin, "POST", "inboxes", new).status == 201
    rows = {row["id"]: row for row in ask(system, admin, "GET", "inboxes").body["items"]}
    by = {name: [(one["by"], one["seconds"]) for one in rows[name]["windows"]] for name in ("page", "page-of-people")}
    assert by["page"] == [("message", 86_400), ("menu", 86_400)]
    assert by["page-of-people"] == [*by["page"], ("message", 7 * 86_400)]
    assert "windows" not in rows["web"]


def test_changed_api_address_does_not_get_the_kept_secret(system: System, admin: str) -> None:
    new = {"id": "moving", "channel": "wechat", "name": "Moving", "settings": WECHAT}
    assert ask(system, admin, "POST", "inboxes", new).status == 201
    settings = {"app_id": WECHAT["app_id"], "api": "https://evil.example"}
    refused = ask(system, admin, "PUT", "inboxes/moving", {"name": "Moving", "settings": settings})
    assert (refused.status, refused.body["code"], refused.body["field"]) == (422, "field.again", "app_secret")
    assert run_apart(_account(system, "moving")).api == "https://api.weixin.qq.com"
    settings = {**settings, "app_secret": "entered again"}
    changed = ask(system, admin, "PUT", "inboxes/moving", {"name": "Moving", "settings": settings})
    assert changed.status == 200
    account = run_apart(_account(system, "moving"))
    assert (account.api, account.app_secret, account.token) == (settings["api"], "entered again", WECHAT["token"])


def test_a_removed_account_is_gone_with_its_secrets_and_its_id_stays(system: System, admin: str) -> None:
    new = {"id": "leaving", "channel": "wechat", "name": "Leaving", "settings": WECHAT}
    assert ask(system, admin, "POST", "inboxes", new).status == 201
    run_apart(_use(system, "leaving"))
    assert ask(system, admin, "DELETE", "inboxes/leaving").status == 204
    for method in ("GET", "DELETE"):
        gone = ask(system, admin, method, "inboxes/leaving")
        assert (gone.status, gone.body["code"]) == (404, "inbox.not_found")
    assert run_apart(_kept_of(system, "leaving")) == {"main.cursor.leaving.x"}
    assert ask(system, admin, "POST", "inboxes", new).status == 201
    kept = ask(system, admin, "DELETE", "inboxes/web")
    assert (kept.status, kept.body["code"]) == (409, "inbox.own")


def test_an_account_of_a_channel_that_is_broken_says_so_and_is_not_changed(system: System, admin: str) -> None:
    run_apart(_break(system, "pigeon"))
    # A node asks for the channels again after some seconds.
    deadline = time.monotonic() + 20
    while (found := _health(system, admin, "coop")) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found is not None
    assert found["problem"] == "it can't be loaded: ImportError: no wings"
    refused = ask(system, admin, "PUT", "inboxes/coop", {"name": "Coop", "settings": {}})
    assert (refused.status, refused.body["code"]) == (422, "channel.unusable")
    assert ask(system, admin, "PUT", "inboxes/coop", {"name": "Other"}).body["name"] == "Other"


def _health(system: System, admin: str, inbox: str) -> dict[str, Any] | None:
    rows = {row["id"]: row for row in ask(system, admin, "GET", "inboxes?health=true").body["items"]}
    health: dict[str, Any] | None = rows[inbox]["health"]
    return health


def test_templates_are_told_to_agents_of_the_tenant_alone(system: System, admin: str) -> None:
    agent = rest.sign_in(system.nodes[0].http, LIN.email, LIN.password).cookie
    assert ask(system, agent, "GET", "inboxes/web/templates").body["items"] == []
    assert ask(system, agent, "GET", "inboxes/nobody/templates").body["code"] == "inbox.not_found"
    settings = {"phone_number_id": "1", "access_token": "a", "app_secret": "b", "verify_token": "c"}
    new = {"id": "tea", "channel": "whatsapp", "name": "Tea", "settings": settings}
    assert ask(system, admin, "POST", "inboxes", new).status == 201
    assert ask(system, agent, "GET", "inboxes/tea/templates").body["code"] == "whatsapp.unavailable"
    chosen = {"id": "01990000-0000-7000-8000-000000000000", "name": "a", "language": "en"}
    nowhere = ask(system, agent, "POST", f"conversations/00{'a' * 26}/template", chosen)
    assert nowhere.body["code"] == "resource.not_found"
    token, _ = rest.become_visitor(system.nodes[0].http, "web")
    by_visitor = {"Authorization": f"Bearer {token}"}
    for method, path in (("GET", "inboxes/tea/templates"), ("POST", f"conversations/00{'a' * 26}/template")):
        body = None if method == "GET" else json.dumps(chosen).encode()
        refused = rest.call(method, f"{system.nodes[0].http}/api/v1/{path}", body, headers=by_visitor)
        assert refused.body["code"] == "access.agents_only"


async def _use(system: System, inbox: str) -> None:
    """What an adapter keeps of an account that it runs."""
    async with connected(system.common, "test") as link:
        bucket = stores.channels(link)
        await bucket.put(stores.token_key(TENANT, inbox, "access"), stores.Value(value="sealed"))
        await bucket.put(stores.health_key(TENANT, inbox), stores.Health(paused="ill", since=1))
        await bucket.put(f"{TENANT}.pulse.{inbox}.in", stores.Value(value="x"))
        await bucket.put(f"{TENANT}.cursor.{inbox}.x", stores.Cursor(cursor="7"))


async def _kept_of(system: System, inbox: str) -> set[str]:
    async with connected(system.common, "test") as link:
        bucket: Bucket[msgspec.Raw] = Bucket(link, "channels", msgspec.Raw)
        return {key for key in await bucket.keys(f"{TENANT}.>") if f".{inbox}" in key}


async def _break(system: System, channel: str) -> None:
    """A plugin that can't be loaded any more, with an account of better days."""
    async with connected(system.common, "test") as link:
        await about.publish(link, [about.broken(Broken(channel, "it can't be loaded: ImportError: no wings"))])
        await directory.create_inbox(link, TENANT, directory.Inbox(id="coop", channel=channel, name="Coop"))


async def _account(system: System, inbox: str) -> Any:
    channel = find("wechat")
    assert not isinstance(channel, Broken)
    async with connected(system.common, "test") as link:
        kept = await directory.get_whole(link, directory.owned_key(TENANT, "inbox", inbox))
        assert kept is not None
        found = kept.value
        assert isinstance(found, directory.Inbox)
    return open_settings(channel, Sealer(system.common.secrets()), TENANT, found)


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"channel": "magpie"}, "channel.not_found", "channel"),
        ({"id": "_x"}, "id.token", "id"),
        ({"id": "a.b"}, "id.token", "id"),
        ({"name": " "}, "inbox.name", "name"),
        ({"settings": {}}, "field.required", "app_id"),
        ({"settings": {**WECHAT, "app_secret": ""}}, "field.required", "app_secret"),
        ({"settings": {**WECHAT, "aes_key": "short"}}, "field.form", "aes_key"),
        ({"settings": {**WECHAT, "colour": "red"}}, "field.unknown", "colour"),
        ({"id": "web"}, "inbox.taken", "id"),
    ],
)
def test_a_mistake_names_its_field(system: System, admin: str, more: dict[str, Any], code: str, field: str) -> None:
    refused = ask(
        system, admin, "POST", "inboxes", {"id": "new", "channel": "wechat", "name": "N", "settings": WECHAT, **more}
    )
    assert (refused.body["code"], refused.body["field"]) == (code, field)
    assert ask(system, admin, "GET", "inboxes/new").body["code"] == "inbox.not_found"
