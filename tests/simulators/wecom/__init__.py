"""A simulator of 微信客服."""

from tests.simulators.wecom.simulator import WeComSimulator

__all__ = ["WeComSimulator"]
