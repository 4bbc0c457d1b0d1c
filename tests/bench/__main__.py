"""Runs one benchmark by name: `python -m tests.bench NAME`."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from tests.bench.machine import facts

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every file beside this one that measures something."""
    return sorted(path.stem for path in HERE.glob("*.py") if "\ndef measure(" in path.read_text())


def main() -> None:
    """Print what the benchmark measured, with the machine and versions it ran on."""
    if len(sys.argv) != 2 or sys.argv[1] not in names():
        sys.exit(f"usage: make bench BENCH={'|'.join(names())}")
    measured = importlib.import_module(f"tests.bench.{sys.argv[1]}").measure()
    print(json.dumps({"bench": sys.argv[1], **measured, "on": facts()}, ensure_ascii=False))


if __name__ == "__main__":
    main()
