"""The engine's code leaves this process while nobody uses it, and comes back by itself."""

from __future__ import annotations

import asyncio
import re

import pytest

from adapters.warehouse.clickhouse import residency
from adapters.warehouse.clickhouse.engine import Engine, rows

_RSS = re.compile(r"^[0-9a-f]+-[0-9a-f]+ r-xp [^\n]*/_chdb[^\n]*\n(?:[^\n]*\n)*?Rss: +(\d+) kB", re.MULTILINE)


def _resident_mib() -> float:
    """Of chDB's code in this process."""
    with open("/proc/self/smaps", encoding="utf-8") as smaps:  # noqa: PTH123 - a pseudo file
        return sum(map(int, _RSS.findall(smaps.read()))) / 1024


async def _sum(engine: Engine) -> int:
    found = await engine.read(lambda client: rows(client, "SELECT sum(number) FROM numbers(100000)", {}))
    return int(found[0][0])


async def test_a_quiet_engine_gives_its_code_back_once_and_answers_as_before(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not engine.target.path:
        pytest.skip("a server's code is its own")
    given: list[int] = []
    give_back = residency.give_back
    monkeypatch.setattr(residency, "LOOK_S", 0.2)
    monkeypatch.setattr(residency, "give_back", lambda: given.append(give_back()))
    await engine.write(lambda client: client.command("SELECT 1"))
    before = await _sum(engine)
    used = _resident_mib()
    assert used > 20
    watching = asyncio.create_task(residency.give_back_when_quiet(lambda: engine.questions))
    async with asyncio.timeout(10):
        while not given:
            await asyncio.sleep(0.02)
        assert given[0] > 100 * 2**20
        assert _resident_mib() < used / 2
        await asyncio.sleep(3 * residency.LOOK_S)
        assert len(given) == 1, "quiet is quiet: once is enough"
        assert await _sum(engine) == before
        while len(given) < 2:
            await asyncio.sleep(0.02)
    watching.cancel()
