"""Tests of the warehouse over a real chDB and a real JetStream."""
