"""Benchmarks: `make bench BENCH=post|synced|...`. One line of JSON each; docs/benchmarks.md keeps the figures."""
