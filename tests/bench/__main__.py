"""Runs one benchmark by name: `python -m tests.bench NAME`."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from tests.bench import record, variables
from tests.bench.machine import facts

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every file beside this one that measures something."""
    return sorted(path.stem for path in HERE.glob("*.py") if "\ndef measure(" in path.read_text())


def main() -> None:
    """Keep a race's figures in docs/benchmarks.md; print what was measured and on what, as the last line."""
    if len(sys.argv) != 2 or sys.argv[1] not in names():
        sys.exit(f"usage: make bench BENCH={'|'.join(names())}")
    load = os.getloadavg()[0]
    measured = importlib.import_module(f"tests.bench.{sys.argv[1]}").measure()
    about = facts()
    if "race" in measured and variables.is_recorded():
        record.append(measured, about, load)
    print(json.dumps({"bench": sys.argv[1], **measured, "load": round(load, 1), "on": about}, ensure_ascii=False))


if __name__ == "__main__":
    main()
