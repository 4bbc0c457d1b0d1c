"""The benchmarks themselves, tried at a small size."""
