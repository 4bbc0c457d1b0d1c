"""LINE, by the Messaging API of a LINE Official Account."""

from adapters.channels.line.client import Line

__all__ = ["Line"]
