"""Tests of the warehouse that need neither a server nor an engine."""
