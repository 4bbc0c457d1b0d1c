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
from typing import Any, Final, NamedTuple, cast

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from backbone.ids import new_event_id
from backbone.watermark import HELD_AT_MOST, Held, Step, Watermark, on_event, on_replay

SUBPROTOCOL: Final = Subprotocol("trunkline.v1")
PONG_WITHIN_S: Final = 8.0
BACKOFF_LEAST_S: Final = 0.2
BACKOFF_MOST_S: Final = 20.0
FINAL_CLOSES: Final = frozenset({4401, 4403, 4409, 4426})
"""Close codes after which coming back as the same person is of no use."""


Frame = dict[str, Any]
"""One frame as it crosses the wire: the client trusts nothing of the node's code, not even its types."""


class RefusedError(Exception):
    """The node said no: `code` is stable, `field` names the input at fault."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"{frame['code']}: {frame.get('message', '')}")
        self.code: str = frame["code"]
        self.field: str = frame.get("field", "")
        self.decided: Frame | None = frame.get("decided")


class SessionEndedError(Exception):
    """The session is over for good; `close_code` says why."""

    def __init__(self, close_code: int) -> None:
        super().__init__(f"closed with {close_code}")
        self.close_code = close_code


class Applied(NamedTuple):
    """One event as this client applied it."""

    epoch: int
    seq: int
    prev: int
    event: dict[str, Any]


class Conversation:
    """What this client knows of one conversation: a watermark, the events behind it, and what it holds back."""

    def __init__(self) -> None:
        self.mark: Watermark | None = None
        self.events: list[Applied] = []
        self.held = Held({})
        self.is_replaying = True
        self.has_overflowed = False

    def apply(self, seq: int, prev: int, event: dict[str, Any] | None) -> bool:
        """Take one live event (None: hidden from us). False says that something before it is missing."""
        told = None if event is None else (prev, event)
        if self.is_replaying or self.mark is None:
            if len(self.held.events) < HELD_AT_MOST:
                self.held.events[seq] = (prev, told)
            else:
                self.has_overflowed = True
            return True
        return self._take(on_event(self.mark, self.held, seq, prev, told))

    def replayed(self, frame: Frame) -> bool:
        """Take an `evs`. False says that there is more, or a gap: ask again from the watermark."""
        page: list[tuple[int, object]] = [(seq, (prev, event)) for seq, prev, event in frame["events"]]
        if not self.is_replaying and self.mark is not None:
            # The answer to a `sub` that was answered already: a page from before shows nothing again.
            page = [(seq, told) for seq, told in page if seq > self.mark.seq]
        is_whole = self._take(on_replay(self.mark, self.held, frame["epoch"], page, frame["upto"]))
        has_overflowed, self.has_overflowed = self.has_overflowed, False
        if frame["more"] or has_overflowed:
            return False
        self.is_replaying = False
        return is_whole

    def forget(self) -> None:
        """After `resync`: nothing known is of this log."""
        self.mark = None
        self.events.clear()
        self.held.events.clear()
        self.is_replaying = True
        self.has_overflowed = False

    def _take(self, step: Step) -> bool:
        self.mark = step.mark
        for seq, told in step.apply:
            prev, event = cast("tuple[int, dict[str, Any]]", told)
            self.events.append(Applied(step.mark.epoch, seq, prev, event))
        return step.verdict != "gap"


class Unanswered(NamedTuple):
    """A frame that waits for its answer, and the connection it was last written to."""

    frame: Frame
    answer: asyncio.Future[Frame]
    connection: int


class Client:
    """One person's session. Make it, enter `async with client.running():`, then `send`, `act`, `subscribe`.

    `urls` are the nodes' WebSocket addresses, tried in turn. A visitor gives `token`, an agent `cookie`.
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
        self._socket: ClientConnection | None = None
        self._outbox: dict[str, Unanswered] = {}
        self._caught_up: dict[str, asyncio.Event] = {}
        self._retries: set[asyncio.Task[None]] = set()
        self._sent_at = 0.0
        self._heard_at = 0.0

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

    async def presence(self, state: str, capacity: int = 0) -> Frame:
        """What an agent is from now on."""
        return await self.post({"t": "presence", "state": state, "capacity": capacity})

    async def post(self, frame: Frame) -> Frame:
        """Send a frame that has an answer, again and again with its id until the answer comes."""
        if self.close_code in FINAL_CLOSES:
            raise SessionEndedError(self.close_code)
        frame = {"id": new_event_id(), **frame}
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
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(msgspec.json.encode(frame).decode())

    # --- the session --------------------------------------------------------------------------

    async def _run(self) -> None:
        attempt = 0
        while True:
            url = self.urls[self.connects % len(self.urls)]
            self.connects += 1
            delay_s = random.uniform(BACKOFF_LEAST_S, min(BACKOFF_MOST_S, 0.5 * 2**attempt))  # noqa: S311  (jitter)
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
        welcome = msgspec.json.decode(await asyncio.wait_for(socket.recv(), 10))
        if welcome["t"] == "drain":
            await asyncio.sleep(random.uniform(0, welcome["in_ms"] / 1000))  # noqa: S311  (spread)
            return
        if welcome["t"] != "welcome":
            raise SessionEndedError(0)
        self.welcome = welcome
        self.token = welcome.get("token") or self.token
        self._socket = socket
        self.live.set()
        await self._resume()
        heartbeat = asyncio.create_task(self._beat(socket, welcome["heartbeat_s"]))
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as moving:
                while True:
                    frame = msgspec.json.decode(await socket.recv())
                    self._heard_at = loop.time()
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
        """Ping when we have sent nothing for a while; a node that says nothing back is gone."""
        loop = asyncio.get_running_loop()
        self._sent_at = loop.time()
        while True:
            await asyncio.sleep(max(0.0, self._sent_at + every_s - loop.time()))
            if loop.time() < self._sent_at + every_s:
                continue
            asked_at = loop.time()
            await self.say({"t": "ping", "n": 1})
            await asyncio.sleep(PONG_WITHIN_S)
            if self._heard_at < asked_at:
                await socket.close(1001)
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
        if not each.answer.done() and each.connection != self.connects:
            self._outbox[each.frame["id"]] = each._replace(connection=self.connects)
            await self.say(each.frame)

    def _ended(self) -> SessionEndedError:
        ended = SessionEndedError(self.close_code)
        for each in self._outbox.values():
            if not each.answer.done():
                each.answer.set_exception(ended)
        return ended

    async def _ask(self, conv: str) -> None:
        if conv in self.conversations:
            await self.say({"t": "sub", "conv": conv, "after": self.conversations[conv].mark})

    async def _take(self, frame: Frame) -> None:
        if self._pushed is not None:
            self._pushed(frame)
        match frame["t"]:
            case "ok":
                self._answer(frame["id"], frame)
            case "err":
                await self._refused(frame)
            case "ev" | "skip" | "evs" | "resync":
                await self._events(frame)
            case "heads":
                self._rows(frame)

    def _answer(self, frame_id: str, answer: Frame) -> None:
        entry = self._outbox.get(frame_id)
        if entry is not None and not entry.answer.done():
            entry.answer.set_result(answer)

    async def _refused(self, frame: Frame) -> None:
        entry = self._outbox.get(frame.get("id", ""))
        if entry is None:
            await self._sub_refused(frame)
        elif entry.answer.done():
            return
        elif frame.get("retry_after_ms"):
            self._later(self.say(entry.frame), frame["retry_after_ms"])
        else:
            entry.answer.set_exception(RefusedError(frame))

    async def _sub_refused(self, frame: Frame) -> None:
        """A `sub` that can't be answered now is asked again; one that never can be holds nothing up."""
        conv = frame.get("conv", "")
        known = self.conversations.get(conv)
        if frame.get("id") or known is None or not known.is_replaying:
            return
        if frame.get("retry_after_ms"):
            self._later(self._ask(conv), frame["retry_after_ms"])
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
            self._answer(applied.event["id"], {"t": "ok", "id": applied.event["id"], "seq": applied.seq, "conv": conv})
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
