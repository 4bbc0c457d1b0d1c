"""A client against a node's end of the socket: what is asked while a connection comes and goes is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve

from trunkline.client import SUBPROTOCOL, Client

WITHIN_S = 30.0
CONV = "00aaaaaaaaaaaaaaaaaaaaaaaaaa"
WELCOME = {"t": "welcome", "session": "s", "me": {}, "time": 0, "heartbeat_s": 20, "limits": {}}

Ending = Callable[["End"], Awaitable[None]]


class End:
    """The node's end of one socket, and the number of the connection."""

    def __init__(self, socket: ServerConnection, number: int) -> None:
        self._socket = socket
        self.number = number

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next frame, which must be of this kind."""
        frame: dict[str, Any] = msgspec.json.decode(await self._socket.recv())
        assert frame["t"] == kind, frame
        return frame

    async def say(self, **frame: Any) -> None:
        """A frame to the client."""
        await self._socket.send(msgspec.json.encode(frame).decode())

    async def close(self, code: int) -> None:
        """Ends the connection with a code."""
        await self._socket.close(code)

    async def gone(self) -> None:
        """Returns when the client has left."""
        await self._socket.wait_closed()

    async def welcome(self) -> None:
        """Hello, welcome."""
        await self.hear("hello")
        await self.say(**WELCOME)


@contextlib.asynccontextmanager
async def node(play: Ending, *, accepts: Callable[[int], Awaitable[None]] | None = None) -> AsyncIterator[str]:
    """A node that plays a script on each connection, and the address of its socket."""
    count = 0

    async def accept(_connection: ServerConnection, _request: object) -> None:
        nonlocal count
        count += 1
        if accepts is not None:
            await accepts(count)

    async def handle(socket: ServerConnection) -> None:
        await play(End(socket, count))

    async with serve(handle, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], process_request=accept) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


async def test_what_is_posted_while_a_connection_is_being_made_goes_out_on_it() -> None:
    may_end, is_dialling, may_stand = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def accepts(number: int) -> None:
        if number == 2:
            is_dialling.set()
            await may_stand.wait()

    async def play(end: End) -> None:
        await end.welcome()
        if end.number == 1:
            await may_end.wait()
        else:
            posted = await end.hear("send")
            await end.say(t="ok", id=posted["id"], seq=1, conv=CONV)
            await end.hear("ping")

    async with node(play, accepts=accepts) as url, Client([url], token="t").running() as client:
        may_end.set()
        await asyncio.wait_for(is_dialling.wait(), WITHIN_S)
        posting = asyncio.create_task(client.send("hello"))
        await asyncio.sleep(0)
        may_stand.set()
        assert (await asyncio.wait_for(posting, WITHIN_S))["seq"] == 1


async def test_told_to_drain_before_its_welcome_it_comes_again() -> None:
    async def play(end: End) -> None:
        if end.number == 1:
            await end.hear("hello")
            await end.say(t="drain", in_ms=10)
            return
        await end.welcome()
        await end.hear("ping")

    async with node(play) as url, Client([url], token="t").running(welcome_within_s=WITHIN_S) as client:
        assert client.connects == 2


async def test_a_sub_that_is_refused_for_now_is_asked_again() -> None:
    async def play(end: End) -> None:
        await end.welcome()
        await end.hear("sub")
        await end.say(t="err", code="log.unavailable", message="", conv=CONV, retry_after_ms=10)
        await end.hear("sub")
        await end.say(t="evs", conv=CONV, epoch=1, events=[[5, 0, {"id": "e"}]], upto=5, more=False)
        await end.hear("ping")

    async with node(play) as url, Client([url], token="t").running() as client:
        known = await client.subscribe(CONV, WITHIN_S)
        assert [applied.seq for applied in known.events] == [5]


async def test_what_waits_for_a_conversation_that_is_no_more_is_refused_and_not_forgotten() -> None:
    is_posted = asyncio.Event()

    async def play(end: End) -> None:
        await end.welcome()
        await end.hear("sub")
        if end.number == 1:
            await end.say(t="evs", conv=CONV, epoch=1, events=[], upto=0, more=False)
            await end.hear("send")
            is_posted.set()
            return
        await end.say(t="err", code="resource.not_found", message="", conv=CONV)
        posted = await end.hear("send")
        await end.say(t="err", id=posted["id"], code="resource.not_found", message="")
        await end.hear("ping")

    async with node(play) as url, Client([url], token="t").running() as client:
        await client.subscribe(CONV, WITHIN_S)
        results = await asyncio.wait_for(asyncio.gather(client.send("hi", CONV), return_exceptions=True), WITHIN_S)
        assert is_posted.is_set()
        assert str(results[0]).startswith("resource.not_found")
