"""Instagram's messages, by Meta's Messenger Platform."""

from adapters.channels.instagram.client import Instagram

__all__ = ["Instagram"]
