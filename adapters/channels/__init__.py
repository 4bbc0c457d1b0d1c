"""Channels: a folder each, of which the kit (`backbone/channels/`) runs one a process."""
