"""微信公众号, the official accounts of WeChat."""

from adapters.channels.wechat.client import WeChat

__all__ = ["WeChat"]
