"""A simulator of 抖音."""

from tests.simulators.douyin.simulator import DouyinSimulator

__all__ = ["DouyinSimulator"]
