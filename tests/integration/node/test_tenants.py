"""Another tenant, made by the command line, and what the audit says of it."""

from __future__ import annotations

import asyncio
import json

import pytest

from backbone import directory
from tests.harness.system import PASSWORD, System
from trunkline import rest
from trunkline.connect import connected

pytestmark = pytest.mark.anyio


async def test_a_tenant_that_was_added_has_an_admin_an_inbox_and_nothing_of_the_others(system: System) -> None:
    added = await asyncio.to_thread(system.run, "tenant", "add", "globex", "--label", "Globex", "--json")
    assert added.returncode == 0, added.stderr
    made = json.loads(added.stdout)
    assert made["made"]
    # Again: the former link opens nothing any more.
    again = json.loads((await asyncio.to_thread(system.run, "tenant", "add", "globex", "--json")).stdout)
    assert not again["made"]
    url = f"{system.nodes[0].http}/api/v1/invitations/accept"
    join = {"name": "Hank", "email": "hank@globex.example", "password": PASSWORD}
    answer = await asyncio.to_thread(rest.call, "POST", url, {**join, "token": made["invitation"]})
    assert answer.status == 410
    answer = await asyncio.to_thread(rest.call, "POST", url, {**join, "token": again["invitation"]})
    assert answer.status == 200, answer
    assert (answer.body["tenant"], answer.body["agent"]["role"]) == ({"id": "globex", "name": "Globex"}, "admin")
    cookie = {"Cookie": answer.cookie}
    for path, field in (("agents", "name"), ("inboxes", "id")):
        listed = await asyncio.to_thread(rest.call, "GET", f"{system.nodes[0].http}/api/v1/{path}", headers=cookie)
        assert [one[field] for one in listed.body["items"]] == [{"agents": "Hank", "inboxes": "globex"}[path]]
    listed_tenants = await asyncio.to_thread(system.run, "tenant", "list", "--json")
    assert {"tenant": "globex", "name": "Globex"} in json.loads(listed_tenants.stdout)
    # An id that another tenant's inbox has is refused whole.
    refused = await asyncio.to_thread(system.run, "tenant", "add", "web")
    assert refused.returncode == 1
    async with connected(system.common, "test") as link:
        assert await directory.get_tenant(link, "web") is None
    printed = await asyncio.to_thread(system.run, "audit", "--tenant", "globex", "--format", "json")
    assert printed.returncode == 0, printed.stderr
    said = json.loads(printed.stdout)
    assert {one["tenant"] for one in said} == {"globex"}
    hank = [one for one in said if one["record"].startswith("agent ") and one["field"] == "password"]
    assert [(one["what"], one["after"]) for one in hank] == [("made", "(set)")]
    assert hank[0]["by"].startswith("agent ")
    assert hank[0]["by"].endswith("Hank")
    assert "argon2" not in printed.stdout
    wrong = await asyncio.to_thread(system.run, "audit", "--since", "yesterday")
    assert wrong.returncode == 2
