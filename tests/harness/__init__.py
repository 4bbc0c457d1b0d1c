"""Starts real processes for tests: nats-server, nodes, adapters, browsers; and a client of the protocol."""
