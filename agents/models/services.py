"""Lists the model services: their addresses, and the settings that hold their addresses and keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.errors import ProviderConfigError
from agents.models.names import ModelName

LIBRARY: Final = "pydantic_ai"
"""The library behind all services. The others that a service needs are in `Service.library`."""


LOCAL_NAMES: Final = frozenset({"localhost", "host.docker.internal"})
"""Names of this machine; the second is that of the machine on which a container runs."""


class ServiceSettings(Protocol):
    """The addresses and keys of all services; contracts.model_settings.ModelSettings satisfies this protocol."""

    @property
    def openai_api_key(self) -> SecretStr | None: ...

    @property
    def openai_base_url(self) -> str: ...

    @property
    def anthropic_api_key(self) -> SecretStr | None: ...

    @property
    def anthropic_base_url(self) -> str: ...

    @property
    def google_api_key(self) -> SecretStr | None: ...

    @property
    def gemini_api_key(self) -> SecretStr | None: ...

    @property
    def google_base_url(self) -> str: ...

    @property
    def ollama_base_url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Service:
    """One kind of service. The names of settings are in upper case, as in the environment."""

    title: str
    """How messages call it."""
    library: str
    url_setting: str
    default_url: str = ""
    key_settings: tuple[str, ...] = ()
    """The settings that may hold the key; the first that is set counts."""
    needs_key: bool = True


SERVICES: Final[Mapping[str, Service]] = {
    "openai": Service("OpenAI", "openai", "OPENAI_BASE_URL", "https://api.openai.com/v1", ("OPENAI_API_KEY",)),
    "anthropic": Service(
        "Anthropic", "anthropic", "ANTHROPIC_BASE_URL", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",)
    ),
    "google": Service(
        "Google",
        "google.genai",
        "GOOGLE_BASE_URL",
        "https://generativelanguage.googleapis.com",
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    ),
    "ollama": Service("Ollama", "openai", "OLLAMA_BASE_URL", needs_key=False),
    "openai-compatible": Service(
        "The OpenAI-compatible server", "openai", "OPENAI_BASE_URL", key_settings=("OPENAI_API_KEY",), needs_key=False
    ),
}
"""Provider name -> service."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the service of a model is, and what a message about it may name. The key is never shown."""

    name: ModelName
    title: str
    base_url: str = field(repr=False)
    """May contain a password."""
    key: SecretStr | None
    url_setting: str
    key_setting: str
    """The setting that holds the key; empty for a service that has none."""
    model_setting: str
    """The setting that names the model."""

    @property
    def address(self) -> str:
        """The base URL without a user name or password, for messages."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the address names this machine, also as a container sees it."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host in LOCAL_NAMES or host.endswith(".localhost")

    def secrets(self) -> tuple[str, ...]:
        """Return every text that no message may contain."""
        parts = urlsplit(self.base_url)
        key = self.key.get_secret_value() if self.key else ""
        return tuple(secret for secret in (key, parts.password or "", parts.username or "") if secret)


def make_endpoint(name: ModelName, model_setting: str, settings: ServiceSettings) -> Endpoint:
    """Return the endpoint of a model. Raises ProviderConfigError when its key or address is missing or wrong."""
    service = SERVICES[name.provider]
    key_setting, key = _key(service, settings, model_setting)
    return Endpoint(
        name, service.title, _base_url(name, settings), key, service.url_setting, key_setting, model_setting
    )


def _key(service: Service, settings: ServiceSettings, model_setting: str) -> tuple[str, SecretStr | None]:
    """Return the setting that holds the key, and the key."""
    for setting in service.key_settings:
        key: SecretStr | None = getattr(settings, setting.lower())
        if key is not None and key.get_secret_value().strip():
            return setting, _checked_key(setting, key.get_secret_value().strip())
    if service.needs_key:
        raise ProviderConfigError(
            f"{service.key_settings[0]}: missing; {model_setting} selects a model of {service.title}, which needs a key"
        )
    return (service.key_settings[0] if service.key_settings else ""), None


def _checked_key(setting: str, key: str) -> SecretStr:
    """Check that the key can stand in an HTTP header, because the error of an HTTP client would show it."""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ProviderConfigError(f"{setting}: contains a character that no key contains; copy the key again")
    return SecretStr(key)


def _base_url(name: ModelName, settings: ServiceSettings) -> str:
    service = SERVICES[name.provider]
    url = (str(getattr(settings, service.url_setting.lower())) or service.default_url).strip().rstrip("/")
    if not url:
        raise ProviderConfigError(
            f"{service.url_setting}: missing; set it to the address of the server that serves {name}, "
            "such as http://localhost:8080/v1"
        )
    if not _is_http(url):
        raise ProviderConfigError(f"{service.url_setting}: must be an address that starts with http:// or https://")
    return f"{url}/v1" if name.provider == "ollama" and not url.endswith("/v1") else url


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
