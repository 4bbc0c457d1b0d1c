"""Benchmarks: `make bench BENCH=start|latency`. Each prints one line of JSON; docs/benchmarks.md keeps the figures."""
