"""The picture in the README: a real system on a busy morning. `python -m tests.e2e.scene docs/images/desk.png`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from console import build
from tests.harness.apart import run_apart
from tests.harness.browser import People, chromium
from tests.harness.system import EMMA, LIN, Login, System, running_system
from trunkline import rest
from trunkline.client import Client
from trunkline.dialogues import DIALOGUES
from trunkline.talk import DEVICE, parcel

ZHOU = Login("zhou", "周远", "zhou@example.com")
REPLIES = (
    "非常抱歉给您添麻烦了。请把订单号发给我，我马上为您安排补发。",
    "好的，已经登记补发，明天发出，运单号会发给您。",
)
ENGLISH = "I see both charges. Could you tell me the last four digits of your card?"
NOTE = "仓库确认有货，今天 17:00 前能发出。"


async def play(system: System) -> str:
    """Eight visitors, three agents; returns the conversation that the picture shows."""
    async with contextlib.AsyncExitStack() as stack:
        lin, zhou, emma = [await stack.enter_async_context(system.agent(who).running()) for who in (LIN, ZHOU, EMMA)]
        convs = []
        for dialogue in DIALOGUES:
            visitor = system.visitor(page=dialogue.page, locale=dialogue.locale, client=DEVICE)
            await stack.enter_async_context(visitor.running())
            conv = str((await visitor.send(dialogue.opening[0]))["conv"])
            for line in dialogue.opening[1:]:
                await visitor.send(line, conv)
            if dialogue.shows_parcel:
                await _show(system, visitor, conv)
            convs.append((conv, visitor, dialogue))
        for agent in (lin, zhou, emma):
            await agent.presence("online", 3)
        await asyncio.sleep(1.5)
        await _answer(lin, emma, convs)
        await asyncio.sleep(1.5)
        return convs[0][0]


async def _answer(lin: Client, emma: Client, convs: list[tuple[str, Client, object]]) -> None:
    conv, visitor, _ = convs[0]
    await _own(lin, conv)
    await lin.send(REPLIES[0], conv)
    await visitor.send(DIALOGUES[0].answers[0], conv)
    await lin.send(NOTE, conv, note=True)
    await lin.send(REPLIES[1], conv)
    await visitor.send(DIALOGUES[0].answers[2], conv)
    conv, visitor, _ = convs[1]
    await _own(emma, conv)
    await emma.send(ENGLISH, conv)
    await visitor.send(DIALOGUES[1].answers[1], conv)


async def _own(agent: Client, conv: str) -> None:
    await agent.act(conv, "assign", agent=agent.welcome["me"]["id"])


async def _show(system: System, visitor: Client, conv: str) -> None:
    picture = await asyncio.to_thread(parcel)
    node = system.nodes[0].http
    answer = await asyncio.to_thread(rest.upload, node, "parcel.png", picture, "image/png", token=visitor.token)
    await visitor.send("", conv, kind="image", attachments=[answer.body["file"]])


def main(target: Path) -> None:
    """Play the scene and take the picture."""
    build.ensure()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_system(Path(folder), adapters=("routing", "warehouse"), agents=(LIN, ZHOU, EMMA)) as system,
        chromium() as browser,
    ):
        conv = run_apart(play(system))
        people = People(browser, system.nodes[0].http)
        desk = people.agent(LIN, locale="zh-CN")
        desk.goto(f"{people.node}/#/inbox/all/{conv}")
        desk.get_by_test_id("message").last.wait_for()
        desk.mouse.move(700, 5)
        desk.wait_for_load_state("networkidle")
        desk.wait_for_timeout(500)
        target.parent.mkdir(exist_ok=True)
        desk.screenshot(path=target)
        people.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
