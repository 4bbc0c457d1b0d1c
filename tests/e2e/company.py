"""A company for journeys through the settings: its people, a calendar, a team, a skill and a role of its own."""

from __future__ import annotations

import json
import re
from typing import Final

from playwright.sync_api import Page

from backbone import directory
from backbone.directory import Agent
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.browser import People
from tests.harness.system import PASSWORD, TENANT, Login, System
from trunkline import rest
from trunkline.connect import connected

ADA: Final = Login("ada", "Ada Ngata", "ada@example.com")
"""Owner."""

ZHOU: Final = Login("zhou", "周远", "zhou@example.com")
"""Admin."""

IDA: Final = Login("ida", "Ida", "ida@example.com")
"""Auditor."""

EXPECTED: Final = re.compile(r"ERR_INTERNET_DISCONNECTED|status of (401|403|404|409|410|412|422|428)")
"""What a browser's console says of refusals and outages that these journeys bring about."""

WEEK = [{"day": day, "hours": [{"start": 540, "end": 720}, {"start": 780, "end": 1080}]} for day in range(5)]
OFFICE = {
    "id": "office",
    "name": "上海办公室",
    "zone": "Asia/Shanghai",
    "week": [*WEEK, {"day": 5, "hours": [{"start": 600, "end": 960}]}],
    "special": [
        {"date": "2026-10-01", "name": "国庆节", "hours": []},
        {"date": "2026-10-10", "name": "调休", "hours": [{"start": 540, "end": 1080}]},
    ],
}
LEAD = {"id": "lead", "name": "Night lead", "actions": ["conversation.read", "conversation.list", "profile.manage"]}


def make(system: System) -> None:
    """An owner, an admin and an auditor beside the agents; a calendar, a team, a skill and a role."""
    run_apart(_add(system))
    for noun, body in (
        ("calendars", OFFICE),
        ("teams", {"id": "sales", "name": "售前", "calendar": "office"}),
        ("skills", {"id": "french", "name": "French"}),
        ("roles", LEAD),
    ):
        assert _call(system, "POST", f"settings/{noun}", body).status == 201


async def _add(system: System) -> None:
    async with connected(system.common, "test") as link:
        hashed = await hash_password(PASSWORD)
        for who, role in ((ADA, "owner"), (ZHOU, "admin"), (IDA, "auditor")):
            made = Agent(id=who.id, name=who.name, email=who.email, password=hashed, role=role)
            await directory.create_agent(link, TENANT, made)


def _call(system: System, method: str, path: str, body: object) -> rest.Answer:
    node = system.nodes[0].http
    cookie = rest.sign_in(node, ADA.email, ADA.password).cookie
    headers = {"Cookie": cookie, "Content-Type": "application/json"}
    return rest.call(method, f"{node}/api/v1/{path}", json.dumps(body).encode(), headers=headers)


def open_page(page: Page, crowd: People, where: str) -> None:
    """A page of settings by its address, once its heading is there."""
    page.goto(f"{crowd.node}/#/settings/{where}")
    page.get_by_role("heading", level=1).wait_for()
