"""Platforms that can't be reached from a test, played by the rules that they publish."""
