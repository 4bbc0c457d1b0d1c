"""Tests: unit, contract, integration, faults, a real browser, benchmarks, and the harness they share."""
