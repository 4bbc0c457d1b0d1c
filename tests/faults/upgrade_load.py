"""Visitors and agents who write without a pause, in a process of their own; what they were told and saw, as JSON.

`python -m tests.faults.upgrade_load PLAN` reads a plan, says `ready`, writes at the planned rate until its standard
input ends, waits for every answer and writes the result where the plan says.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

from trunkline import rest
from trunkline.client import Client

SETTLE_WITHIN_S = 60.0


class Plan(Struct):
    """Who writes where, and how often. `logins` are agents' e-mail addresses and passwords."""

    http: str
    logins: list[tuple[str, str]]
    visitors: int
    rate: float
    result: str


class Sent(Struct, array_like=True):
    """One message that was acknowledged: times are monotonic seconds; `moved` says that its client did meanwhile."""

    client: str
    conv: str
    id: str
    seq: int
    began: float
    took_s: float
    moved: bool


class Shown(Struct, array_like=True):
    """What one client showed of one conversation, in order: (sequence, id) pairs."""

    client: str
    conv: str
    is_visitor: bool
    events: list[tuple[int, str]]


class Result(Struct):
    """Everything that a run of the load tells. `connects` counts each client's sockets."""

    sent: list[Sent]
    shown: list[Shown]
    connects: dict[str, int]
    unanswered: list[str]


class Load:
    """All clients and what they were told."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._clients: dict[str, Client] = {}
        self._places: list[tuple[str, str]] = []
        self._sent: list[Sent] = []
        self._unanswered: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, open_clients: contextlib.AsyncExitStack) -> None:
        """Everybody is connected; each visitor has a conversation that one agent looks at as well."""
        plan = self._plan
        ws = plan.http.replace("http", "ws", 1) + "/ws"
        agents = []
        for n, (email, password) in enumerate(plan.logins):
            answer = await asyncio.to_thread(rest.sign_in, plan.http, email, password)
            agent = Client([ws], cookie=answer.cookie)
            self._clients[f"agent{n}"] = await open_clients.enter_async_context(agent.running())
            agents.append(f"agent{n}")
        for n in range(plan.visitors):
            token, _ = await asyncio.to_thread(rest.become_visitor, plan.http, "web")
            visitor = self._clients[f"visitor{n}"] = Client([ws], token=token)
            await open_clients.enter_async_context(visitor.running())
            conv = str((await visitor.send("begin"))["conv"])
            await visitor.subscribe(conv)
            agent = agents[n % len(agents)]
            await self._clients[agent].subscribe(conv)
            self._places += [(f"visitor{n}", conv), (agent, conv)]

    async def write(self, stop: asyncio.Event) -> None:
        """Each place in turn, at the planned rate, whether or not what came before is answered."""
        loop = asyncio.get_running_loop()
        due, number = loop.time(), 0
        while not stop.is_set():
            client, conv = self._places[number % len(self._places)]
            number += 1
            task = asyncio.create_task(self._send(client, conv, number, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            due += 1 / self._plan.rate
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _send(self, name: str, conv: str, number: int, due: float) -> None:
        client = self._clients[name]
        text = f"{number}"
        self._unanswered.add(text)
        connects = client.connects
        ok = await client.send(text, conv)
        took_s = asyncio.get_running_loop().time() - due
        self._unanswered.discard(text)
        self._sent.append(Sent(name, conv, ok["id"], ok["seq"], due, took_s, client.connects != connects))

    async def end(self) -> Result:
        """Waits for every answer, and until everybody has seen what was stored last."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_WITHIN_S):
                await asyncio.gather(*self._tasks)
                last = {conv: max(s.seq for s in self._sent if s.conv == conv) for _, conv in self._places}
                while any(self._mark(client, conv) < last[conv] for client, conv in self._places):
                    await asyncio.sleep(0.05)
        shown = [
            Shown(client, conv, client.startswith("visitor"), self._events(client, conv))
            for client, conv in self._places
        ]
        connects = {name: client.connects for name, client in self._clients.items()}
        return Result(self._sent, shown, connects, sorted(self._unanswered))

    def _mark(self, client: str, conv: str) -> int:
        mark = self._clients[client].conversations[conv].mark
        return mark[1] if mark else 0

    def _events(self, client: str, conv: str) -> list[tuple[int, str]]:
        return [(a.seq, a.event["id"]) for a in self._clients[client].conversations[conv].events]


async def _run(plan: Plan) -> None:
    load = Load(plan)
    async with contextlib.AsyncExitStack() as open_clients:
        await load.begin(open_clients)
        _say({"ready": True, "at": time.monotonic()})
        stop = asyncio.Event()
        reader = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        reader.add_done_callback(lambda _: stop.set())
        await load.write(stop)
        result = await load.end()
    await asyncio.to_thread(Path(plan.result).write_bytes, msgspec.json.encode(result))


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_run(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)))
