"""Everything of ours against three nats-servers that replicate each other."""
