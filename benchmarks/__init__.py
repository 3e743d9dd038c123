"""The benchmarks: `lapse` against its peers on one broker, and what its own promises cost. `python -m benchmarks`."""
