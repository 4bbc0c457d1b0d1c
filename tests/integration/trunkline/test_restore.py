"""Restoring is an act: a copy is tried, takes the log's place, and all are told; by hand it is noticed and said."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.harness.up import Up, trunkline, up
from tests.harness.waiting import wait_until
from trunkline import rest
from trunkline.client import Client, Conversation

pytestmark = pytest.mark.timeout(180)

LOST = 4


@pytest.mark.parametrize("by_hand", [False, pytest.param(True, marks=pytest.mark.rest)])
def test_a_copy_is_put_back_and_everybody_is_told(tmp_path: Path, *, by_hand: bool) -> None:
    frames: list[str] = []
    with up(tmp_path) as running:
        token, _ = rest.become_visitor(running.http, "web", "")
        visitor = Person(token, frames)
        conv = visitor.talk(running, "before the copy")
        assert running.stop() == 0
    data, copy = running.data, tmp_path / "copy"
    shutil.copytree(data / "nats", copy)
    with _again(tmp_path, running) as running:
        visitor.talk(running, *(f"lost {n}" for n in range(LOST)), conv=conv)
        wait_until(lambda: "lost 3" in _texts(data))
        refused = trunkline("restore", str(copy), "--data", str(data), "--yes")
        assert refused.returncode == 1
        assert "in use by another `trunkline up`" in refused.stderr
        assert running.stop() == 0
    if by_hand:
        shutil.rmtree(data / "nats")
        shutil.copytree(copy, data / "nats")
    else:
        done = trunkline("restore", str(copy), "--data", str(data), "--yes")
        assert done.returncode == 0, done.stderr
        assert f"It lacks {LOST} of those that were there" in done.stdout
        assert len(list(data.glob("nats.replaced-*"))) == 1
    with _again(tmp_path, running) as running:
        assert f"The log ends {LOST} events before what this folder had" in running.said()
        frames.clear()
        visitor.talk(running, *(f"after {n}" for n in range(2 * LOST)), conv=conv)
        assert "resync" in frames
        shown = [e.event["text"] for e in visitor.conversations[conv].events if e.event["type"] == "message.added"]
        assert shown == ["before the copy", *(f"after {n}" for n in range(2 * LOST))]
        wait_until(lambda: f"after {2 * LOST - 1}" in _texts(data))
        assert "lost" not in _texts(data)
        assert running.stop() == 0
    if by_hand:
        with _again(tmp_path, running) as running:
            assert "The log ends" not in running.said(), "it was said, and holds no more"


@pytest.mark.rest
def test_what_is_no_copy_changes_nothing(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        assert running.stop() == 0
    before = sorted(p.name for p in running.data.iterdir())
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "jetstream").mkdir(parents=True)
    for copy, why in (("empty", "is no copy of a log"), ("hollow", "holds no stream of a log")):
        answer = trunkline("restore", str(tmp_path / copy), "--data", str(running.data), "--yes")
        assert answer.returncode == 1
        assert why in answer.stderr
    answer = trunkline("restore", str(running.data), "--data", str(running.data), "--yes")
    assert answer.returncode == 1
    assert "is the log itself" in answer.stderr
    answer = trunkline("restore", "--data", str(running.data))
    assert answer.returncode == 2
    assert sorted(p.name for p in running.data.iterdir()) == before


def _again(folder: Path, before: Up) -> object:
    before.output.unlink()
    return up(folder)


class Person:
    """A visitor who comes back with what they knew."""

    def __init__(self, token: str, frames: list[str]) -> None:
        self.token = token
        self.conversations: dict[str, Conversation] = {}
        self._frames = frames

    def talk(self, running: Up, *texts: str, conv: str | None = None) -> str:
        """Write `texts` and see them come back."""
        return asyncio.run(self._talk(running, texts, conv))

    async def _talk(self, running: Up, texts: tuple[str, ...], conv: str | None) -> str:
        url = f"ws://127.0.0.1:{running.port}/ws"
        client = Client([url], token=self.token, pushed=lambda frame: self._frames.append(frame["t"]))
        client.conversations = self.conversations
        async with client.running(), asyncio.timeout(30):
            for text in texts:
                ok = await client.send(text, conv)
                conv = str(ok["conv"])
            assert conv is not None
            known = await client.subscribe(conv)
            while known.mark is None or known.mark[1] != ok["seq"]:
                await asyncio.sleep(0.02)
        return conv


def _texts(data: Path) -> str:
    answer = trunkline("sql", "SELECT text FROM bi.messages", "--data", str(data))
    # The warehouse may be starting.
    return answer.stdout if answer.returncode == 0 else "lost?"
