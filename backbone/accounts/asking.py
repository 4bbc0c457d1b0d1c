"""What nodes ask a channel's processes, beside callbacks: the requests as they travel, and the empty answer."""

from __future__ import annotations

from msgspec import Struct

from backbone.channel import Claim, Device


class Nothing(Struct, frozen=True):
    """Says nothing."""


class Which(Struct, frozen=True):
    """One inbox."""

    inbox: str


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
