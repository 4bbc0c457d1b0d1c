"""What `/metrics` tells of the warehouse."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

LAG = Gauge(
    "trunkline_warehouse_lag_seconds",
    "Age of the oldest stored event that isn't in the tables; 0 when none is waiting.",
)
UNREAD = Gauge("trunkline_warehouse_unread_events", "Events known to be in the log that aren't in the tables.")
EVENTS = Counter("trunkline_warehouse_events_total", "Events brought into the tables.")
FAULTS = Counter("trunkline_warehouse_faults_total", "Events whose bytes couldn't be read; each has an entry in DEAD.")
LOAD_SECONDS = Histogram(
    "trunkline_warehouse_load_seconds",
    "Time from promise to done of one load.",
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
LINGER = Gauge("trunkline_warehouse_linger_seconds", "How long a load now waits for more events.")
REQUESTS = Counter("trunkline_warehouse_requests_total", "Requests answered.", ["verb", "outcome"])
REQUEST_SECONDS = Histogram(
    "trunkline_warehouse_request_seconds",
    "Time from request to answer.",
    ["verb"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 10),
)
