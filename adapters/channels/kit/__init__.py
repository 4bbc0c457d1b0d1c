"""The kit: the process that runs a channel, whatever the channel is."""
