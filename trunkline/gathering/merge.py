"""Series of several processes as those of one: each with the label `process`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


def parse(text: str) -> list[Metric]:
    """What one process says. Raises ValueError if it isn't Prometheus' text."""
    return list(text_string_to_metric_families(text))


def merge(told: Mapping[str, Iterable[Metric]], ours: Iterable[Metric]) -> list[Metric]:
    """`told` by process, and `ours`, which have their labels: each family once, as the format wants it."""
    merged = {family.name: family for family in ours}
    for process, families in told.items():
        for family in families:
            into = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                into.samples.append(sample._replace(labels={**sample.labels, "process": process}))
    return [merged[name] for name in sorted(merged)]


def text(families: Iterable[Metric]) -> bytes:
    """As Prometheus reads it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ready(families))
    return generate_latest(registry)


class _Ready(Collector):
    """Families that are there already, as the library's registry asks for them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
