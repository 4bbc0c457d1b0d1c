"""A simulator of LINE."""

from tests.simulators.line.api import LineSimulator

__all__ = ["LineSimulator"]
