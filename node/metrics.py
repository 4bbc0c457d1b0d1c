"""What `/metrics` tells of a node (docs/metrics.md)."""

from __future__ import annotations

import prometheus_client

SOCKETS = prometheus_client.Gauge("trunkline_node_sockets", "Sockets attached.")
FRAMES = prometheus_client.Counter("trunkline_node_frames", "Frames of clients, by type.", ["type"])
REFUSED = prometheus_client.Counter("trunkline_node_refused", "Refused frames, by code.", ["code"])
UNACKNOWLEDGED = prometheus_client.Gauge(
    "trunkline_node_unacknowledged", "Events that are being stored and aren't acknowledged yet."
)
STORE_SECONDS = prometheus_client.Histogram(
    "trunkline_node_publish_seconds",
    "From a message's frame to its acknowledgement by the log.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
PUSH_SECONDS = prometheus_client.Histogram(
    "trunkline_node_push_seconds",
    "From an event's being stored to its being written to the sockets that see it; of one event in eight.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
CLOSED = prometheus_client.Counter(
    "trunkline_node_sockets_closed", "Sockets that ended, by close code (other: a client's own).", ["code"]
)
RESYNCS = prometheus_client.Counter(
    "trunkline_node_resyncs", "Conversations that a client was told to read anew, since the log went back."
)
