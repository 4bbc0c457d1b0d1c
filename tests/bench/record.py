"""Keeps the figures: one row a run in docs/benchmarks.md, below what people wrote there."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEADING = "## Runs"
INTRODUCTION = f"""{HEADING}

Written by `make bench`, a row a run, the newest last; what stands above is written by people. Each row names its
command, the commit (`+` where files were changed) and the machine. *Load* is the load average when it began: above 0.5
somebody else was at work.
"""
MACHINES = "### Machines"
MACHINE_COLUMNS = ["machine", "cores", "cpu", "kernel", "python", "nats-server", "chDB"]
MACHINE_FACTS = ["cores", "cpu", "kernel", "python", "nats_server", "chdb"]

VARIABLES = ("DURATION", "RUNS", "SOCKETS", "CONVERSATIONS", "CLIENTS", "EVENTS", "VIEWERS")
COLUMNS = {
    "rate": "messages/s",
    "in_rate": "in messages/s",
    "out_rate": "out messages/s",
    "sockets": "sockets",
    "conversations": "conversations",
    "events": "events",
    "seconds": "s",
    "first_run_s": "first run s",
    "opened_s": "all open after s",
    "nodes_ready_s": "nodes ready after s",
    "p50_ms": "P50 ms",
    "p99_ms": "P99 ms",
    "max_ms": "worst ms",
    "spread_ms": "P99 of the runs",
    "ms": "ms",
    "first_ms": "first ms",
    "with_connecting_ms": "with connecting ms",
    "cpu_us": "CPU us",
    "in_cpu_us": "adapter CPU us in",
    "out_cpu_us": "adapter CPU us out",
    "alone_p99_ms": "alone P99 ms",
    "alone_max_ms": "alone worst ms",
    "beside_p99_ms": "beside a paused account P99 ms",
    "beside_max_ms": "beside worst ms",
    "kb_per_socket": "KB a socket",
    "rss_kb": "RSS KB",
    "cpu_cores": "cores used",
    "refused": "refused",
    "baseline.rate": "prototype messages/s",
    "baseline.p50_ms": "prototype P50 ms",
    "baseline.p99_ms": "prototype P99 ms",
    "baseline.cpu_us": "prototype CPU us",
    "baseline.kb_per_socket": "prototype KB a socket",
    "uvicorn_kb_per_socket": "bare uvicorn KB a socket",
    "baseline.ms": "log alone ms",
    "jetstream_per_s": "JetStream alone messages/s",
    "ratio": "ratio",
    "cpu_ratio": "ratio of CPU",
    "loadgen_cpu": "generator",
    "void": "void",
    "amiss": "amiss",
}
"""What a row may tell, in this order: the key of a figure and the heading of its column."""

FORMATS: dict[str, Callable[[Any], str]] = {
    "ratio": "{:.2f}".format,
    "cpu_ratio": "{:.2f}".format,
    "loadgen_cpu": "{:.0%}".format,
    "void": lambda void: "void" if void else "no",
    "amiss": lambda amiss: "; ".join(f"{what} {how}".replace("|", "/") for what, how in amiss.items()),
}
"""Figures that aren't told as plain numbers."""


def append(result: dict[str, Any], facts: dict[str, Any], load: float) -> None:
    """Adds a row for a race to the page."""
    now = dt.datetime.now(dt.UTC)
    about = {"date": f"{now:%Y-%m-%d %H:%M}", "command": command(), "commit": commit(), "load": f"{load:.1f}"}
    PAGE.write_text(with_row(PAGE.read_text(encoding="utf-8"), result, about, facts), encoding="utf-8")


def with_row(text: str, result: dict[str, Any], about: dict[str, str], facts: dict[str, Any]) -> str:
    """The page with one row more in the table of its race; tables are made where they are missing. Pure."""
    written, _, runs = text.partition(HEADING + "\n")
    tables = _tables(runs)
    machine = _machine(tables.setdefault(MACHINES, [MACHINE_COLUMNS]), facts)
    cells = {heading: _cell(result, key) for key, heading in COLUMNS.items()}
    row = about | {"machine": machine} | {heading: cell for heading, cell in cells.items() if cell}
    _add(tables.setdefault(f"### {result['race']}", [[*about, "machine"]]), row)
    machines = tables.pop(MACHINES)
    parts = [f"{title}\n\n{_render(table)}" for title, table in [*sorted(tables.items()), (MACHINES, machines)]]
    return written.rstrip() + "\n\n" + "\n".join([INTRODUCTION, *parts])


def command() -> str:
    """What was asked for: the variables that are set, as they are given to make."""
    given = (f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ)
    return " ".join(["make bench", f"BENCH={sys.argv[1]}", *given])


def commit() -> str:
    """The commit that ran, with a plus where files were changed."""
    root = PAGE.parents[1]
    asked = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=8", "--exclude=*"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def _tables(text: str) -> dict[str, list[list[str]]]:
    """Heading to rows of cells, the first the column headings."""
    tables = {}
    for part in re.split(r"(?m)^(?=### )", text)[1:]:
        title, *lines = part.splitlines()
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
        tables[title] = [row for row in rows if not set("".join(row)) <= set("- ")]
    return tables


def _add(table: list[list[str]], row: dict[str, str]) -> None:
    """A row whose new columns are put where `COLUMNS` has them; older rows stay empty there."""
    known = list(COLUMNS.values())
    for heading in row:
        if heading not in table[0]:
            later = [h for h in table[0] if h in known and known.index(h) > known.index(heading)]
            place = table[0].index(later[0]) if later else len(table[0])
            for each in table:
                each.insert(place, heading if each is table[0] else "")
    table.append([row.get(heading, "") for heading in table[0]])


def _machine(table: list[list[str]], facts: dict[str, Any]) -> str:
    """The letter of a machine, given on its first run."""
    told = [str(facts[name]) for name in MACHINE_FACTS]
    for row in table[1:]:
        if row[1:] == told:
            return row[0]
    letter = f"M{len(table)}"
    table.append([letter, *told])
    return letter


def _cell(result: dict[str, Any], key: str) -> str:
    value: Any = result
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None or (isinstance(value, dict) and key != "amiss"):
        return ""
    if key in FORMATS:
        return FORMATS[key](value)
    if isinstance(value, list):
        return ", ".join(f"{each:g}" for each in value)
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _render(table: list[list[str]]) -> str:
    lines = [table[0], ["---"] * len(table[0]), *table[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
