"""The simulator of each channel, ours and others': found by the channel's name in `tests/simulators/<name>`."""

from __future__ import annotations

import importlib
from typing import Any, Final

from tests.simulators.base import Simulator

OURS: Final = ("api", "douyin", "telegram", "wechat", "wecom", "whatsapp")
"""Channels that pass all cases of this suite."""


def simulator_of(channel: str) -> Simulator:
    """A new simulator of a channel's platform."""
    module: Any = importlib.import_module(f"tests.simulators.{channel}")
    kind = getattr(module, f"{channel[0].upper()}{channel[1:]}Simulator", None) or getattr(
        module, next(name for name in dir(module) if name.lower() == f"{channel}simulator")
    )
    made: Simulator = kind()
    return made
