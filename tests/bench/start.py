"""From the command `trunkline up` to /readyz, in the first run on an empty folder and in later ones; memory at rest."""

from __future__ import annotations

import http.client
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.harness.ports import free_port

LATER_RUNS = 5
REST_S = 15.0
SETTLE_S = 2.5
"""A run that is ended in the middle of its start leaves a folder that counts as new."""

READY_WITHIN_S = 180.0


def measure() -> dict[str, Any]:
    """Seconds for the first run and for later ones; MB of every process 15 s after the last start."""
    with tempfile.TemporaryDirectory() as folder:
        first_s, _ = _run(Path(folder), rest_s=SETTLE_S)
        later = [_run(Path(folder), rest_s=SETTLE_S)[0] for _ in range(LATER_RUNS - 1)]
        last_s, memory = _run(Path(folder), rest_s=REST_S)
    later.append(last_s)
    return {
        "race": "start",
        "profile": "synced",
        "seconds": round(statistics.median(later), 2),
        "first_run_s": round(first_s, 2),
        "later_runs_s": [round(each, 2) for each in later],
        "later_median_s": round(statistics.median(later), 2),
        "memory_mb": memory,
        "memory_total_mb": {
            kind: round(sum(each[kind] for each in memory.values()), 1) for kind in ("rss", "pss") if memory
        },
    }


def _run(folder: Path, *, rest_s: float) -> tuple[float, dict[str, dict[str, float]]]:
    port = free_port()
    began = time.monotonic()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "trunkline"), "up", "--data", str(folder / "data"), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        env={key: value for key, value in os.environ.items() if not key.startswith("TRUNKLINE_")},
    )
    try:
        while not _is_ready(port):
            assert process.poll() is None, "trunkline up ended"
            assert time.monotonic() - began < READY_WITHIN_S, "never ready"
            time.sleep(0.005)
        took_s = time.monotonic() - began
        time.sleep(rest_s)
        family = [process.pid, *machine.children(process.pid)]
        memory = {machine.name_of(pid): machine.memory_mb(pid) for pid in family} if rest_s else {}
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    assert code == 0, f"trunkline up ended with {code}"
    return took_s, memory


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
