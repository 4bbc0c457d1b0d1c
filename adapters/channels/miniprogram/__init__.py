"""小程序客服消息: customers of a WeChat mini program, who tap its contact button."""

from adapters.channels.miniprogram.client import MiniProgram

__all__ = ["MiniProgram"]
