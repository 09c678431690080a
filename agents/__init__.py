"""The agents that analyse a thought, and the providers that answer for them.

`selection.make_provider(settings)` makes a provider, once per process; `provider.run(agent_name, AgentInput(...),
CallContext(...))` makes one call. This package knows no Kafka, Redis, Celery, Flask or database.
"""
