"""Visitors and agents of several tenants who write, open, take, hand over and settle: `python -m tests.faults.load`.

A process of its own. It reads a `Plan` as JSON from the first line of stdin and then one word a line; it says how
it goes four times a second, one JSON object a line on stdout, and writes its history to a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop
from msgspec import Struct

from tests.faults import history as h
from tests.faults.recorded import Recorded, Sent, Tally
from trunkline import rest
from trunkline.client import FINAL_CLOSES, Frame, SessionEndedError

BYE = "bye"
HOLD_AT_MOST = 6
"""Conversations that an agent shows at once."""

FLOOD_STEP = 50
"""Messages of a flood after which it is told how many are written."""

QUIET_S = 3.0
AGED = 0.05
"""Of the messages: those whose id was made 1 s to a day before."""

AGAIN = 0.06
"""After how many messages one is sent again."""

COMES_BACK = 0.3
"""Of the visitors: those who were here before, and send again what they wrote then."""

DAY_S = 86_400.0
CALM_EVERY_S = 0.4
WORDS = ["order", "parcel", "refund", "订单", "快递", "发票", "colour", "尺码", "please", "谢谢", "什么时候", "换"]


class Node(Struct, frozen=True):
    """Where clients reach a node."""

    http: str
    ws: str


class Agent(Struct, frozen=True):
    """Somebody who answers."""

    tenant: str
    id: str
    email: str
    password: str


class Plan(Struct, frozen=True):
    """What to do: `rate` is posts a second of all together, `inboxes` by tenant; `slow` a way for who reads slowly."""

    seed: int
    history: str
    nodes: list[Node]
    inboxes: dict[str, str]
    agents: list[Agent]
    visitors: int
    rate: float
    slow: Node | None = None


class Status(Struct, kw_only=True):
    """How it goes. `oldest_s` is the age of the oldest post without an answer, `live` of `sessions` are connected."""

    at: float
    ok: int
    fail: int
    refused: int
    resyncs: int
    resent: int
    longest_resent_s: float
    unanswered: int
    oldest_s: float
    oldest: str
    sessions: int
    live: int
    did: list[str]


class Earlier(NamedTuple):
    """A visitor who has left: may come back with the same token, on other devices."""

    tenant: str
    token: str
    contact: str
    sent: list[Sent]


class Load:
    """Everybody. `did` are the words from stdin that have been carried out, with what came of them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chance = random.Random(plan.seed)
        self.recorder = h.Recorder(Path(plan.history))
        self.tally = Tally()
        self.people: set[Recorded] = set()
        self.present: dict[str, Recorded] = {}
        self.writing = asyncio.Event()
        self.writing.set()
        self.did: list[str] = []
        self._names = 0
        self._earlier: deque[Earlier] = deque(maxlen=300)

    async def run(self) -> None:
        """Until `end`, or the end of stdin."""
        async with asyncio.TaskGroup() as everybody:
            tasks = [everybody.create_task(self._visitor(n)) for n in range(self.plan.visitors)]
            tasks += [everybody.create_task(self._agent(agent)) for agent in self.plan.agents]
            tasks.append(everybody.create_task(self._report()))
            tasks += [everybody.create_task(self._calm(n, node)) for n, node in enumerate(self.plan.nodes)]
            await self._obey(everybody)
            for task in tasks:
                task.cancel()
        self.recorder.close()

    # --- visitors -------------------------------------------------------------------------------

    async def _visitor(self, seat: int) -> None:
        """One person after another on the same seat."""
        tenants = sorted(self.plan.inboxes)
        while True:
            with contextlib.suppress(TimeoutError, OSError, ValueError):
                await self._visit(tenants[seat % len(tenants)])
            await asyncio.sleep(self.chance.uniform(0.05, 0.3))

    async def _visit(self, tenant: str) -> None:
        nodes = self._nodes()
        await self.writing.wait()
        before = self._who_comes_back(tenant)
        if before:
            token, contact, known = before.token, before.contact, before.sent
        else:
            token, contact = await asyncio.to_thread(rest.become_visitor, nodes[0].http, self.plan.inboxes[tenant])
            known = []
        devices = [
            self._person(h.Viewer(self._name("v"), tenant, "visitor", contact), some, token=token)
            for some in (nodes, nodes[::-1])
        ]
        devices[1].sent = devices[0].sent
        async with devices[0].client.running(), devices[1].client.running():
            self.people.update(devices)
            following = [asyncio.create_task(self._follow(device)) for device in devices]
            try:
                for sent in self.chance.sample(known, min(3, len(known))):
                    await self.chance.choice(devices).say_again(sent)
                await self._chat(devices, self.chance.randint(20, 60))
                # Who has said good-bye looks on for a while, and sees the matter settled.
                await asyncio.sleep(self.chance.uniform(0, 2))
                await self.writing.wait()
            finally:
                self.people.difference_update(devices)
                for task in following:
                    task.cancel()
                self._earlier.append(Earlier(tenant, token, contact, [*known, *devices[0].sent][-100:]))

    def _who_comes_back(self, tenant: str) -> Earlier | None:
        """Somebody who left, and isn't here a third time."""
        theirs = [one for one in self._earlier if one.tenant == tenant]
        if not theirs or self.chance.random() > COMES_BACK:
            return None
        one = self.chance.choice(theirs)
        self._earlier.remove(one)
        return one

    async def _follow(self, device: Recorded) -> None:
        """A page shows what `welcome` says is open: it tells what was opened while the page was away."""
        looked: Frame = {}
        while True:
            if device.client.welcome is not looked:
                looked = device.client.welcome
                if looked.get("open") and looked["open"] not in device.client.conversations:
                    await self._look(device, looked["open"])
            await asyncio.sleep(0.1)

    async def _chat(self, devices: list[Recorded], lines: int) -> None:
        conv: str | None = None
        for line in range(lines):
            await self._pause(0.6 * self.plan.rate / self.plan.visitors)
            await self.writing.wait()
            device = self.chance.choice(devices)
            # Now and then from a page that doesn't know the conversation yet.
            named = conv if self.chance.random() > 0.05 else None
            made_s_ago = DAY_S ** self.chance.random() if self.chance.random() < AGED else 0.0
            ok = await device.say(self._text(device, BYE if line == lines - 1 else ""), named, made_s_ago)
            if ok is None:
                conv = None
            elif ok["conv"] != conv:
                conv = str(ok["conv"])
                await self._look(device, conv)
            if device.sent and self.chance.random() < AGAIN:
                await self.chance.choice(devices).say_again(self.chance.choice(device.sent))

    async def _calm(self, seat: int, first: Node) -> None:
        """A visitor who writes now and then and waits for each answer: how long, the checker looks at."""
        tenant = min(self.plan.inboxes)
        nodes = [first, *(node for node in self.plan.nodes if node is not first)]
        while True:
            with contextlib.suppress(TimeoutError, OSError, ValueError):
                token, contact = await asyncio.to_thread(rest.become_visitor, first.http, self.plan.inboxes[tenant])
                who = h.Viewer(self._name(h.CALM), tenant, "visitor", contact)
                calm = self._person(who, nodes, token=token)
                async with calm.client.running():
                    conv: str | None = None
                    while True:
                        await self.writing.wait()
                        ok = await calm.say(self._text(calm), conv)
                        conv = str(ok["conv"]) if ok else None
                        await asyncio.sleep(CALM_EVERY_S)
            await asyncio.sleep(0.5 + seat / 10)

    # --- agents ---------------------------------------------------------------------------------

    async def _agent(self, agent: Agent) -> None:
        """Signs in, and again where a log that went back has forgotten the session."""
        is_at_work = True
        while is_at_work:
            with contextlib.suppress(SessionEndedError, TimeoutError):
                await self._work(agent)
                is_at_work = False

    async def _work(self, agent: Agent) -> None:
        nodes = self._nodes()
        cookie = await self._until_done(lambda: asyncio.to_thread(self._sign_in, nodes[0].http, agent))
        person = self._person(h.Viewer(self._name("a"), agent.tenant, "agent", agent.id), nodes, cookie=cookie)
        async with person.client.running():
            self.people.add(person)
            self.present[agent.id] = person
            await person.client.watch("all")
            try:
                while agent.id in self.present:
                    await self._pause(0.4 * self.plan.rate / len(self.plan.agents))
                    if person.client.close_code in FINAL_CLOSES:
                        raise SessionEndedError(person.client.close_code)
                    if self.writing.is_set():
                        await self._answer(person, agent)
            finally:
                self.people.discard(person)

    async def _answer(self, person: Recorded, agent: Agent) -> None:
        rows = list(person.client.heads.values())
        if not rows:
            return
        over = [row for row in rows if BYE in ((row.get("last") or {}).get("text") or "")]
        row = self.chance.choice(over if over and self.chance.random() < 0.6 else rows)
        conv, dice = row["conv"], self.chance.random()
        if row in over:
            await person.act(conv, "resolve")
        elif dice < 0.06:
            await person.act(conv, "take")
        elif dice < 0.09:
            colleagues = [a.id for a in self.plan.agents if a.tenant == agent.tenant]
            await person.act(conv, "assign", agent=self.chance.choice(colleagues))
        elif dice < 0.12:
            await person.act(conv, self.chance.choice(["release", "resolve", "reopen"]))
        else:
            await self._write(person, conv)

    async def _write(self, person: Recorded, conv: str) -> None:
        shown = person.client.conversations
        if conv not in shown:
            if len(shown) >= HOLD_AT_MOST:
                caught_up = [c for c, known in shown.items() if not known.is_replaying]
                if caught_up and person.client.live.is_set():
                    await person.leave(self.chance.choice(caught_up))
            if len(shown) < HOLD_AT_MOST:
                await self._look(person, conv)
        if shown:
            await person.say(self._text(person), self.chance.choice(list(shown)))

    # --- words from whoever watches -------------------------------------------------------------

    async def _obey(self, everybody: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while (line := (await lines.readline()).decode().strip()) and line != "end":
            word, _, rest_of_it = line.partition(" ")
            match word:
                case "quiet":
                    self.writing.clear()
                    everybody.create_task(self._done(line, self._settled()))
                case "write":
                    self.writing.set()
                    self.did.append(line)
                case "leave":
                    self.present.pop(rest_of_it, None)
                    self.did.append(line)
                case "reached":
                    everybody.create_task(self._done(line, self._reached()))
                case "flood":
                    everybody.create_task(self._done(line, self._flood(int(rest_of_it))))
                case _:
                    raise ValueError(f"no such word: {line}")

    async def _done(self, line: str, work: Awaitable[str]) -> None:
        self.did.append(f"{line}: {await work}")

    async def _settled(self) -> str:
        """Every post has its answer."""
        while self.tally.unanswered:
            await asyncio.sleep(0.05)
        return "settled"

    async def _reached(self) -> str:
        """Once nobody hears anything new, writes down where everybody stands."""
        before: list[object] = []
        while before != (now := self._marks()):
            before = now
            await asyncio.sleep(QUIET_S)
        for person in self.people:
            for conv, known in person.client.conversations.items():
                if known.is_replaying:
                    held = list(known.held.events.items())[:3]
                    sys.stderr.write(f"{person.who.viewer} still replays {conv} at {known.mark}, holds {held}\n")
            person.reached()
        self.recorder.flush()
        return f"{len(self.people)} people"

    async def _flood(self, lines: int) -> str:
        """A visitor writes much while their other device looks on over the slow way; says how that one was closed."""
        assert self.plan.slow is not None
        tenant = min(self.plan.inboxes)
        fast, slow = [self.plan.nodes[0]], [self.plan.slow]
        token, contact = await asyncio.to_thread(rest.become_visitor, fast[0].http, self.plan.inboxes[tenant])
        writer = self._person(h.Viewer(self._name("w"), tenant, "visitor", contact), fast, token=token)
        reader = self._person(h.Viewer(self._name("s"), tenant, "visitor", contact), slow, token=token)
        async with writer.client.running(), reader.client.running():
            self.people.add(reader)
            ok = await writer.say(self._text(writer), None)
            assert ok is not None
            await reader.look(str(ok["conv"]))
            self.did.append("flooding")
            for n in range(1, lines + 1):
                ok = await writer.say(self._text(writer) + " 长" * 3000, str(ok["conv"])) or ok
                if n % FLOOD_STEP == 0:
                    self.did.append(f"flooded {n}")
            known = reader.client.conversations[str(ok["conv"])]
            while not reader.client.close_code or known.mark is None or known.mark[1] < ok["seq"]:
                await asyncio.sleep(0.05)
            self.people.discard(reader)
            return str(reader.client.close_code)

    async def _report(self) -> None:
        encode = msgspec.json.Encoder().encode
        while True:
            await asyncio.sleep(0.25)
            now, tally = h.now(), self.tally
            oldest_s, oldest = tally.oldest(now)
            status = Status(
                at=now,
                ok=tally.ok,
                fail=tally.fail,
                refused=tally.refused,
                resyncs=tally.resyncs,
                resent=tally.resent,
                longest_resent_s=round(tally.longest_resent_s, 1),
                unanswered=len(tally.unanswered),
                oldest_s=oldest_s,
                oldest=oldest,
                sessions=len(self.people),
                live=sum(person.client.live.is_set() for person in self.people),
                did=self.did,
            )
            self.recorder.flush()
            sys.stdout.buffer.write(encode(status) + b"\n")
            sys.stdout.buffer.flush()

    # --- small things ---------------------------------------------------------------------------

    def _person(self, who: h.Viewer, nodes: list[Node], *, token: str = "", cookie: str = "") -> Recorded:
        return Recorded(self.recorder, self.tally, who, [n.ws for n in nodes], token=token, cookie=cookie)

    def _nodes(self) -> list[Node]:
        """All nodes, another one first each time."""
        return self.chance.sample(self.plan.nodes, len(self.plan.nodes))

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"

    def _text(self, person: Recorded, more: str = "") -> str:
        words = " ".join(self.chance.choices(WORDS, k=self.chance.randint(3, 25)))
        return f"{h.CANARY}{person.who.tenant} {words} {more}".rstrip()

    def _marks(self) -> list[object]:
        return [(p.who.viewer, conv, known.mark) for p in self.people for conv, known in p.client.conversations.items()]

    async def _pause(self, rate: float) -> None:
        await asyncio.sleep(min(5.0, self.chance.expovariate(rate)))

    async def _look(self, person: Recorded, conv: str) -> None:
        # What isn't caught up in time is caught up later; the checker sees to it that it is.
        with contextlib.suppress(TimeoutError):
            await person.look(conv)

    def _sign_in(self, http: str, agent: Agent) -> str:
        answer = rest.sign_in(http, agent.email, agent.password)
        if answer.status != 200:
            raise ValueError(f"{agent.email} can't sign in: {answer}")
        return answer.cookie

    async def _until_done(self, work: Callable[[], Awaitable[str]]) -> str:
        async with asyncio.timeout(60):
            while True:
                try:
                    return await work()
                except (OSError, ValueError):
                    await asyncio.sleep(0.5)


if __name__ == "__main__":
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Load(plan).run())
