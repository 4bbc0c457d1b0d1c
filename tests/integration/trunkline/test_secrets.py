"""What the processes of `trunkline up` hold of the operator's, and what other users of the machine can read."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.up import Up, trunkline, up
from trunkline import nats_users

pytestmark = pytest.mark.timeout(120)

PASSWORD = "correct horse battery staple"
ADMIN = {"TRUNKLINE_ADMIN_EMAIL": "ops@example.com", "TRUNKLINE_ADMIN_PASSWORD": PASSWORD}
OPEN = 0o755
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """On a folder that was there, open to everybody, with a NATS password as earlier versions left it."""
    folder = tmp_path_factory.mktemp("open")
    secret = folder / "data" / "secret"
    secret.mkdir(parents=True)
    (secret / "nats").write_text("the-one-password-that-an-earlier-version-made")
    for path in (folder / "data", secret):
        path.chmod(OPEN)
    before = os.umask(0o022)
    try:
        with up(folder, environment=ADMIN) as made:
            yield made
    finally:
        os.umask(before)


def _environment(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _processes(running: Up) -> dict[str, dict[str, str]]:
    return {name: _environment(pid) for name, pid in running.family().items()}


def test_the_admins_password_is_in_no_child(running: Up) -> None:
    """It is read once; a crash report or `/proc` of a child tells nothing."""
    for name, environment in _processes(running).items():
        assert not ADMIN.keys() & environment.keys(), name
        assert PASSWORD not in environment.values(), name


def test_each_child_has_its_own_user_of_nats_and_never_the_operators(running: Up) -> None:
    secret = (running.data / "secret" / "nats").read_text()
    found = _processes(running)
    assert found.keys() >= {"node", "adapter routing", "adapter warehouse", "nats-server"}
    for name, environment in found.items():
        assert secret not in environment.values(), name
        assert "TRUNKLINE_NATS_PASSWORD_FILE" not in environment, name
        if name == "nats-server":
            assert {key for key in environment if key.startswith("TRUNKLINE_")} == {
                "TRUNKLINE_NATS_LISTEN",
                "TRUNKLINE_NATS_MONITOR",
                "TRUNKLINE_NATS_STORE",
                "TRUNKLINE_NATS_SYNC",
            }
            continue
        own = nats_users.credential(secret, name.removeprefix("adapter "))
        assert environment["TRUNKLINE_NATS_USER"] == own.user
        assert environment["TRUNKLINE_NATS_PASSWORD"] == own.password
    assert "TRUNKLINE_SECRET_FILE" not in found["adapter warehouse"]


def test_a_data_folder_that_was_open_to_everybody_is_closed_and_said(running: Up) -> None:
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700
    assert "was open to other users of this machine; now it is ours alone" in running.said()


def test_nothing_that_is_written_is_readable_by_others(running: Up) -> None:
    """Whatever umask the shell had: by `up`, `init`, the node, the warehouse and nats-server."""
    deadline = time.monotonic() + WITHIN_S
    while not (running.data / "warehouse" / "store").exists():
        assert time.monotonic() < deadline, running.said()
        time.sleep(0.05)
    written = [path for path in running.data.rglob("*") if not path.is_symlink() and path != running.data / "secret"]
    assert {path.relative_to(running.data).parts[0] for path in written} >= {"nats", "warehouse", "nats-server", "lock"}
    kept = running.data / "secret" / "nats"
    readable = [str(p) for p in written if p != kept and p.exists() and p.stat().st_mode & 0o077]
    assert not readable


def test_doctor_says_that_each_process_has_its_own_user(running: Up) -> None:
    answer = trunkline("doctor", "--data", str(running.data), "--json")
    found = {check["name"]: check for check in json.loads(answer.stdout)["checks"]}
    assert found["users"]["state"] == "ok", found["users"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder to somebody else")
def test_a_data_folder_of_somebody_else_that_is_open_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(OPEN)
    os.chown(data, 12345, 12345)
    answer = trunkline("up", "--data", str(data), "--port", "0")
    assert answer.returncode == 1
    assert "is open to others (mode 0755) and belongs to user 12345" in answer.stderr
    assert not list(data.iterdir())


def test_a_warehouse_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    """The warehouse alone, on a folder of the operator's making."""
    folder = tmp_path / "warehouse"
    folder.mkdir()
    folder.chmod(OPEN)
    code = (
        "import sys\nfrom pathlib import Path\nfrom adapters.warehouse.clickhouse.engine import _hold\n"
        "from adapters.warehouse.settings import Warehouse\n_hold(Path(sys.argv[1]), Warehouse())\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
