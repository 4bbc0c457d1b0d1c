"""From latencies to milliseconds."""

from __future__ import annotations

from tests.bench.figures import histogram_of, told


def test_percentiles_are_exact_to_three_digits() -> None:
    figures = told(histogram_of(n / 1000 for n in range(1, 1001)))
    assert abs(figures["p50_ms"] - 500) <= 0.5
    assert abs(figures["p99_ms"] - 990) <= 1
    assert abs(figures["max_ms"] - 1000) <= 1


def test_what_took_longer_than_the_histogram_holds_counts_as_its_most() -> None:
    assert told(histogram_of([500.0]))["max_ms"] >= 120_000
