"""Hot upgrades for tests: of a running `trunkline up`, to the same code or to another version made for the test."""

from __future__ import annotations

import json
import shutil
import site
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.harness.up import Up, trunkline
from trunkline.embedded import CONFIGURATIONS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("backbone", "node", "adapters", "console", "trunkline")
UPGRADE_WITHIN_S = 300.0


def upgrade(running: Up, python: str = sys.executable) -> list[dict[str, Any]]:
    """One whole upgrade to the code that `python` finds; returns its steps. Fails unless each part was replaced."""
    before = running.family()
    answer = trunkline("upgrade", "--data", str(running.data), "--json", python=python, within_s=UPGRADE_WITHIN_S)
    assert answer.returncode == 0, f"{answer.stdout}{answer.stderr}\n{running.said()}"
    after = running.family()
    assert after["nats-server"] == before["nats-server"]
    for name in before.keys() - {"nats-server"}:
        assert after[name] != before[name], f"{name} is the process that it was"
    return [json.loads(line) for line in answer.stdout.splitlines()]


def other_version(folder: Path, version: str) -> str:
    """A copy of this checkout, installed beside it as `version`; returns its Python."""
    tree, environment = folder / f"tree-{version}", folder / f"venv-{version}"
    for room in ROOMS:
        ignored = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / room, tree / room, ignore=ignored)
    for name in CONFIGURATIONS:
        shutil.copy(ROOT / name, tree)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    (packages / f"trunkline-{version}.dist-info").mkdir()
    (packages / f"trunkline-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: trunkline\nVersion: {version}\n"
    )
    # The channels that this version has.
    entry_points = metadata.distribution("trunkline").read_text("entry_points.txt")
    assert entry_points
    (packages / f"trunkline-{version}.dist-info" / "entry_points.txt").write_text(entry_points)
    # Folders named by a .pth file are searched, but their own .pth files, such as that of our checkout, aren't read.
    (packages / "others.pth").write_text("\n".join([str(tree), *site.getsitepackages(), *_more_packages()]))
    for program in ("nats-server",):
        (environment / "bin" / program).symlink_to(Path(sys.executable).parent / program)
    return str(python)


def _more_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]
