"""Calls models of five kinds of services: OpenAI, Anthropic, Google, Ollama, and any server with OpenAI's wire.

`configuration` checks the settings and loads no library of a model service. `provider.ModelProvider` makes the calls:
in one event loop per process, with one request after the other until one is answered, and with every error sorted.
Of this package, only what `provider` imports loads pydantic-ai.
"""
