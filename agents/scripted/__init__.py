"""Answers with made-up results for tests and benchmarks, with delays and failures on demand and a log of all calls."""
