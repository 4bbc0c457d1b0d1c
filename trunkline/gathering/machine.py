"""Series of the machine and of `up`'s children as such: who runs, who was started again, how full the disks are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from trunkline.gathering.told import Told

FOLDERS: Final = {"log": "nats", "warehouse": "warehouse"}
"""What is kept where in the data folder; either may be a disk of its own."""


def processes(told: Told, answered: Mapping[str, bool]) -> list[Metric]:
    """Of each child: whether it answered (or runs, where it isn't asked), and how often it was started again."""
    up = GaugeMetricFamily(
        "trunkline_process_up", "1 if the process answered this request in time, else 0.", labels=["process"]
    )
    restarts = CounterMetricFamily(
        "trunkline_process_restarts", "Starts of a process after it ended by itself.", labels=["process"]
    )
    for process in told.processes:
        is_up = answered.get(process.name, process.pid > 0)
        up.add_metric([process.name], int(is_up))
        restarts.add_metric([process.name], process.restarts)
    return [up, restarts]


def disks(data: Path) -> list[Metric]:
    """Of the disk under each part of the data folder that is there. Asks the system: may block where a disk hangs."""
    free = GaugeMetricFamily(
        "trunkline_disk_free_bytes", "Bytes that are free for us on the disk of a part of the data.", labels=["part"]
    )
    size = GaugeMetricFamily("trunkline_disk_size_bytes", "Size of that disk.", labels=["part"])
    for part, folder in FOLDERS.items():
        try:
            usage = shutil.disk_usage(data / folder)
        except OSError:
            continue
        free.add_metric([part], usage.free)
        size.add_metric([part], usage.total)
    return [free, size]
