"""Runs one benchmark by name: `python -m tests.bench NAME`."""

from __future__ import annotations

import importlib
import json
import sys

from tests.bench.machine import facts

NAMES = ("start", "latency")


def main() -> None:
    """Print what the benchmark measured, with the machine and versions it ran on."""
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m tests.bench {'|'.join(NAMES)}   (make bench BENCH=...)")
    measured = importlib.import_module(f"tests.bench.{sys.argv[1]}").measure()
    print(json.dumps({"bench": sys.argv[1], **measured, "on": facts()}, ensure_ascii=False))


if __name__ == "__main__":
    main()
