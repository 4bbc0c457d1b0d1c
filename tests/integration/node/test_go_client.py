"""The Go client of docs/examples, written from docs/protocol.md: it resumes and sends again whatever befalls nodes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backbone.events import SHOWN_TO_VISITORS
from tests.harness.log import stored_events
from tests.harness.system import INBOX, LIN, System

SOURCE = Path(__file__).parents[3] / "docs" / "examples" / "go"
GO = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
MOST_LINES = 250
WITHIN_S = 90.0

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.rest,
    pytest.mark.skipif(GO is None, reason="there is no Go here: `apt-get install golang`, 1.23 or later"),
]


def test_it_is_short() -> None:
    assert sum(len(path.read_text().splitlines()) for path in SOURCE.glob("*.go")) < MOST_LINES


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, built; its one module comes through the Go proxy, or from the cache."""
    target = tmp_path_factory.mktemp("go") / "client"
    asyncio.run(_build(target))
    return target


async def _build(target: Path) -> None:
    building = await asyncio.create_subprocess_exec(GO or "", "build", "-o", str(target), ".", cwd=SOURCE)
    assert await building.wait() == 0


class Visitor:
    """The running program: what it was shown, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.shown: list[dict[str, object]] = []

    async def read(self) -> None:
        """Takes what it shows until it ends."""
        assert self._process.stdout
        async for line in self._process.stdout:
            self.shown.append(json.loads(line))

    def write(self, text: str) -> None:
        """A message, typed."""
        assert self._process.stdin
        self._process.stdin.write(f"{text}\n".encode())

    async def until_shown(self, *texts: str) -> None:
        """Returns when all of these were shown."""
        while not set(texts) <= {str(one.get("text")) for one in self.shown}:
            await asyncio.sleep(0.02)

    @property
    def conv(self) -> str:
        """Its conversation, once there is one."""
        return str(self.shown[0]["conv"])


@asynccontextmanager
async def visitor(program: Path, system: System) -> AsyncIterator[Visitor]:
    """The program with all nodes of a system."""
    process = await asyncio.create_subprocess_exec(
        str(program),
        INBOX,
        *[node.http for node in system.nodes],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    one = Visitor(process)
    reading = asyncio.create_task(one.read())
    try:
        yield one
    finally:
        process.kill()
        await process.wait()
        await reading


async def test_it_resumes_from_its_watermark_whatever_node_dies(program: Path, system: System) -> None:
    async with asyncio.timeout(WITHIN_S), visitor(program, system) as one, system.agent(LIN).running() as agent:
        one.write("hello")
        await one.until_shown("hello")
        texts = ["hello"]
        for number in range(4):
            node = system.nodes[number % len(system.nodes)]
            node.kill()
            answers = [f"answer {number}.{n}" for n in range(5)]
            for n, answer in enumerate(answers):
                one.write(f"question {number}.{n}")
                texts += [answer, f"question {number}.{n}"]
                await agent.send(answer, one.conv)
            node.start()
            await asyncio.to_thread(node.wait_ready)
        await one.until_shown(*texts)
        log = [stored.event for stored in await stored_events(system, one.conv)]
    assert [e["id"] for e in one.shown] == [e["id"] for e in log if e["type"] in SHOWN_TO_VISITORS]
    stored = [e["text"] for e in log if e["type"] == "message.added"]
    assert sorted(stored) == sorted(texts), "each is stored once"
    questions = [text for text in stored if text.startswith("question")]
    assert questions == sorted(questions), "in the order of writing"


async def test_what_got_no_answer_is_sent_again_with_its_id_and_stored_once(program: Path, system: System) -> None:
    """A node that freezes takes the frame, stores it when it goes on, and its answer reaches nobody."""
    async with asyncio.timeout(WITHIN_S), visitor(program, system) as one:
        one.write("before")
        await one.until_shown("before")
        for number in range(4):
            node = system.nodes[number % len(system.nodes)]
            os.kill(node.pid, signal.SIGSTOP)
            try:
                one.write(f"again {number}")
                async with asyncio.timeout(10):
                    await one.until_shown(f"again {number}")
            finally:
                os.kill(node.pid, signal.SIGCONT)
        one.write("after")
        await one.until_shown("after")
        log = [stored.event for stored in await stored_events(system, one.conv)]
    texts = [e["text"] for e in log if e["type"] == "message.added"]
    assert texts == ["before", *[f"again {number}" for number in range(4)], "after"]
