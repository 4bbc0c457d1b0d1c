"""Devices of the app's users: their push tokens, kept beside the account."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from backbone.channel import Device, Kit

LIFE_S: Final = 270 * 86_400
"""Google takes a token for stale that wasn't renewed for so long."""

MOST: Final = 20
FORMS: Final = {
    "apns": re.compile(r"[0-9a-fA-F]{32,200}"),
    "fcm": re.compile(r"[A-Za-z0-9_:-]{20,1024}"),
}


def is_one(device: Device) -> bool:
    """Whether a token may be one of its service, and stand in an address."""
    return FORMS[device.service].fullmatch(device.token) is not None


def with_one(known: Sequence[Device], new: Device) -> list[Device]:
    """The devices with one more, or the same one registered anew; the oldest go where there are too many."""
    others = [one for one in known if one.token != new.token]
    return [*others, new][-MOST:]


def key_of(peer: str) -> str:
    """Where a peer's devices are kept."""
    return f"devices:{peer}"


async def load(kit: Kit, peer: str) -> list[Device]:
    """A peer's devices, the newest last."""
    kept = await kit.recall(key_of(peer))
    try:
        return msgspec.json.decode(kept, type=list[Device]) if kept else []
    except (msgspec.DecodeError, ValueError):
        return []


async def add(kit: Kit, peer: str, device: Device) -> bool:
    """The app registers its device: after a sign-in, and whenever the system gives it another token.

    Whoever had the device before is no longer rung on it. False if the token isn't one.
    """
    if not is_one(device):
        return False
    owner = f"device:{device.token}"
    before = await kit.recall(owner)
    if before and before != peer:
        await drop(kit, before, {device.token})
    await kit.remember(owner, peer, LIFE_S)
    at = round(kit.now() * 1000)
    await _save(kit, peer, with_one(await load(kit, peer), msgspec.structs.replace(device, at=at)))
    return True


async def drop(kit: Kit, peer: str, tokens: set[str]) -> None:
    """The user signed out, or the service says that a token is no more."""
    known = await load(kit, peer)
    left = [one for one in known if one.token not in tokens]
    if len(left) != len(known):
        await _save(kit, peer, left)


async def _save(kit: Kit, peer: str, devices: list[Device]) -> None:
    await kit.remember(key_of(peer), msgspec.json.encode(devices).decode(), LIFE_S)
