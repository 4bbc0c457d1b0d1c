"""A channel from nothing: written, built, installed, its own test green, and every case of the suite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.installed import install
from trunkline.newchannel import write


def _run(environment: dict[str, str], *arguments: str, within_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )


def test_a_new_channel_installs_and_its_test_is_green(tmp_path: Path) -> None:
    folder = tmp_path / "trunkline-viber"
    write("viber", folder)
    environment = install(folder, tmp_path / "installed")
    listed = _run(environment, "trunkline", "channel", "list", within_s=30)
    assert "viber        text\n" in listed.stdout
    tried = _run(environment, "pytest", "-q", "-p", "no:cacheprovider", str(folder / "tests"), within_s=50)
    assert tried.returncode == 0, tried.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_new_channel_passes_every_case(tmp_path: Path) -> None:
    folder = tmp_path / "trunkline-viber"
    write("viber", folder)
    environment = install(folder, tmp_path / "installed")
    checked = _run(environment, "trunkline", "channel", "check", "viber", within_s=500)
    assert checked.returncode == 0, checked.stdout[-6000:] + checked.stderr
