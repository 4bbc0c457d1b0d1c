"""What `make lint` says of known vulnerabilities: how many packages were checked, and when that is too few."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"
SKIPPED = {"name": "msgspec", "skip_reason": "Dependency not found on PyPI and could not be audited: msgspec (0.19)"}
CHECKED = {"name": "click", "version": "8.2", "vulns": []}
HOLED = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"]}]}
REFUSED = json.dumps({"message": "405 Method Not Allowed - POST https://registry/-/npm/v1/security", "statusCode": 405})
TOTAL = 3


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_audit", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _pip(*found: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(found), "fixes": []})


def _npm(**vulnerabilities: dict[str, str]) -> str:
    counted = {"dependencies": {"total": TOTAL}}
    return json.dumps({"auditReportVersion": 2, "vulnerabilities": vulnerabilities, "metadata": counted})


@pytest.mark.parametrize(
    ("answer", "answers", "says", "passes"),
    [
        # A clean bill for packages that were all skipped: what was said before.
        (_pip(SKIPPED, SKIPPED, SKIPPED), True, "0 of 3 locked packages checked, although", False),
        (_pip(SKIPPED, SKIPPED, SKIPPED), False, "0 of 3 locked packages checked: its advisory service can't", True),
        ("", False, "0 of 3 locked packages checked: its advisory service can't", True),
        ("", True, "0 of 3 locked packages checked, although", False),
        (
            _pip(CHECKED, SKIPPED, CHECKED),
            True,
            "2 of 3 locked packages checked, no known vulnerability in these",
            True,
        ),
        (_pip(CHECKED, SKIPPED, CHECKED), True, "not checked: msgspec", True),
        (_pip(CHECKED, CHECKED), True, "2 of 2 locked packages checked, no known vulnerability", True),
        (_pip(CHECKED, HOLED), True, "pillow 1.0 (PYSEC-1)", False),
    ],
)
def test_a_clean_bill_counts_what_was_checked(
    audit: ModuleType,
    answer: str,
    says: str,
    *,
    answers: bool,
    passes: bool,
) -> None:
    said, is_well = audit.verdict(audit.of_pip_audit(answer, TOTAL, answers=answers))
    assert says in said
    assert is_well == passes


@pytest.mark.parametrize(
    ("answer", "says", "passes"),
    [
        (_npm(), "npm: 3 of 3 locked packages checked, no known vulnerability", True),
        (_npm(vite={"severity": "high"}), "vite (high)", False),
        (REFUSED, "npm: 0 of 3 locked packages checked: its advisory service can't", True),
        ("", "npm: 0 of 3", True),
    ],
)
def test_npm_is_asked_too(audit: ModuleType, answer: str, says: str, *, passes: bool) -> None:
    said, is_well = audit.verdict(audit.of_npm(answer, TOTAL))
    assert says in said
    assert is_well == passes
