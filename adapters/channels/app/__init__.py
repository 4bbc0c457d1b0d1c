"""The company's own app: who its users are, and pushes to their devices."""

from adapters.channels.app.client import App

__all__ = ["App"]
