"""Users of a company's app."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Claim(Struct, frozen=True, kw_only=True):
    """Who somebody says they are: `identity`, a token of the company's server, or `user` with the hash of it."""

    identity: str = ""
    user: str = ""
    user_hash: str = ""


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An app on one device, by its push token. `sandbox`: one that a developer's tool put there. `at`: Unix ms."""

    token: str
    service: Literal["apns", "fcm"]
    sandbox: bool = False
    at: int = 0
