"""Which channels there are: entry points of group `trunkline.channels`, ours and others' alike.

A plugin that can't be loaded, or was written for another version of the contract, is named with its reason and
stops nobody else.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, NamedTuple

from backbone.channel import API_VERSION, Channel
from backbone.ids import check_name

GROUP: Final = "trunkline.channels"
OURS: Final = "adapters.channels."
_METHODS: Final = ("verify", "parse", "send", "classify")


class Broken(NamedTuple):
    """A channel that can't be used, and why."""

    name: str
    problem: str


class Found(NamedTuple):
    """What is installed."""

    channels: dict[str, Channel]
    broken: list[Broken]


def names() -> list[str]:
    """Names of all installed channels, without loading any."""
    return sorted(point.name for point in entry_points(group=GROUP))


def discover(allowed: str = "*") -> Found:
    """All channels. `allowed`: names of others' channels that may be loaded, comma-separated, `*` for all."""
    found = Found({}, [])
    for point in sorted(entry_points(group=GROUP)):
        loaded = load(point, allowed)
        if isinstance(loaded, Broken):
            found.broken.append(loaded)
        else:
            found.channels[point.name] = loaded
    return found


def find(name: str, allowed: str = "*") -> Channel | Broken:
    """One channel by its name."""
    for point in entry_points(group=GROUP, name=name):
        return load(point, allowed)
    return Broken(name, f"there is no such channel; there are {', '.join(names())}.")


def load(point: EntryPoint, allowed: str) -> Channel | Broken:
    """Imports a channel and looks whether it keeps the contract."""
    if not point.value.startswith(OURS) and allowed != "*" and point.name not in _listed(allowed):
        return Broken(point.name, "it isn't among the plugins that TRUNKLINE_CHANNEL_PLUGINS allows.")
    try:
        kind: Any = point.load()
        channel = kind()
    except Exception as error:  # noqa: BLE001 - somebody else's code: isolated, and shown
        return Broken(point.name, f"it can't be loaded: {type(error).__name__}: {error}")
    return problem_of(point.name, channel)


def problem_of(name: str, channel: Any) -> Channel | Broken:
    """The channel if it has what the contract wants under the name that it is installed by."""
    check_name(name, "channel")
    missing = [m for m in (*_METHODS, "caps", "Account") if not hasattr(channel, m)]
    if missing:
        return Broken(name, f"it lacks {', '.join(missing)}.")
    if getattr(channel, "name", "") != name:
        return Broken(name, f"it calls itself {getattr(channel, 'name', '')!r}.")
    if channel.caps.api != API_VERSION:
        return Broken(name, f"it was written for version {channel.caps.api} of the contract; this is {API_VERSION}.")
    typed: Channel = channel
    return typed


def _listed(allowed: str) -> set[str]:
    return {part.strip() for part in allowed.split(",") if part.strip()}
