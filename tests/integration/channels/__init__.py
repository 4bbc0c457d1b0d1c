"""The kit of channels on a running system."""
