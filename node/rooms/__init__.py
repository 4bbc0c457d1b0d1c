"""Conversations in memory: rooms, and who reads them."""
