"""The talking visitors of `trunkline up --demo`: real clients over the wire protocol, and few of them.

At most three conversations wait or run at once; a new one begins when an older one is resolved, so an
unattended demo comes to rest by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import random
import signal
from http import HTTPStatus
from typing import Any, Final

import structlog
from PIL import Image, ImageDraw, ImageFilter

from trunkline import rest
from trunkline.client import Client, RefusedError, SessionEndedError
from trunkline.dialogues import DIALOGUES, Dialogue
from trunkline.following import Applied

AT_ONCE: Final = 3
MOST_PER_RUN: Final = 200
PAUSE_S: Final = (25.0, 60.0)
"""Least and most seconds between two visitors."""

TYPING_S: Final = (1.5, 4.0)
NUDGE_AFTER_S: Final = 150.0

_log = structlog.get_logger("talk")

DEVICE: Final = "Chrome 146, Windows"
"""What a visitor's browser would call itself."""


async def talk(socket_url: str, inbox: str) -> None:
    """Visitors come and talk until cancelled."""
    seats = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as visitors:
        for dialogue in itertools.islice(itertools.cycle(DIALOGUES), MOST_PER_RUN):
            await seats.acquire()
            visitors.create_task(_visit(socket_url, inbox, dialogue, seats))
            await _pause(PAUSE_S)


async def until_told(socket_url: str, inbox: str) -> None:
    """`talk` until SIGTERM or SIGINT."""
    task = asyncio.create_task(talk(socket_url, inbox))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _visit(socket_url: str, inbox: str, dialogue: Dialogue, seats: asyncio.Semaphore) -> None:
    try:
        await _converse(socket_url, inbox, dialogue)
    except (OSError, TimeoutError, ValueError, RefusedError, SessionEndedError) as error:
        _log.warning("visitor.gave_up", error=str(error))
        await _pause(PAUSE_S)  # nobody hammers a node that refuses
    finally:
        seats.release()


async def _converse(socket_url: str, inbox: str, dialogue: Dialogue) -> None:
    http = socket_url.replace("ws", "http", 1).removesuffix("/ws")
    token, _ = await asyncio.to_thread(rest.become_visitor, http, inbox)
    heard: asyncio.Queue[str] = asyncio.Queue(maxsize=100)

    def listen(_conv: str, applied: Applied) -> None:
        kind, by = applied.event["type"], applied.event["by"]["kind"]
        if (kind == "conversation.resolved" or (kind == "message.added" and by == "agent")) and not heard.full():
            heard.put_nowait(kind)

    client = Client(
        [socket_url], token=token, page=dialogue.page, locale=dialogue.locale, client=DEVICE, seen=listen, waits=True
    )
    async with client.running():
        first, *more = dialogue.opening
        conv = str((await client.send(first))["conv"])
        await client.subscribe(conv)
        for line in more:
            await _say(client, conv, line)
        if dialogue.shows_parcel:
            await _show_parcel(client, conv, http, token)
        await _answer(client, conv, dialogue, heard)


async def _answer(client: Client, conv: str, dialogue: Dialogue, heard: asyncio.Queue[str]) -> None:
    """One line for each answer, one nudge if none comes, and the seat is kept until somebody resolves."""
    lines = iter(dialogue.answers)
    has_nudged = False
    while True:
        try:
            kind = await asyncio.wait_for(heard.get(), None if has_nudged else NUDGE_AFTER_S)
        except TimeoutError:
            has_nudged = True
            await _say(client, conv, dialogue.nudge)
            continue
        has_nudged = True
        kinds = {kind} | {heard.get_nowait() for _ in range(heard.qsize())}
        if "conversation.resolved" in kinds:
            return
        if line := next(lines, None):
            await _say(client, conv, line)


async def _say(client: Client, conv: str, line: str, **more: Any) -> None:
    await client.say({"t": "signal", "conv": conv, "kind": "typing"})
    await _pause(TYPING_S)
    await client.send(line, conv, **more)


async def _show_parcel(client: Client, conv: str, http: str, token: str) -> None:
    picture = await asyncio.to_thread(parcel)
    answer = await asyncio.to_thread(rest.upload, http, "parcel.png", picture, "image/png", token=token)
    if answer.status != HTTPStatus.CREATED:
        raise ValueError(f"the node refused the picture: {answer.body}")
    await _say(client, conv, "", kind="image", attachments=[answer.body["file"]])


async def _pause(bounds_s: tuple[float, float]) -> None:
    await asyncio.sleep(random.uniform(*bounds_s))  # noqa: S311  (people aren't punctual)


def parcel() -> bytes:
    """A PNG of a torn parcel on a table, 720 by 480 pixels."""
    image = Image.new("RGB", (720, 480), "#c9c4bb")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 300, 720, 480), fill="#8d7f70")
    draw.polygon([(150, 190), (430, 140), (600, 200), (320, 262)], fill="#d1a878")
    draw.polygon([(150, 190), (320, 262), (330, 420), (165, 335)], fill="#b98c5a")
    draw.polygon([(320, 262), (600, 200), (585, 345), (330, 420)], fill="#a87c4c")
    draw.polygon([(268, 169), (318, 160), (488, 225), (440, 236)], fill="#e4d8bd")
    draw.polygon([(440, 236), (488, 225), (484, 262), (462, 258), (446, 270)], fill="#d9cbab")
    tear = [(520, 222), (556, 244), (540, 262), (572, 286), (546, 304), (562, 330), (520, 318), (500, 280), (512, 250)]
    draw.polygon(tear, fill="#43301d")
    draw.line([*tear, tear[0]], fill="#dcb98d", width=3)
    for step in range(5):
        draw.line([(190 + 14 * step, 262 + 8 * step), (190 + 14 * step, 300 + 8 * step)], fill="#7d5c38", width=3)
    file = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.8)).save(file, "PNG", optimize=True)
    return file.getvalue()
