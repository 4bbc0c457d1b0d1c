"""The channel `sample`."""

from trunkline_sample.client import Sample

__all__ = ["Sample"]
