"""An app of the company's own: signs in by a token of its server, comes back by itself, sleeps in the background.

    python app.py app http://127.0.0.1:8080 'http://127.0.0.1:8001/support-token?user=li'

It is the visitor of ../client.py, from which it has the protocol, with what an app does otherwise: it is somebody.
"""

import asyncio
import contextlib
import json
import random
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

sys.path.insert(0, str(Path(__file__).parents[1]))
from client import FINAL, Visitor

SIGN_IN_AGAIN = 4401
LONGEST_S = 30


class App(Visitor):
    """One signed-in user. `identity` is called for a fresh token of the company's server, off the loop.

    `anonymous` is the token that this app had as a visitor before: what that visitor had open becomes the user's.
    `device` is {service: apns or fcm, token} as the system gives them, None where pushes aren't allowed.
    """

    def __init__(self, inbox, nodes, identity, shown, *, anonymous="", device=None):
        super().__init__(inbox, nodes, shown)
        self.identity, self.anonymous, self.device = identity, anonymous, device
        self.is_in_front = asyncio.Event()
        self.is_in_front.set()
        self.is_behind = asyncio.Event()
        self.woken = asyncio.Event()  # no need to wait any longer

    def to_background(self):
        """The system is about to freeze the app: close cleanly, so that pushes come instead."""
        self.is_in_front.clear()
        self.is_behind.set()

    def to_foreground(self):
        """Back on the screen: connect at once."""
        self.is_behind.clear()
        self.is_in_front.set()
        self.woken.set()

    def network_up(self):
        """The system says that there is a network again: no reason to wait."""
        self.woken.set()

    async def run(self):
        """Stays connected while in front, until cancelled or refused for good."""
        failures = 0
        while True:
            await self.is_in_front.wait()
            self.woken.clear()
            node = random.choice(self.nodes)
            wait_s = random.uniform(0, min(LONGEST_S, 2**failures))
            failures = min(failures + 1, 5)
            try:
                self.token = self.token or await asyncio.to_thread(self.become_visitor, node)
                async with connect(
                    node.replace("http", "ws", 1) + "/ws", subprotocols=["trunkline.v1"], ping_interval=None
                ) as self.socket:
                    heartbeat_s = await self.greet()
                    failures = 0
                    wait_s = await self.while_in_front(heartbeat_s)
            except ConnectionClosed as end:
                code = end.rcvd.code if end.rcvd else 0
                if code == SIGN_IN_AGAIN:
                    self.token = ""
                elif code in FINAL:
                    raise
            except (OSError, InvalidHandshake):  # TimeoutError is an OSError, and so is a refused sign-in
                pass
            self.socket = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), wait_s)

    def become_visitor(self, node):
        """Signs in; a token of the company's that has just ended is fetched once more."""
        for is_last in (False, True):
            body = {"inbox": self.inbox, "identity": self.identity(), "token": self.anonymous}
            try:
                token = json.loads(ask("POST", node + "/api/v1/visitors", body))["token"]
                break
            except urllib.error.HTTPError as error:
                if is_last or error.code != 401:
                    raise
        if self.device:
            self.register(node, token)
        return token

    def register(self, node, token, method="PUT"):
        """This device is rung for the user, or with DELETE no longer: at a sign-out, once `run` is cancelled."""
        url = f"{node}/api/v1/visitors/devices/{urllib.parse.quote(self.device['token'], safe='')}"
        ask(method, url, {"service": self.device["service"]} if method == "PUT" else None, token)

    async def on(self, frame):
        """What the app has needn't be rung for: it says how far it came, read only if somebody looks."""
        before = self.mark
        await super().on(frame)
        if self.mark and self.mark != before:
            read = {"read": self.mark[1]} if self.is_in_front.is_set() else {}
            await self.say({"t": "mark", "conv": self.conv, "delivered": self.mark[1], **read})

    async def while_in_front(self, heartbeat_s):
        """Listens until the node leaves, the connection ends, or the app goes behind; seconds to wait then."""
        work = [self.listen(heartbeat_s + 8), self.beat(heartbeat_s), self.is_behind.wait()]
        listening, beating, behind = tasks = [asyncio.create_task(one) for one in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return random.uniform(0, await listening) / 1000 if listening.done() else 0
        finally:
            for task in (listening, beating, behind):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def ask(method, url, body, token=""):
    """One request of the node's HTTP API; the answer's bytes."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=10) as answer:
        return answer.read()


async def main(inbox, node, identity_url):
    def identity():
        return urllib.request.urlopen(identity_url, timeout=10).read().decode()

    app = App(inbox, [node], identity, lambda event: print(event["by"]["kind"], event.get("text", event["type"])))
    running = asyncio.create_task(app.run())
    while line := await asyncio.to_thread(sys.stdin.readline):
        {"/background\n": app.to_background, "/foreground\n": app.to_foreground}.get(line, lambda: None)()
        if not line.startswith("/"):
            await app.send(line.rstrip("\n"))
    await asyncio.wait({running}, timeout=5)  # for the answers


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
