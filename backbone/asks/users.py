"""Asked of a channel whose users come to the nodes themselves: who somebody is, and where a device can be rung."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from backbone.asks.accounts import Nothing
from backbone.channel import Claim, Device
from backbone.contacts import User
from backbone.nats.rpc import Ask


class SignIn(Struct, frozen=True, kw_only=True):
    """Somebody comes to an inbox and says who they are."""

    inbox: str
    claim: Claim


class DeviceChange(Struct, frozen=True, kw_only=True):
    """A contact's device came, or went."""

    inbox: str
    contact: str
    device: Device
    is_there: bool = True


IDENTIFY: Final = Ask("identify", SignIn, User)
DEVICE: Final = Ask("device", DeviceChange, Nothing)
