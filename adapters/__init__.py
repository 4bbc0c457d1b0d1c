"""Subscriber processes of the log, one folder each, all of one shape."""
