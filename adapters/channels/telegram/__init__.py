"""Telegram, by a bot."""

from adapters.channels.telegram.client import Telegram

__all__ = ["Telegram"]
