"""The pure parts of the kit of channels."""
