"""The provider for tests and benches: made-up results, waits and failures on demand, calls that can be counted."""
