"""Platforms for tests whose thread has a loop already (Playwright's): simulators in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

from backbone import directory
from backbone.accounts.accounts import seal_settings
from backbone.accounts.registry import Broken, find
from backbone.sealing import Sealer
from tests.conformance.simulators import simulator_of
from tests.harness.system import TENANT, System
from tests.simulators.base import Push, Simulator
from trunkline.connect import connected

T = TypeVar("T")
WITHIN_S: Final = 60.0


class Platforms:
    """Simulators of platforms with an account each on a system."""

    def __init__(self, system: System, loop: asyncio.AbstractEventLoop, stack: contextlib.AsyncExitStack) -> None:
        self.system = system
        self._loop = loop
        self._stack = stack

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns, run beside the simulators."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def start(self, channel: str, inbox: str) -> Simulator:
        """A platform that calls an inbox."""
        simulator = simulator_of(channel)
        self.do(self._stack.enter_async_context(simulator.running()))
        simulator.hook = f"{self.system.nodes[0].http}/hooks/{channel}/{inbox}"
        return simulator

    def connect(self, channel: str, inbox: str, name: str) -> Simulator:
        """A platform whose account is connected as an inbox."""
        simulator = self.start(channel, inbox)
        self.connect_again(simulator, inbox, name)
        return simulator

    def connect_again(self, simulator: Simulator, inbox: str, name: str) -> None:
        """The account of a platform that runs, connected as an inbox."""
        self.do(self._connect(simulator.name, inbox, name, simulator.account()))

    def hears(self, simulator: Simulator, peer: str, text: str = "", **more: Any) -> None:
        """A customer says something, and the platform delivers it."""
        self.tells(simulator, lambda: simulator.say(peer, text, **more))

    def tells(self, simulator: Simulator, act: Callable[[], list[Push]]) -> None:
        """What a customer does comes from the platform; again while the account isn't known yet."""
        pushes = self._now(act)
        deadline = time.monotonic() + WITHIN_S
        for push in pushes:
            while not 200 <= self.do(simulator.deliver(push, 1)) < 300:
                assert time.monotonic() < deadline, f"{simulator.name} never got {push.id!r} through"
                time.sleep(0.1)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Returns once something holds."""
        deadline = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < deadline, f"never: {what}"
            time.sleep(0.05)

    def _now(self, act: Callable[[], T]) -> T:
        async def work() -> T:
            return act()

        return self.do(work())

    async def _connect(self, channel: str, inbox: str, name: str, settings: dict[str, Any]) -> None:
        contract = find(channel)
        assert not isinstance(contract, Broken), contract
        sealed = seal_settings(contract, Sealer(self.system.common.secrets()), TENANT, inbox, settings)
        async with connected(self.system.common, "test") as link:
            wanted = directory.Inbox(id=inbox, channel=channel, name=name, settings=sealed)
            await directory.connect_inbox(link, TENANT, wanted)


@contextlib.contextmanager
def platforms(system: System) -> Iterator[Platforms]:
    """Platforms for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = contextlib.AsyncExitStack()
    try:
        yield Platforms(system, loop, stack)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
