"""抖音, direct messages of enterprise accounts."""

from adapters.channels.douyin.client import Douyin

__all__ = ["Douyin"]
