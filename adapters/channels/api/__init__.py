"""The API channel: a company's own system, by Standard Webhooks both ways."""

from adapters.channels.api.client import Api

__all__ = ["Api"]
