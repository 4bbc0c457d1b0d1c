"""A simulator of 微信公众号."""

from tests.simulators.wechat.simulator import WeChatSimulator

__all__ = ["WeChatSimulator"]
