"""Series of /metrics, asked for and read as Prometheus reads them."""

from __future__ import annotations

import urllib.request
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families


class Series(NamedTuple):
    """What a port of metrics said: `values` by name and labels."""

    text: str
    values: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """One value. Fails with all labels of that name if there is none."""
        found = self.values.get((name, frozenset(labels.items())))
        assert found is not None, [sorted(has) for one, has in self.values if one == name] or f"no {name}"
        return found

    def labels(self, name: str, label: str) -> set[str]:
        """All values of a label of that name."""
        return {dict(has)[label] for one, has in self.values if one == name and label in dict(has)}


def series(url: str, within_s: float = 10) -> Series:
    """Ask for them now."""
    with urllib.request.urlopen(url + "/metrics", timeout=within_s) as answer:  # noqa: S310 - a process of ours
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return Series(text, {(s.name, frozenset(s.labels.items())): s.value for f in families for s in f.samples})
