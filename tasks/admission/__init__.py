"""Decides whether a step may call its model now: circuit breaker, concurrency, rate limits and budgets.

A step that may not is deferred: it waits without an attempt being counted (`tasks.statements.DEFER`).
"""
