"""WhatsApp, by Meta's Cloud API."""

from adapters.channels.whatsapp.client import WhatsApp

__all__ = ["WhatsApp"]
