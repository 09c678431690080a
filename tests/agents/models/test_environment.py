"""What the environment says about proxies and certificates, which the HTTP client reads itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agents.errors import ServiceError
from agents.models.configuration import read_configuration
from tests.agents.models.fake_service import FakeService, fake_service
from tests.agents.models.providers import model_settings, run_once, valid_text, writes
from tests.agents.models.wires import WIRES, Written

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@contextmanager
def service_of(provider: str) -> Iterator[FakeService]:
    with fake_service(writes(WIRES[provider], Written(valid_text()))) as service:
        yield service


@pytest.mark.parametrize("provider", ["ollama", "openai-compatible"])
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_service_on_this_machine_is_called_without_a_proxy(
    name: str, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service_of(provider) as service, service_of(provider) as proxy:
        monkeypatch.setenv(name, proxy.url)
        run_once(provider, service.url)
        assert len(service.requests) == 1
        assert proxy.requests == []


def test_a_service_elsewhere_is_called_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with service_of("ollama") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        run_once("ollama", "http://models.invalid:11434")
        [request] = proxy.requests
    assert request.path == "http://models.invalid:11434/v1/chat/completions"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1", True), ("http://127.1.2.3:1", True), ("http://[::1]:1", True),
        ("http://LocalHost:1", True), ("http://a.localhost", True), ("http://host.docker.internal:1", True),
        ("http://10.0.0.1:1", False), ("http://localhost.example.com", False), ("http://ollama:1", False),
    ],
)  # fmt: skip
def test_an_address_is_on_this_machine_only_by_a_loopback_address_or_name(url: str, expected: bool) -> None:
    [endpoint] = read_configuration(model_settings("ollama", url), ["priority"]).endpoints.values()
    assert endpoint.is_on_this_machine is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("all_proxy", "socks5://user:hidden@127.0.0.1:1"),
        ("http_proxy", "ftp://user:hidden@127.0.0.1:1"),
        ("SSL_CERT_FILE", "/nonexistent/hidden.pem"),
    ],
)
def test_an_environment_without_a_usable_client_is_an_outage_and_costs_no_thought(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ServiceError) as raised:
        run_once("openai", "http://models.invalid:1")
    assert raised.value.cause == "outage"
    assert name.upper() in raised.value.cure
    assert "hidden" not in raised.value.cure + str(raised.value)
