"""A client of the wire protocol `trunkline.v1`: one person's session, moved to another node when one goes.

Follows the rules of docs/protocol.md: applies an event only behind the one before it, asks again from its
watermark at a gap, and sends again with the same id until the log has acknowledged. Used by the talking
visitor of `trunkline up --demo`, by the tests and by the benchmarks.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from backbone.ids import new_event_id
from trunkline.following import Applied, Conversation, Frame
from trunkline.outbox import FAULTY_CLOSES, PASSING, Outbox, RefusedError, SessionEndedError, Unanswered

__all__ = ["PASSING", "Applied", "Client", "Frame", "RefusedError", "SessionEndedError"]

SUBPROTOCOL: Final = Subprotocol("trunkline.v1")
LOOK_S: Final = 0.25
ASK_AFTER_S: Final = 1.25
"""After a frame of ours a node that has said nothing for so long is asked whether it is there."""

PONG_WITHIN_S: Final = 2.0
WELCOME_WITHIN_S: Final = 5.0
BACKOFF_LEAST_S: Final = 0.2
BACKOFF_MOST_S: Final = 20.0
FINAL_CLOSES: Final = frozenset({4401, 4403, 4409, 4426})
"""Close codes after which coming back as the same person is of no use."""

AGAIN_MS: Final = 500
AGAIN_MS_MOST: Final = 10_000


class Client:
    """One person's session. Make it, enter `async with client.running():`, then `send`, `act`, `subscribe`.

    `urls` are the nodes' WebSocket addresses, tried in turn. A visitor gives `token`, an agent `cookie`.
    `waits`: what the log can't store now (`log.unavailable`, `log.full`) is kept and sent again, in place of raising.
    `seen` is called with (conversation, applied event) after each event, and `pushed` with every frame.
    """

    def __init__(
        self,
        urls: list[str],
        *,
        token: str = "",
        cookie: str = "",
        page: str = "",
        locale: str = "en",
        client: str = "python",
        waits: bool = False,
        seen: Callable[[str, Applied], None] | None = None,
        pushed: Callable[[Frame], None] | None = None,
    ) -> None:
        self.urls = urls
        self.token = token
        self.cookie = cookie
        self.conversations: dict[str, Conversation] = {}
        self.welcome: Frame = {}
        self.heads: dict[str, Frame] = {}
        self.view = ""
        self.connects = 0
        self.live = asyncio.Event()
        self.close_code = 0
        self._hello = {"t": "hello", "client": client, "locale": locale, "page": page}
        self._seen = seen
        self._pushed = pushed
        self._waits = waits
        self._socket: ClientConnection | None = None
        self._outbox = Outbox()
        self._caught_up: dict[str, asyncio.Event] = {}
        self._retries: set[asyncio.Task[None]] = set()
        self._sent_at = 0.0
        self._heard_at = 0.0
        self._unheard_at = 0.0

    # --- what a person does -------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def running(self, *, welcome_within_s: float = 20.0) -> AsyncIterator[Client]:
        """Connected, and reconnected as often as needed, until left."""
        task = asyncio.create_task(self._run())
        welcomed = asyncio.create_task(self.live.wait())
        try:
            await asyncio.wait({task, welcomed}, timeout=welcome_within_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
            if not self.live.is_set():
                raise TimeoutError(f"no welcome within {welcome_within_s} s from {self.urls}")
            yield self
        finally:
            for each in (task, welcomed, *self._retries):
                each.cancel()
            with contextlib.suppress(asyncio.CancelledError, SessionEndedError):
                await task

    async def send(self, text: str, conv: str | None = None, **more: Any) -> Frame:
        """A message; returns the `ok`. Goes on over lost sockets with the same id. Raises RefusedError."""
        return await self.post({"t": "send", "conv": conv, "kind": "text", "text": text, **more})

    async def act(self, conv: str, do: str, **args: Any) -> Frame:
        """Something an agent does to a conversation. Raises RefusedError, `decided` says who was first."""
        return await self.post({"t": "act", "conv": conv, "do": do, "args": args})

    async def change(self, conv: str, message: str, text: str | None) -> Frame:
        """A message of one's own gets another text, or is withdrawn. Raises RefusedError."""
        if text is None:
            return await self.post({"t": "recall", "conv": conv, "target": message})
        return await self.post({"t": "edit", "conv": conv, "target": message, "text": text})

    async def presence(self, state: str, capacity: int = 0) -> Frame:
        """What an agent is from now on."""
        return await self.post({"t": "presence", "state": state, "capacity": capacity})

    async def post(self, frame: Frame) -> Frame:
        """Send a frame that has an answer, again and again with its id until the answer comes."""
        if self.close_code in FINAL_CLOSES:
            raise SessionEndedError(self.close_code)
        frame = {"id": new_event_id(), **frame}
        try:
            msgspec.json.encode(frame)
        except UnicodeEncodeError as wrong:
            # Kept unsent, it would end each connection that it is written to.
            refusal = {"code": "text.invalid", "message": f"not Unicode text: {wrong.reason}", "field": "text"}
            raise RefusedError(refusal) from None
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        # Without a socket it goes out on none: `connects` may count an attempt that is under way.
        self._outbox[frame["id"]] = Unanswered(frame, answer, self.connects if self._socket else 0)
        await self.say(frame)
        try:
            return await answer
        finally:
            self._outbox.pop(frame["id"], None)

    async def subscribe(self, conv: str, within_s: float = 20.0) -> Conversation:
        """Everything of a conversation, now and from now on; returns once it is caught up."""
        caught_up = self._caught_up.setdefault(conv, asyncio.Event())
        if conv not in self.conversations:
            self.conversations[conv] = Conversation()
            await self._ask(conv)
        await asyncio.wait_for(caught_up.wait(), within_s)
        return self.conversations[conv]

    async def unsubscribe(self, conv: str) -> None:
        """No more of a conversation; what was known of it is forgotten."""
        if self.conversations.pop(conv, None) is not None:
            self._caught_up.pop(conv, None)
            await self.say({"t": "unsub", "conv": conv})

    async def watch(self, view: str, limit: int = 200) -> None:
        """Keep `heads` as the rows of a view."""
        self.view = view
        await self.say({"t": "watch", "view": view, "limit": limit})

    async def say(self, frame: Frame) -> None:
        """Write one frame if a socket is open; what has an answer is written again after a reconnect."""
        if self._socket is not None:
            self._sent_at = asyncio.get_running_loop().time()
            self._unheard_at = self._unheard_at or self._sent_at
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(msgspec.json.encode(frame).decode())

    # --- the session --------------------------------------------------------------------------

    async def _run(self) -> None:
        attempt = 0
        while True:
            url = self.urls[self.connects % len(self.urls)]
            self.connects += 1
            # At once to the next address, then ever later.
            least_s, most_s = (BACKOFF_LEAST_S, min(BACKOFF_MOST_S, 0.5 * 2**attempt)) if attempt else (0.0, 0.2)
            delay_s = random.uniform(least_s, most_s)  # noqa: S311  (jitter)
            try:
                async with connect(
                    url,
                    subprotocols=[SUBPROTOCOL],
                    origin=Origin(url.replace("ws", "http", 1).removesuffix("/ws")),
                    additional_headers={"Cookie": self.cookie} if self.cookie else None,
                    compression=None,
                    ping_interval=None,
                    open_timeout=5,
                    close_timeout=1,
                    max_size=2**22,
                ) as socket:
                    await self._converse(socket)
                    attempt, delay_s = 0, 0.0
            except ConnectionClosed as closed:
                self.close_code = closed.rcvd.code if closed.rcvd else 1006
                if self.close_code in FINAL_CLOSES:
                    raise self._ended() from None
                if self.close_code in FAULTY_CLOSES:
                    self._outbox.accuse(self.connects, self.close_code)
                attempt = 1 if self.live.is_set() else attempt + 1
            except (OSError, TimeoutError, InvalidHandshake):
                attempt += 1
            finally:
                self.live.clear()
                self._socket = None
            await asyncio.sleep(delay_s)

    async def _converse(self, socket: ClientConnection) -> None:
        """One socket's life. Returns when it is our moment to move: within the spread that the node told of."""
        await socket.send(msgspec.json.encode({**self._hello, "token": self.token}).decode())
        welcome = msgspec.json.decode(await asyncio.wait_for(socket.recv(), WELCOME_WITHIN_S))
        if welcome["t"] == "drain":
            await asyncio.sleep(random.uniform(0, welcome["in_ms"] / 1000))  # noqa: S311  (spread)
            return
        if welcome["t"] != "welcome":
            raise SessionEndedError(0)
        self.welcome = welcome
        self.token = welcome.get("token") or self.token
        self._unheard_at = 0.0
        self._socket = socket
        self.live.set()
        await self._resume()
        heartbeat = asyncio.create_task(self._beat(socket, welcome["heartbeat_s"]))
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as moving:
                while True:
                    frame = msgspec.json.decode(await socket.recv())
                    self._heard_at, self._unheard_at = loop.time(), 0.0
                    if frame["t"] == "drain":
                        # Until then the node serves us as before.
                        moving.reschedule(loop.time() + random.uniform(0, frame["in_ms"] / 1000))  # noqa: S311  (spread)
                    await self._take(frame)
        except TimeoutError:
            if not moving.expired():
                raise
        finally:
            heartbeat.cancel()

    async def _beat(self, socket: ClientConnection, every_s: float) -> None:
        """Ping when we have sent nothing for a while, and when nothing comes back to what we sent: a node that is
        frozen answers no ping either, and is left for the next address.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            now = loop.time()
            # What came after a frame may have been written before it was read: an answer is what counts.
            waits_since = self._unheard_at or (self._heard_at if self._outbox.on_its_way(self.connects) else now)
            is_unheard = now - waits_since >= ASK_AFTER_S
            if not is_unheard and now - self._sent_at < every_s:
                continue
            asked_at = loop.time()
            await self.say({"t": "ping", "n": 1})
            await asyncio.sleep(PONG_WITHIN_S)
            if self._heard_at < asked_at:
                # No closing handshake: nobody would answer it.
                socket.transport.abort()
                return

    async def _resume(self) -> None:
        """Subscribe from the watermarks first; what the replay doesn't show is sent again afterwards."""
        if self.view:
            await self.watch(self.view)
        for conv, known in list(self.conversations.items()):
            known.is_replaying = True
            await self._ask(conv)
        for each in list(self._outbox.values()):
            if each.frame.get("conv") not in self.conversations:
                await self._send_again(each)

    async def _send_again(self, each: Unanswered) -> None:
        if each.faults and any(one.faults and one is not each for one in self._outbox.on_its_way(self.connects)):
            # One at a time, so that the next close tells which one is bad; it is sent when that one is answered.
            return
        if not each.answer.done() and each.connection != self.connects:
            self._outbox[each.frame["id"]] = each._replace(connection=self.connects)
            await self.say(each.frame)

    async def _send_suspects(self) -> None:
        for each in [one for one in self._outbox.values() if one.faults]:
            await self._send_again(each)

    def _ended(self) -> SessionEndedError:
        ended = SessionEndedError(self.close_code)
        self._outbox.end(ended)
        return ended

    async def _ask(self, conv: str) -> None:
        if conv in self.conversations:
            await self.say({"t": "sub", "conv": conv, "after": self.conversations[conv].mark})

    async def _take(self, frame: Frame) -> None:
        if self._pushed is not None:
            self._pushed(frame)
        match frame["t"]:
            case "ok":
                self._outbox.answer(frame["id"], frame)
                await self._send_suspects()
            case "err":
                await self._refused(frame)
                await self._send_suspects()
            case "opened" if frame["conv"] not in self.conversations:
                self.conversations[frame["conv"]] = Conversation()
                await self._ask(frame["conv"])
            case "ev" | "skip" | "evs" | "resync":
                await self._events(frame)
            case "heads":
                self._rows(frame)

    async def _refused(self, frame: Frame) -> None:
        entry = self._outbox.get(frame.get("id", ""))
        if entry is None:
            await self._sub_refused(frame)
        elif entry.answer.done():
            return
        elif frame.get("retry_after_ms") or (self._waits and PASSING.match(frame["code"])):
            self._outbox[frame["id"]] = entry._replace(refusals=entry.refusals + 1, faults=0)
            again_ms = min(AGAIN_MS_MOST, AGAIN_MS * 2 ** min(entry.refusals, 5))
            self._later(self.say(entry.frame), frame.get("retry_after_ms") or again_ms)
        else:
            entry.answer.set_exception(RefusedError(frame))

    async def _sub_refused(self, frame: Frame) -> None:
        """A `sub` that can't be answered now is asked again; one that never can be holds nothing up."""
        conv = frame.get("conv", "")
        known = self.conversations.get(conv)
        if frame.get("id") or known is None or not known.is_replaying or frame.get("of", "sub") != "sub":
            return
        if frame.get("retry_after_ms") or PASSING.match(frame["code"]):
            self._later(self._ask(conv), frame.get("retry_after_ms") or AGAIN_MS)
        else:
            for each in [e for e in self._outbox.values() if e.frame.get("conv") == conv]:
                await self._send_again(each)

    def _later(self, work: Coroutine[Any, Any, None], delay_ms: int) -> None:
        async def later() -> None:
            try:
                await asyncio.sleep(delay_ms / 1000 * random.uniform(1, 1.5))  # noqa: S311  (jitter)
                await work
            finally:
                work.close()

        task = asyncio.create_task(later())
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)

    async def _events(self, frame: Frame) -> None:
        conv = frame["conv"]
        known = self.conversations.get(conv)
        if known is None or frame.get("history"):
            return
        before = len(known.events)
        match frame["t"]:
            case "resync":
                known.forget()
                before, complete = 0, False
            case "evs":
                complete = known.replayed(frame)
            case _:
                complete = known.apply(frame["seq"], frame["prev"], frame.get("event"))
        for applied in known.events[before:]:
            self._outbox.answer(
                applied.event["id"], {"t": "ok", "id": applied.event["id"], "seq": applied.seq, "conv": conv}
            )
            if self._seen is not None:
                self._seen(conv, applied)
        if not complete and not (known.is_replaying and frame["t"] in {"ev", "skip"}):
            known.is_replaying = True
            await self._ask(conv)
        elif frame["t"] == "evs" and complete:
            self._caught_up.setdefault(conv, asyncio.Event()).set()
            for each in list(self._outbox.values()):
                if each.frame.get("conv") == conv:
                    await self._send_again(each)

    def _rows(self, frame: Frame) -> None:
        if frame["reset"]:
            self.heads.clear()
        for row in frame["rows"]:
            self.heads[row["conv"]] = row
        for gone in frame["gone"]:
            self.heads.pop(gone, None)
