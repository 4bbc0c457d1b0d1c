"""Both channels of the Messenger Platform beside their simulators, for tests of what they do alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from adapters.channels.instagram import Instagram
from adapters.channels.messenger import Messenger
from backbone.channel import Request
from tests.simulators.base import Push
from tests.simulators.instagram import InstagramSimulator
from tests.simulators.messenger import MessengerSimulator
from tests.simulators.meta import ChatSimulator
from tests.unit.adapters.channels.kit_telegram import lower

LI = "6000000000000001"
NAMES = ("messenger", "instagram")


class Pair(NamedTuple):
    """A channel, its platform, and an account that fits."""

    channel: Any
    simulator: ChatSimulator
    account: Any

    def events(self, pushes: list[Push]) -> list[Any]:
        """What verified callbacks of the simulator mean."""
        found: list[Any] = []
        for push in pushes:
            request = as_node(push.request)
            assert self.channel.verify(request, self.account) is None
            found += self.channel.parse(request, self.account)
        return found

    def event(self, what: dict[str, Any], **more: Any) -> Any:
        """The one event of what happened with a customer."""
        (found,) = self.events([self.simulator.push(LI, what, "x", **more)])
        return found

    def said(self, text: str = "", **more: Any) -> Any:
        """The one event of a message."""
        (found,) = self.events(self.simulator.say(LI, text, **more))
        return found


def as_node(request: Request) -> Request:
    """As a node hands it on."""
    return msgspec.structs.replace(request, headers=lower(request.headers))


def pair(name: str, **settings: Any) -> Pair:
    """By the channel's name."""
    channel, simulator = {
        "messenger": (Messenger(), MessengerSimulator()),
        "instagram": (Instagram(), InstagramSimulator()),
    }[name]
    simulator.base = "https://cdn.example"
    values = {**simulator.account(), "api": "https://graph.facebook.com", **settings}
    return Pair(channel, simulator, msgspec.convert(values, channel.Account))
