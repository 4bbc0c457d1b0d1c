"""Nothing that is written ends a client, and neither does a node that takes it and never answers."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.trunkline.test_client_sessions import CONV, WITHIN_S, End, node
from trunkline.client import Client, RefusedError
from trunkline.outbox import FAULTS_MOST


async def test_half_an_emoji_is_refused_and_the_next_message_goes() -> None:
    """It raised on each connection that it was written to, for ever."""

    async def play(end: End) -> None:
        await end.welcome()
        sent = await end.hear("send")
        await end.say(t="ok", id=sent["id"], seq=1, conv=CONV, at=1)
        await end.gone()

    async with asyncio.timeout(WITHIN_S), node(play) as url, Client([url]).running() as client:
        with pytest.raises(RefusedError) as refused:
            await client.send("half \ud83d")
        assert refused.value.code == "text.invalid"
        assert (await client.send("whole"))["seq"] == 1


@pytest.mark.parametrize("code", [4400, 4413, 4500])
async def test_a_frame_that_connections_are_closed_over_fails_alone(code: int) -> None:
    """Three closes, the last of them alone on its way; what was written beside it is stored."""
    heard: list[list[str]] = []

    async def play(end: End) -> None:
        await end.welcome()
        heard.append([])
        while True:
            frame = await end.hear("send")
            heard[-1].append(frame["text"])
            if frame["text"] == "bad":
                await end.close(code)
                return
            await end.say(t="ok", id=frame["id"], seq=1, conv=CONV, at=1)

    async with asyncio.timeout(WITHIN_S), node(play) as url, Client([url]).running() as client:
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(client.send(f"good {n}")) for n in range(3)]
            bad = group.create_task(_refusal(client, "bad"))
        assert bad.result() == f"socket.{code}"
        assert all(other.result()["seq"] == 1 for other in others)
        assert sum("bad" in texts for texts in heard) == FAULTS_MOST
        assert (await client.send("after"))["seq"] == 1


async def _refusal(client: Client, text: str) -> str:
    with pytest.raises(RefusedError) as refused:
        await client.send(text)
    return refused.value.code


async def test_what_the_log_cannot_store_now_waits_if_it_may() -> None:
    """`log.unavailable` is no verdict on the message."""
    tries = 0

    async def play(end: End) -> None:
        nonlocal tries
        await end.welcome()
        while True:
            frame = await end.hear("send")
            tries += 1
            if tries < 3:
                await end.say(t="err", of="send", id=frame["id"], code="log.unavailable", message="")
            else:
                await end.say(t="ok", id=frame["id"], seq=1, conv=CONV, at=1)

    async with asyncio.timeout(WITHIN_S), node(play) as url:
        async with Client([url], waits=True).running() as client:
            assert (await client.send("patient"))["seq"] == 1
        tries = 0
        async with Client([url]).running() as client:
            assert await _refusal(client, "told") == "log.unavailable"


async def test_a_node_that_freezes_under_a_message_is_left_for_the_next_address() -> None:
    """Without a closing handshake, which it would never answer."""

    async def freeze(end: End) -> None:
        await end.welcome()
        await end.gone()

    async def serve(end: End) -> None:
        await end.welcome()
        sent = await end.hear("send")
        await end.say(t="ok", id=sent["id"], seq=1, conv=CONV, at=1)
        await end.gone()

    async with asyncio.timeout(WITHIN_S), node(freeze) as frozen, node(serve) as well:
        client = Client([frozen, well])
        async with client.running(), asyncio.timeout(5):
            assert (await client.send("x"))["seq"] == 1


async def test_a_conversation_that_another_device_opened_is_followed() -> None:
    """`opened` is answered by a `sub`."""
    asked = asyncio.Event()

    async def play(end: End) -> None:
        await end.welcome()
        await end.say(t="opened", conv=CONV)
        assert (await end.hear("sub"))["conv"] == CONV
        asked.set()
        await end.gone()

    async with asyncio.timeout(WITHIN_S), node(play) as url, Client([url]).running():
        await asked.wait()
