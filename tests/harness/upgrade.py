"""Versions beside this one for tests: hot upgrades of a running `trunkline up`, and releases of before from git."""

from __future__ import annotations

import json
import shutil
import site
import subprocess
import sys
import tarfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from console import DIST
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
    # The channels that this version has.
    entry_points = metadata.distribution("trunkline").read_text("entry_points.txt")
    assert entry_points
    return _installed(tree, environment, version, entry_points)


def has_history(commit: str) -> bool:
    """Whether this checkout's git knows a commit: a shallow clone doesn't, nor does a copy without git."""
    found = subprocess.run(
        ["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    return found.returncode == 0


def earlier_version(folder: Path, commit: str) -> str:
    """The code of a commit, installed beside this checkout on its packages; returns its Python.

    Its console is this checkout's, which must have been built.
    """
    folder = folder.resolve()
    tree, environment = folder / f"tree-{commit}", folder / f"venv-{commit}"
    packed = folder / f"{commit}.tar"
    subprocess.run(["git", "archive", f"--output={packed}", commit], cwd=ROOT, check=True)
    with tarfile.open(packed) as archive:
        archive.extractall(tree, filter="data")
    packed.unlink()
    shutil.copytree(DIST, tree / "console" / "dist")
    project = tomllib.loads((tree / "pyproject.toml").read_text())["project"]
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items())])
        for group, points in project["entry-points"].items()
    ]
    return _installed(tree, environment, project["version"], "\n".join(groups))


def _installed(tree: Path, environment: Path, version: str, entry_points: str) -> str:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    about = packages / f"trunkline-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: trunkline\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(entry_points)
    # Folders named by a .pth file are searched, but their own .pth files, such as that of our checkout, aren't read.
    (packages / "others.pth").write_text("\n".join([str(tree), *site.getsitepackages(), *_more_packages()]))
    for program in ("nats-server",):
        (environment / "bin" / program).symlink_to(Path(sys.executable).parent / program)
    return str(python)


def _more_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]
