"""The process manager, and everything that starts, watches, replaces and stops processes."""
