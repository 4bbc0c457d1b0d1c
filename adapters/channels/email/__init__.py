"""Mail: read over IMAP, answered over SMTP."""

from adapters.channels.email.client import Email

__all__ = ["Email"]
