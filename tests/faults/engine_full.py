"""An embedded engine of its own process on a disk that gets full and has room again: `python -m ... FOLDER BALLAST`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.warehouse.clickhouse import migrations
from adapters.warehouse.clickhouse.engine import Engine, NoRoomError
from adapters.warehouse.settings import Target, Warehouse
from tests.harness import mounts

INSERT = "INSERT INTO t SELECT number, randomPrintableASCII(1000) FROM numbers(2000)"


async def main(folder: Path, ballast: Path) -> None:
    """Says `refused` and `written` as the engine does the one, and then the other."""
    engine = Engine(Target(f"chdb://{folder}", str(folder), "trunkline"), Warehouse())
    await engine.write(lambda client: migrations.migrate(client, ""))
    await engine.write(
        lambda client: client.command("CREATE TABLE t (n UInt64, x String) ENGINE = MergeTree ORDER BY n")
    )
    await engine.write(lambda client: client.command(INSERT))
    mounts.fill(ballast)
    try:
        for _ in range(100):
            await engine.write(lambda client: client.command(INSERT))
    except NoRoomError as full:
        sys.stdout.write(f"refused {full.code}\n")
    before = await engine.read(lambda client: client.query("SELECT count() FROM t").result_rows[0][0])
    await asyncio.to_thread(ballast.unlink)
    await engine.write(lambda client: client.command(INSERT))
    after = await engine.read(lambda client: client.query("SELECT count() FROM t").result_rows[0][0])
    sys.stdout.write(f"written {after - before}\n")
    engine.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
