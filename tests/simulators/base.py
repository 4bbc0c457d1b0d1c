"""What every simulator of a platform is made of: a clock, scripted faults, what was accepted, what the customer sees,
callbacks delivered as the platform does, and a page on which a person plays the customer.

A simulator is a subclass: it has `routes()` for the platform's API, `say()` for what a customer does, and
`account()` for the settings of an account that fits. It runs in the loop of a test or by itself
(`trunkline dev simulate NAME`).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from backbone.serving import http
from backbone.serving.bounds import Bounds, Door
from tests.simulators.telling import Telling

PAGE = Path(__file__).with_name("page.html")


class Clock:
    """Unix seconds that a test may move."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        """The time here."""
        return time.time() + self.ahead_s

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        self.ahead_s += seconds


class Accepted(Struct, kw_only=True):
    """A message of ours that the platform took. `sha256` of the file, if one came with it."""

    id: str
    peer: str
    kind: str
    text: str = ""
    sha256: str = ""
    key: str = ""
    at: float = 0
    more: dict[str, Any] = {}


class Line(Struct, kw_only=True):
    """A line of a conversation as the customer sees it."""

    mine: bool
    kind: str
    text: str
    at: float


class Push(Struct, kw_only=True):
    """A callback of the platform: delivered to `Simulator.hook` by `deliver`."""

    request: Request
    id: str = ""


class Fault(Struct, kw_only=True):
    """A scripted fault; `after_s` where it names a time."""

    name: str
    after_s: float | None = None
    seconds: float = 30.0


FAULTS = frozenset(
    {
        "limited",  # 429 or the platform's own, with `after_s` where the platform says one
        "busy",  # the platform's own "try again"
        "500",
        "html502",  # a proxy's page in the platform's place
        "reset",  # the connection breaks before anything is accepted
        "empty",  # 200 without a body
        "slow",  # answers after `seconds` or `hurry()`, accepted
        "lost",  # accepted, and the connection breaks before the answer
        "token",  # the token is no longer good
        "refused",  # the credentials are wrong, until `repair()`
        "window",  # the customer must write first
        "rejected",  # this message will never be taken
        "media_gone",  # the uploaded file's id is no longer known
    }
)
"""Names that every simulator takes where its platform has the like; `excused` lists those it hasn't."""


class Simulator(Telling):
    """One platform with any number of customers of one account."""

    name: ClassVar[str]
    excused: ClassVar[frozenset[str]] = frozenset()
    tries: ClassVar[int] = 3
    """How often a callback is delivered that isn't answered with 2xx in `answer_s`."""

    answer_s: ClassVar[float] = 5.0
    rings: ClassVar[bool] = False
    """Whether a callback says only that there is something, which must then be fetched."""

    waits_long: ClassVar[frozenset[str]] = frozenset()
    """Faults after which minutes pass by the platform's own rule: tests of its client have them, cases don't wait."""

    is_fetched: ClassVar[bool] = False
    """Whether there are no callbacks: all that customers say is fetched."""

    takes_addresses: ClassVar[bool] = False
    """Whether a file of ours comes to it as an address, from which it is fetched."""

    tells_when: ClassVar[bool] = True
    """Whether a refusal for too many calls says when the next may come."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.base = ""
        """Address of this simulator once it runs."""

        self.hook = ""
        """Where callbacks go: `http://<node>/hooks/<channel>/<inbox>`."""

        self.accepted: list[Accepted] = []
        self.withdrawn: list[str] = []
        """Ids of messages of ours that the platform withdrew."""

        self.changed: list[str] = []
        """What messages of ours were changed to."""

        self.calls = 0
        """Calls that tried to send, whatever became of them."""

        self.met: Counter[str] = Counter()
        """How many calls met each fault."""

        self.delivered: list[tuple[str, int]] = []
        """(id of the push, status it was answered with; 0 for no answer), in order."""

        self.customers: dict[str, list[Line]] = {}
        self.tells_first: tuple[str, ...] = ()
        """States that are told of each message before the call that sends it is answered."""

        self.keeps_back = 0
        """How many calls for files of customers are still answered by "not now"."""

        self._ahead: list[Push] = []
        self._script: deque[Fault] = deque()
        self._hurried = asyncio.Event()
        self._dice: tuple[random.Random, float, Sequence[Fault]] | None = None
        self._ids = itertools.count(1)
        self._deliveries: set[asyncio.Task[int]] = set()
        self._http: aiohttp.ClientSession | None = None

    # --- what a simulator is made of -------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """The platform's API."""
        raise NotImplementedError

    def account(self) -> dict[str, Any]:
        """Settings of an account, as JSON values: `Account` of the channel, with its address set to `base`."""
        raise NotImplementedError

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """The customer says something (or sends a file: `content`). Returns the callbacks, which aren't delivered yet.

        A platform without callbacks returns none and keeps it to be fetched. Subclasses call `_said`.
        """
        raise NotImplementedError

    def handshakes(self) -> list[tuple[Request, int, bytes]]:
        """Requests of the platform's address check, right and wrong: with the status and body that must come."""
        return []

    def forged(self, push: Push) -> list[Request]:
        """The same callback with one bit of its signature changed, without it, and by another account's secret."""
        raise NotImplementedError

    def malformed(self) -> list[Request]:
        """Callbacks that are signed well and can't be understood: cut, wrong types, deep, NUL, XML bomb."""
        return []

    def unknown(self, peer: str) -> list[Push]:
        """Callbacks of a kind that this version doesn't know: answered 2xx, kept raw."""
        del peer
        return []

    # --- faults ----------------------------------------------------------------------------

    def script(self, name: str, n: int = 1, *, after_s: float | None = None, seconds: float = 30.0) -> None:
        """The next `n` calls that would send meet this fault."""
        assert name in FAULTS, name
        assert name not in self.excused, f"{self.name} has no {name}"
        self._script.extend([Fault(name=name, after_s=after_s, seconds=seconds)] * n)

    def script_at_random(self, seed: int, share: float, faults: Sequence[Fault]) -> None:
        """From now on this share of the calls that would send meets one of `faults`, until `repair`."""
        self._dice = (random.Random(seed), share, faults)

    def repair(self) -> None:
        """Credentials are good again; what was scripted is forgotten."""
        self._script.clear()
        self._dice = None

    def next_fault(self) -> Fault | None:
        """For a handler that sends: what this call meets. `refused` stays until `repair`."""
        self.calls += 1
        fault = self._drawn()
        if fault is not None:
            self.met[fault.name] += 1
        return fault

    def _drawn(self) -> Fault | None:
        if self._script:
            return self._script[0] if self._script[0].name == "refused" else self._script.popleft()
        if self._dice is not None and self._dice[0].random() < self._dice[1]:
            return self._dice[0].choice(self._dice[2])
        return None

    def is_kept_back(self) -> bool:
        """For a handler that gives a customer's file: whether this call is answered by "not now"."""
        if not self.keeps_back:
            return False
        self.keeps_back -= 1
        return True

    async def take_time(self, fault: Fault) -> None:
        """For a handler that meets `slow`: returns after the fault's time, or once `hurry` is called."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.seconds):
                await self._hurried.wait()

    def hurry(self) -> None:
        """Calls that take their time are answered now."""
        self._hurried.set()

    def common_fault(self, fault: Fault | None) -> Response | None:
        """The answer to faults that are alike everywhere (500, html502, reset, empty); None for the others."""
        if fault is None:
            return None
        if fault.name == "500":
            return JSONResponse({"error": "internal"}, status_code=500)
        if fault.name == "html502":
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status_code=502)
        if fault.name == "empty":
            return Response(b"", status_code=200)
        if fault.name == "reset":
            return Reset()
        return None

    # --- records ---------------------------------------------------------------------------

    def new_id(self) -> int:
        """Ascending numbers for the platform's ids."""
        return next(self._ids)

    def customer_sees(self, peer: str) -> list[Line]:
        """The conversation as the customer has it on the screen."""
        return self.customers.get(peer, [])

    def _said(self, peer: str, kind: str, text: str) -> None:
        self._line(peer, Line(mine=True, kind=kind, text=text, at=self.clock.now()))

    def _accept(self, one: Accepted) -> None:
        one.at = self.clock.now()
        self.accepted.append(one)
        self._line(one.peer, Line(mine=False, kind=one.kind, text=one.text, at=one.at))
        if self.tells_first:
            self._ahead += self.receipts(one, *self.tells_first)

    def _line(self, peer: str, line: Line) -> None:
        self.customers.setdefault(peer, []).append(line)

    # --- callbacks -------------------------------------------------------------------------

    def deliver_soon(self, push: Push) -> None:
        """Delivers in the background, as the platform does."""
        task = asyncio.create_task(self.deliver(push))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def deliver(self, push: Push, tries: int | None = None) -> int:
        """Posts a callback, again until it is answered with 2xx or the tries are used up; the last status."""
        status = 0
        for attempt in range(tries or self.tries):
            if attempt:
                await asyncio.sleep(0.2)
            status = (await self.post(push.request)).status
            self.delivered.append((push.id, status))
            if 200 <= status < 300:
                break
        return status

    async def post(self, request: Request, hook: str = "") -> Answered:
        """Sends one request to the hook; status 0 where no answer came in time."""
        if self._http is None:
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200))
        try:
            async with self._http.request(
                request.method,
                (hook or self.hook) + request.path,
                params=request.query,
                headers=request.headers,
                data=io.BytesIO(request.body) if request.body else None,
                timeout=aiohttp.ClientTimeout(total=self.answer_s),
            ) as answer:
                return Answered(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            return Answered(0, b"")

    # --- running ---------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Simulator]:
        """Serves the API and the page on loopback for as long as the block lasts."""
        app = Starlette(
            routes=[
                *self.routes(),
                Route("/", self._page),
                Route("/sim/state", self._state),
                Route("/sim/say", self._say, methods=["POST"]),
            ],
            middleware=[Middleware(_TellsFirst, simulator=self)],
        )
        serving = http.serve(app, "127.0.0.1", port, door=Door(Bounds(2000, 2000, 2000)))
        self.base = f"http://127.0.0.1:{serving.port}"
        try:
            yield self
        finally:
            for task in list(self._deliveries):
                task.cancel()
            if self._http is not None:
                await self._http.close()
                self._http = None
            await serving.stop()

    async def tell_ahead(self) -> None:
        """Delivers what must be told before a call is answered."""
        while self._ahead:
            await self.deliver(self._ahead.pop(0))

    async def _page(self, _request: HttpRequest) -> Response:
        return HTMLResponse(await asyncio.to_thread(PAGE.read_text))

    async def _state(self, _request: HttpRequest) -> Response:
        return Response(
            msgspec.json.encode(
                {
                    "name": self.name,
                    "hook": self.hook,
                    "customers": self.customers,
                    "answered": self.delivered[-1][1] if self.delivered else None,
                }
            ),
            media_type="application/json",
        )

    async def _say(self, request: HttpRequest) -> Response:
        said = await request.json()
        for push in self.say(str(said["peer"]), str(said["text"])):
            self.deliver_soon(push)
        return Response(status_code=204)


class Answered(Struct, frozen=True):
    """What the hook answered."""

    status: int
    body: bytes


class _TellsFirst:
    """Holds an answer back until what is told first has been delivered."""

    def __init__(self, app: Any, simulator: Simulator) -> None:
        self._app = app
        self._simulator = simulator

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def later(message: Any) -> None:
            await self._simulator.tell_ahead()
            await send(message)

        await self._app(scope, receive, later)


class Reset(Response):
    """No answer: the connection is broken off."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Promises a body that doesn't come: the server breaks the connection off."""
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
