"""A visitor's client of `trunkline.v1`, written from docs/protocol.md alone: `python client.py web http://127.0.0.1:8080`
sends what you type and prints the conversation (`pip install websockets`). Nodes may die: nothing is lost or doubled.
"""

import asyncio
import contextlib
import json
import random
import re
import sys
import urllib.request
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

FINAL = {4401, 4403, 4409, 4426}  # coming back with the same token is of no use
PASSING = re.compile(r"^limit\.|^log\.(?!too_large)|\.(busy|unavailable)$")  # not for its content


class Visitor:
    """One person. `shown` is called once for each event, in order; `unsent` and `mark` outlive a connection."""

    def __init__(self, inbox, nodes, shown):
        self.inbox, self.nodes, self.shown = inbox, nodes, shown
        self.token, self.conv, self.socket, self.later = "", None, None, None
        self.mark = None  # [epoch, seq]: everything up to there was shown
        self.held = None  # live events that came before the answer to `sub`; None while there is no question
        self.unsent, self.refused = {}, {}  # id -> frame, until `ok` or `err`; id -> that `err`

    async def send(self, text):
        """Queues a message and returns its id, which never changes, however often it goes out."""
        frame = {"t": "send", "id": str(uuid.uuid4()), "conv": self.conv, "text": text}
        self.unsent[frame["id"]] = frame
        if self.held is None and (self.conv or len(self.unsent) == 1):
            await self.say(frame)
        return frame["id"]

    async def run(self):
        """Stays connected, to any of the nodes, until cancelled or refused for good."""
        failures = 0
        while True:
            node, failures = random.choice(self.nodes), failures + 1
            wait_s = random.uniform(0.2, min(20, 0.5 * 2 ** min(failures, 6)))
            try:
                self.token = self.token or await asyncio.to_thread(self.become_visitor, node)
                node = f"ws{node[4:]}/ws"
                async with connect(node, subprotocols=["trunkline.v1"], ping_interval=None) as self.socket:
                    heartbeat_s, failures = await self.greet(), 0
                    beat = asyncio.create_task(self.beat(heartbeat_s))
                    try:
                        wait_s = random.uniform(0, await self.listen(heartbeat_s + 8)) / 1000
                    finally:
                        beat.cancel()
            except (OSError, InvalidHandshake, ConnectionClosed) as end:  # TimeoutError is an OSError
                if isinstance(end, ConnectionClosed) and end.rcvd and end.rcvd.code in FINAL:
                    raise
            self.socket = None
            await asyncio.sleep(wait_s)

    def become_visitor(self, node):
        body, as_json = json.dumps({"inbox": self.inbox}).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(node + "/api/v1/visitors", body, as_json)
        return json.load(urllib.request.urlopen(request, timeout=10))["token"]

    async def greet(self):
        await self.say({"t": "hello", "token": self.token, "client": "example", "version": 1})
        welcome = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
        self.token, self.conv, self.held = welcome.get("token") or self.token, self.conv or welcome.get("open"), None
        await (self.subscribe() if self.conv else self.send_again())
        return welcome["heartbeat_s"]

    async def beat(self, every_s):
        while True:
            await asyncio.sleep(every_s)
            await self.say({"t": "ping"})

    async def listen(self, silent_s):
        async with asyncio.timeout(silent_s) as silence:  # wait_for of Python 3.11 may lose a cancellation to a frame
            while (frame := json.loads(await self.socket.recv()))["t"] != "drain":
                silence.reschedule(asyncio.get_running_loop().time() + silent_s)
                await self.on(frame)
        return frame["in_ms"]

    async def on(self, frame):
        kind = frame["t"]
        if kind == "ok":
            self.unsent.pop(frame["id"], None)
            if self.mark is None and self.held is None:
                self.conv = frame["conv"]
                await self.subscribe()
        elif kind == "err" and (frame.get("retry_after_ms") or PASSING.search(frame["code"])):
            again = self.subscribe if frame.get("of") == "sub" else self.send_again
            self.later = asyncio.create_task(again((frame.get("retry_after_ms") or 1000) / 1000))
        elif kind == "err" and self.unsent.pop(frame.get("id"), None):
            self.refused[frame["id"]] = frame
        elif kind == "resync":
            self.mark = None
            await self.subscribe()
        elif kind == "evs":
            seen = self.mark[1] if self.mark else 0
            for event in [event for seq, _prev, event in frame["events"] if seq > seen]:
                self.show(event)
            self.mark = [frame["epoch"], max(seen, frame["upto"])]
            if frame["more"]:
                return await self.subscribe()
            held, self.held = self.held or [], None
            for one in held:
                await self.on(one)
            await self.send_again()
        elif kind in {"ev", "skip"} and self.held is not None:
            self.held.append(frame)
        elif kind in {"ev", "skip"} and frame["seq"] > self.mark[1]:
            if frame["prev"] > self.mark[1]:  # something between is missing
                return await self.subscribe()
            self.mark = [self.mark[0], frame["seq"]]
            if kind == "ev":
                self.show(frame["event"])

    def show(self, event):
        self.unsent.pop(event["id"], None)  # rule 2: what is in the log needn't be sent again
        self.shown(event)

    async def subscribe(self, wait_s=0):
        self.held = []
        await asyncio.sleep(wait_s)
        await self.say({"t": "sub", "conv": self.conv, "after": self.mark, "limit": 500})

    async def send_again(self, wait_s=0):
        await asyncio.sleep(wait_s)
        for frame in list(self.unsent.values())[: None if self.conv else 1]:  # the first one opens the conversation
            await self.say(frame | {"conv": self.conv})

    async def say(self, frame):
        if self.socket:
            with contextlib.suppress(ConnectionClosed):  # it goes out again after the reconnect
                await self.socket.send(json.dumps(frame, ensure_ascii=False))


async def main(inbox, *nodes):
    visitor = Visitor(inbox, nodes, lambda event: print(event["by"]["kind"], event.get("text", event["type"])))
    running = asyncio.create_task(visitor.run())
    while line := await asyncio.to_thread(sys.stdin.readline):
        await visitor.send(line.rstrip("\n"))
    await asyncio.wait({running}, timeout=5)  # for the answers


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
