"""The folder of `trunkline up`: one at a time, secrets kept, the running system found."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline import datafolder
from trunkline.embedded import StartError


def test_a_second_up_on_the_same_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    with datafolder.locked(tmp_path):
        held = subprocess.run(
            [sys.executable, "-c", f"from trunkline.datafolder import *\nwith locked(Path({str(tmp_path)!r})): pass"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert held.returncode != 0
    assert f"in use by another `trunkline up` (process {os.getpid()})" in held.stderr


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with datafolder.locked(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_named_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="--data"), datafolder.locked(tmp_path / "file" / "data"):
        pass


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    first = datafolder.secret(tmp_path, "signing")
    text = first.read_text()
    assert len(text) >= 32
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    assert datafolder.secret(tmp_path, "signing").read_text() == text
    assert datafolder.secret(tmp_path, "nats").read_text() != text


def test_commands_find_the_running_system_and_no_dead_one(tmp_path: Path) -> None:
    now = datafolder.Running(os.getpid(), 4222, 8080, "fast")
    datafolder.say_running(tmp_path, now)
    found = datafolder.joined(tmp_path, {"TRUNKLINE_NATS_URL": "nats://elsewhere:4222", "HOME": "/root"})
    assert found["TRUNKLINE_NATS_URL"] == "nats://127.0.0.1:4222"
    assert found["TRUNKLINE_PROFILE"] == "fast"
    assert found["HOME"] == "/root"
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    datafolder.say_running(tmp_path, now._replace(pid=int(ended.stdout)))
    with pytest.raises(StartError, match="Nothing runs"):
        datafolder.joined(tmp_path, {})


def test_settings_of_the_environment_win_over_a_folder_nobody_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    datafolder.say_running(tmp_path / "data", datafolder.Running(os.getpid(), 4222, 8080, "synced"))
    named = {"TRUNKLINE_NATS_URL": "nats://elsewhere:4222"}
    assert datafolder.joined(None, named) == named
    assert datafolder.joined(None, {})["TRUNKLINE_NATS_URL"] == "nats://127.0.0.1:4222"


def test_a_path_with_spaces_stays_one_path(tmp_path: Path) -> None:
    data = tmp_path / "my data 数据"
    data.mkdir()
    found = datafolder.environment(data, datafolder.Running(1, 2, 3, "synced"))
    assert found["TRUNKLINE_WAREHOUSE_DSN"].startswith("chdb:///")
    assert " " not in found["TRUNKLINE_WAREHOUSE_DSN"]
