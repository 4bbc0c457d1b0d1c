"""schemathesis asks every route of `/api/openapi.json` whatever its shapes allow, and what they don't: no 5xx, and no
status, type or shape that the document doesn't know. `make fuzz-api` installs it beside and asks 5,000 times.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from backbone import directory
from backbone.directory import Agent, Calendar, CustomRole, Skill, Team
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.system import INBOX, PASSWORD, TENANT, System
from trunkline import rest
from trunkline.connect import connected

TOOL: Final = Path(__file__).parents[2] / ".venv-fuzz" / "bin" / "st"
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
UNLIMITED: Final = {
    f"TRUNKLINE_NODE_{name}": "600000"
    for name in ("ACTOR_REQUESTS", "LOGIN_RATE", "LOGIN_ADDRESS_RATE", "VISITORS_RATE", "AGENT_RATE", "VISITOR_RATE")
}
ENDS_THE_SESSION: Final = ("sessions_sign_out", "signed_in_end_others")
REQUESTS: Final = 5000
THERE: Final = {
    "team": Team(id="there", name="There"),
    "skill": Skill(id="there", name="There"),
    "calendar": Calendar(id="there", name="There", zone="UTC"),
    "role": CustomRole(id="there", name="There", actions=("agent.list",)),
}


class Asker(NamedTuple):
    """Who asks, and whether about what there is."""

    name: str
    headers: tuple[str, ...]
    parameters: dict[str, str]
    leaves_out: tuple[str, ...]


@pytest.mark.rest
@pytest.mark.timeout(300)
def test_some_hundred_requests_by_the_document(tmp_path: Path) -> None:
    assert _fuzz(tmp_path, examples=3, phases="fuzzing") > 300


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_five_thousand_requests_by_the_document(tmp_path: Path) -> None:
    asked, examples = 0, int(os.environ.get("EXAMPLES") or 8)
    asked += _fuzz(tmp_path, examples=examples, phases="examples,coverage,fuzzing")
    assert asked >= REQUESTS, asked


def _fuzz(folder: Path, *, examples: int, phases: str) -> int:
    """Asks as everybody; returns how often."""
    if not TOOL.is_file():
        pytest.skip("schemathesis isn't installed: `make fuzz-api` installs it")
    system = System(folder)
    system.more = UNLIMITED
    try:
        system.start(nodes=1, adapters=("routing", "warehouse"))
        run_apart(_admin(system))
        asked = sum(_run(system, asker, examples, phases) for asker in _askers(system))
        assert system.nodes[0].ready()[0] == 200
        sys.stderr.write(f"\n{asked} requests\n")
        return asked
    finally:
        system.end()


async def _admin(system: System) -> None:
    hashed = await hash_password(PASSWORD)
    async with connected(system.common, "test") as link:
        agent = Agent(id="root", name="Root", email="root@example.com", password=hashed, role="admin")
        await directory.create_agent(link, TENANT, agent)
        for record in THERE.values():
            await directory.change(link, directory.OPERATOR, "", directory.key_of(TENANT, record), record, 0)


def _askers(system: System) -> list[Asker]:
    http = system.nodes[0].http
    cookie = rest.sign_in(http, "root@example.com", PASSWORD).cookie
    token, contact = rest.become_visitor(http, INBOX)
    bearer = {"Authorization": f"Bearer {token}"}
    opened = rest.call("POST", f"{http}/api/v1/messages", {"text": "hello"}, headers=bearer)
    assert opened.status == 201, opened
    there = {
        "path.conv": opened.body["conv"],
        "path.inbox": INBOX,
        "path.agent": "root",
        "path.name": "telegram",
        "header.If-Match": "*",
        **{f"path.{kind}": record.id for kind, record in THERE.items()},
    }
    assert contact
    as_admin, as_visitor = (f"Cookie: {cookie}",), (f"Authorization: Bearer {token}",)
    return [
        Asker("an admin, of what there is", as_admin, there, (*ENDS_THE_SESSION, "signed_in_end_all_of_agent")),
        Asker("an admin, of anything", as_admin, {}, ENDS_THE_SESSION),
        Asker("a visitor, of what there is", as_visitor, there, ()),
        Asker("nobody, of anything", (), {}, ()),
    ]


def _run(system: System, asker: Asker, examples: int, phases: str) -> int:
    config = system.folder / "schemathesis.toml"
    lines = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in asker.parameters.items()]
    config.write_text("\n".join(["[parameters]", *lines, ""]))
    node = system.nodes[0]
    ran = subprocess.run(
        [
            str(TOOL),
            "--no-color",
            f"--config-file={config}",
            "run",
            f"{node.http}/api/openapi.json",
            f"--checks={','.join(CHECKS)}",
            f"--phases={phases}",
            f"--max-examples={examples}",
            f"--seed={os.environ.get('SEED') or 20261128}",
            "--max-redirects=0",
            "--suppress-health-check=all",
            "--generation-database=none",
            "--warnings=off",
            *(f"--header={each}" for each in asker.headers),
            *(f"--exclude-operation-id={each}" for each in asker.leaves_out),
        ],
        cwd=system.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{asker.name}:\n{ran.stdout[-6000:]}\n{ran.stderr[-2000:]}"
    found = re.search(r"(\d[\d,]*) generated", ran.stdout)
    assert found, ran.stdout[-2000:]
    return int(found[1].replace(",", ""))
