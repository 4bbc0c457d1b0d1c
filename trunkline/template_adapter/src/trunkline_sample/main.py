"""`trunkline adapter sample`."""

from backbone.follow import start
from trunkline_sample.adapter import Sample
from trunkline_sample.settings import Settings


def main() -> int:
    """Runs until a signal; returns the exit code."""
    return start("sample", Settings, Sample)
