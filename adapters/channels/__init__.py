"""Channels: a folder each, of which the kit (`adapters/channels/kit/`) runs one a process."""
