"""Makes the models of pydantic-ai: own HTTP clients, the keys and addresses of the settings, no retries in an SDK.

A retry in an SDK would multiply the timeouts and hide failures from the circuit breaker, so only the caller retries.
Every client is given its key and address: without them an SDK would read the environment. What an SDK reads besides is
refused when the settings are read (contracts.foreign_variables).
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import httpx2
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai.models import Model, create_async_httpx2_client
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from agents.errors import ServiceError
from agents.models.services import Endpoint

CONNECT_SECONDS: Final = 5.0
REQUEST_SECONDS: Final = 30.0
"""How long a service may send nothing. `request.silence_seconds` raises it for calls with a long deadline."""

LIMITS: Final = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
"""Connections of one client; AI_MAX_CONCURRENCY limits the calls."""

NO_KEY: Final = "no-key"
"""Sent to servers that need no key, because the SDK insists on one."""

MAX_TOKENS_FIELD: Final = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
"""Servers other than OpenAI's limit an answer by `max_tokens`, and many ignore OpenAI's newer name of the field."""


def make_model(endpoint: Endpoint, http_client: httpx2.AsyncClient) -> Model:
    """Return the model of an endpoint, which sends its requests through the client. It connects to nothing."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs every request at INFO
    return _MAKERS[endpoint.name.provider](endpoint, http_client)


def make_http_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """Return a client for one model. Close it in the event loop in which it was used.

    A service on this machine is called without the proxies of the environment, so that nothing leaves the machine.
    Raises ServiceError when no client can be made with the proxies and certificates that the environment names.
    """
    timeout = httpx2.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS)
    try:
        transport = httpx2.AsyncHTTPTransport(limits=LIMITS) if endpoint.is_on_this_machine else None
        return create_async_httpx2_client(timeout=timeout, limits=LIMITS, transport=transport)
    except (ImportError, OSError, ValueError) as error:  # no SOCKS, no such file, no URL; the text may hold a password
        cure = (
            f"no client for {endpoint.title} can be made with this environment ({type(error).__name__}): correct or "
            "unset SSL_CERT_FILE, SSL_CERT_DIR, HTTP_PROXY, HTTPS_PROXY and ALL_PROXY; SOCKS proxies are not supported"
        )
        raise ServiceError(f"{endpoint.title} cannot be called.", "outage", cure=cure) from None


def _key(endpoint: Endpoint) -> str:
    return endpoint.key.get_secret_value() if endpoint.key else NO_KEY


def _openai_client(endpoint: Endpoint, http_client: httpx2.AsyncClient) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=endpoint.base_url, api_key=_key(endpoint), http_client=http_client, max_retries=0)


def _openai(endpoint: Endpoint, http_client: httpx2.AsyncClient) -> Model:
    provider = OpenAIProvider(openai_client=_openai_client(endpoint, http_client))
    return OpenAIChatModel(endpoint.name.model, provider=provider)


def _openai_compatible(endpoint: Endpoint, http_client: httpx2.AsyncClient) -> Model:
    provider = OpenAICompatibleProvider("openai-compatible", openai_client=_openai_client(endpoint, http_client))
    return OpenAIChatModel(endpoint.name.model, provider=provider, profile=MAX_TOKENS_FIELD)


def _ollama(endpoint: Endpoint, http_client: httpx2.AsyncClient) -> Model:
    provider = OllamaProvider(openai_client=_openai_client(endpoint, http_client))
    return OllamaModel(endpoint.name.model, provider=provider, profile=MAX_TOKENS_FIELD)


def _anthropic(endpoint: Endpoint, http_client: httpx2.AsyncClient) -> Model:
    client = AsyncAnthropic(base_url=endpoint.base_url, api_key=_key(endpoint), http_client=http_client, max_retries=0)
    return AnthropicModel(endpoint.name.model, provider=AnthropicProvider(anthropic_client=client))


def _google(endpoint: Endpoint, http_client: httpx2.AsyncClient) -> Model:
    provider = GoogleProvider(api_key=_key(endpoint), base_url=endpoint.base_url, http_client=http_client)
    return GoogleModel(endpoint.name.model, provider=provider)


_MAKERS: Final[Mapping[str, Callable[[Endpoint, httpx2.AsyncClient], Model]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "google": _google,
    "ollama": _ollama,
    "openai-compatible": _openai_compatible,
}
