"""Facebook Messenger, by Meta's Messenger Platform."""

from adapters.channels.messenger.client import Messenger

__all__ = ["Messenger"]
