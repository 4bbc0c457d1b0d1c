"""What a figure depends on besides our code: the machine, the versions, what the kernel says of a process."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from trunkline import embedded

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def facts() -> dict[str, str | int]:
    """Machine and versions, for the line in docs/benchmarks.md."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    nats = subprocess.run([embedded.binary(), "--version"], capture_output=True, text=True, check=True)
    return {
        "cores": os.cpu_count() or 0,
        "cpu": model[1] if model else platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "nats_server": nats.stdout.strip().rpartition("v")[2],
        "chdb": version("chdb-core"),
        "trunkline": version("trunkline"),
    }


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def name_of(pid: int) -> str:
    """What a process of ours is: the words after `trunkline` or the program's name."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    for place, word in enumerate(words):
        if word == "trunkline" or word.endswith("/trunkline"):
            return " ".join(w for w in words[place + 1 : place + 3] if w and not w.startswith("-")) or "trunkline"
    return Path(words[0]).name


def memory_mb(pid: int) -> dict[str, float]:
    """Resident memory, and the proportional share of it (pages shared by n processes count 1/n), in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {key: int(value) for key, value in re.findall(r"^(Rss|Pss):\s+(\d+) kB", text, re.MULTILINE)}
    return {"rss": round(found["Rss"] / 1000, 1), "pss": round(found["Pss"] / 1000, 1)}


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
