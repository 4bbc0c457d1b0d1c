"""微信客服, the customer service of WeCom."""

from adapters.channels.wecom.client import WeCom

__all__ = ["WeCom"]
