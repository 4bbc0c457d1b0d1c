"""An adapter from nothing, as docs/adapters.md says: written, installed, tried; `up` runs it and `doctor` knows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.installed import install
from tests.harness.up import up
from tests.harness.waiting import wait_until

NAME = "counting"


def _run(environment: dict[str, str], *arguments: str, within_s: float = 50) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )


@pytest.mark.timeout(200)
def test_a_new_adapter_installs_its_test_is_green_and_up_runs_it(tmp_path: Path) -> None:
    folder = tmp_path / f"trunkline-{NAME}"
    written = _run({}, "trunkline", "adapter", "new", NAME, "--into", str(folder))
    assert f"--editable {folder}; trunkline adapter check {NAME}" in written.stdout, written.stderr
    environment = install(folder, tmp_path / "installed")
    listed = _run(environment, "trunkline", "adapter", "list")
    assert [NAME, f"trunkline-{NAME}"] in [line.split() for line in listed.stdout.splitlines()]
    tried = _run(environment, "pytest", "-q", "-p", "no:cacheprovider", str(folder / "tests"))
    assert tried.returncode == 0, tried.stdout
    misspelt = _run({**environment, "TRUNKLINE_COUNTING_NOTS": "true"}, "trunkline", "adapter", NAME)
    assert "TRUNKLINE_COUNTING_NOTS is no setting; there are TRUNKLINE_COUNTING_LEASE_S" in misspelt.stderr
    with up(tmp_path, environment=environment) as running:
        running.wait_ready()
        wait_until(lambda: f"adapter {NAME}" in running.family(), running.family, within_s=30)

        def is_well() -> bool:
            asked = _run(environment, "trunkline", "doctor", "--json", "--data", str(running.data))
            found = {check["name"]: check for check in json.loads(asked.stdout)["checks"]}
            return found[NAME]["state"] == "ok" and f"done by {NAME}-" in found[NAME]["detail"]

        wait_until(is_well, within_s=30)
