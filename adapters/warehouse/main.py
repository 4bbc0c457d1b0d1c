"""`trunkline adapter warehouse`."""

from __future__ import annotations

from adapters.warehouse.clickhouse.lean import without_pandas
from adapters.warehouse.service import run
from adapters.warehouse.settings import SECTION, Warehouse
from backbone.process.service import start


def main() -> int:
    """Runs the warehouse until a signal; returns the exit code."""
    without_pandas()
    return start(SECTION, Warehouse, run)
