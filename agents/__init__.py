"""The five agents that analyse a thought, and the providers that can play them.

Use: `provider = make_provider(settings)` once a process, then
`provider.run(agent_name, AgentInput(...), CallContext(...))`.
This package knows no Kafka, Redis, Celery, Flask or database.
"""

from agents.catalogue import AGENT_NAMES
from agents.interface import AgentInput, AgentResult, CallContext, Provider
from agents.selection import make_provider

__all__ = ["AGENT_NAMES", "AgentInput", "AgentResult", "CallContext", "Provider", "make_provider"]
