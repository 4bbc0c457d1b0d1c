"""Two agents press "take" at the same moment, on two nodes, while the visitor keeps writing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness.log import assert_stored_once, stored_events
from tests.harness.system import EMMA, LIN, System, running_system
from trunkline.client import Client, RefusedError

ROUNDS = 12


@pytest.mark.timeout(120)
def test_one_wins_and_the_other_is_told_who(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=2, agents=(LIN, EMMA)) as system:
        asyncio.run(_race(system))


async def _race(system: System) -> None:
    first, second = system.nodes
    lin = system.agent(LIN, nodes=[first])
    emma = system.agent(EMMA, nodes=[second])
    async with lin.running(), emma.running():
        for n in range(ROUNDS):
            await _round(system, system.visitor(nodes=[system.nodes[n % 2]]), {"lin": lin, "emma": emma})


async def _round(system: System, writer: Client, agents: dict[str, Client]) -> None:
    async with writer.running():
        first = await writer.send("你好")
        conv = str(first["conv"])
        writing = asyncio.create_task(_write(writer, conv))
        for agent in agents.values():
            await agent.subscribe(conv)
        results = await asyncio.gather(*(agent.act(conv, "take") for agent in agents.values()), return_exceptions=True)
        acknowledged = [first, *await writing]
    by_name = dict(zip(agents, results, strict=True))
    winners = [name for name, result in by_name.items() if isinstance(result, dict)]
    assert len(winners) == 1, by_name
    refusal = next(result for result in results if isinstance(result, RefusedError))
    assert refusal.code == "conflict"
    assert refusal.decided is not None
    assert refusal.decided["type"] == "conversation.assigned"
    assert refusal.decided["agent"] == winners[0]
    log = await stored_events(system, conv)
    assert [e.event["agent"] for e in log if e.event["type"] == "conversation.assigned"] == winners
    assert_stored_once(log, acknowledged)


async def _write(writer: Client, conv: str) -> list[dict[str, object]]:
    """Messages go on through the race: they move the subject, and a take must succeed all the same."""
    return [await writer.send(f"还有 {n}", conv) for n in range(8)]
