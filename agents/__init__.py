"""Analyses thoughts: defines the agents, and the providers that answer for them.

`selection.make_provider(settings)` makes a provider, once per process. `provider.run(agent_name, AgentInput(...),
CallContext(...))` makes one call. This package does not depend on Kafka, Redis, Celery, Flask or the database.
"""
