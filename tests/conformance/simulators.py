"""The simulator of each channel: named by hand, an entry point of its package, or in `tests/simulators/<name>`."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any, Final

from tests.simulators.base import Simulator

OURS: Final = (
    "api", "app", "douyin", "email", "instagram", "line", "messenger", "miniprogram", "telegram", "wechat", "wecom",
    "whatsapp",
)  # fmt: skip
"""Channels that pass all cases of this suite."""

GROUP: Final = "trunkline.simulators"


def simulator_of(channel: str, named: str = "") -> Simulator:
    """A new simulator of a channel's platform; `named`: the class to take, as `module:Class`."""
    made: Simulator = _class_of(channel, named)()
    return made


def _class_of(channel: str, named: str) -> Any:
    if named:
        module_name, _, name = named.partition(":")
        return getattr(importlib.import_module(module_name), name)
    for point in entry_points(group=GROUP, name=channel):
        return point.load()
    try:
        module: Any = importlib.import_module(f"tests.simulators.{channel}")
    except ModuleNotFoundError:
        raise LookupError(
            f"There is no simulator of {channel}: its package names one as entry point of group {GROUP}, or give "
            "--simulator module:Class."
        ) from None
    return getattr(module, next(name for name in dir(module) if name.lower() == f"{channel}simulator"))
