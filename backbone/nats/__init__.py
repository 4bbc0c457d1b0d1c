"""NATS: the connection, streams, buckets, leases, readers. The only room that knows JetStream by name."""
