"""From latencies to figures: HdrHistogram in microseconds, told in milliseconds. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

MOST_US = 120_000_000
DIGITS = 3


def histogram_of(seconds: Iterable[float]) -> HdrHistogram:
    """A histogram of times up to two minutes, exact to three digits."""
    histogram = HdrHistogram(1, MOST_US, DIGITS)
    for each in seconds:
        histogram.record_value(max(1, min(MOST_US, int(each * 1e6))))
    return histogram


def told(histogram: HdrHistogram) -> dict[str, float]:
    """Median, 99th and 99.9th percentile and the worst, in milliseconds."""
    return {
        "p50_ms": _ms(histogram.get_value_at_percentile(50)),
        "p99_ms": _ms(histogram.get_value_at_percentile(99)),
        "p999_ms": _ms(histogram.get_value_at_percentile(99.9)),
        "max_ms": _ms(histogram.get_max_value()),
    }


def _ms(us: float) -> float:
    return round(us / 1000, 2)
