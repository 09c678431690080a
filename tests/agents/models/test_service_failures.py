"""Failures of a service: the work waits, and the error names the cure for an operator."""

from typing import Any

import pytest

from agents.errors import ServiceError, TransientError
from tests.agents.models.failing import BY_WIRE, WATCHED, failure_of, require_no_secret, watch
from tests.agents.models.fake_service import Reply, fake_service, json_reply, never_ending, refusing_address
from tests.agents.models.providers import KEY, always, run_once
from tests.agents.models.wires import WIRES

PROVIDERS = sorted(WIRES)


def service_error(provider: str, reply: Reply, **options: Any) -> ServiceError:
    error, service = failure_of(provider, always(reply), **options)
    assert isinstance(error, ServiceError), repr(error)
    assert len(service.requests) == 1, "a service that failed must not be called again at once"
    return error


@WATCHED
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_busy_service_is_waited_for_as_long_as_it_asks(provider: str, watched: bool) -> None:
    reply = WIRES[provider].error(429, "slow down", "rate_limit_error", {"retry-after": "30"})
    error = service_error(provider, reply, watched=watched)
    assert (error.cause, error.retry_after) == ("rate_limited", 30)


def test_a_wait_in_the_body_is_honoured_too() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "14s"}]
    body = {"error": {"code": 429, "message": "busy", "status": "RESOURCE_EXHAUSTED", "details": details}}
    assert service_error("google", json_reply(body, 429)).retry_after == 14


@pytest.mark.parametrize(
    ("provider", "status", "message", "kind"),
    [
        ("openai", 429, "You exceeded your current quota", "insufficient_quota"),
        ("openai-compatible", 402, "Insufficient credits", ""),
        ("anthropic", 400, "Your credit balance is too low to access the API", "invalid_request_error"),
        ("anthropic", 402, "billing", "billing_error"),
    ],
)
def test_an_exhausted_quota_is_for_a_person_to_fix(provider: str, status: int, message: str, kind: str) -> None:
    error = service_error(provider, WIRES[provider].error(status, message, kind))
    assert error.cause == "quota"
    assert "top it up" in error.cure


def test_an_exhausted_daily_quota_of_google_is_no_rate_limit() -> None:
    violations = [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}]
    body = {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": details}}
    assert service_error("google", json_reply(body, 429)).cause == "quota"


@pytest.mark.parametrize(
    ("provider", "status", "cure"),
    [
        ("openai", 401, "OpenAI refuses the key in OPENAI_API_KEY (401)"),
        ("openai", 403, "OpenAI refuses the key in OPENAI_API_KEY (403)"),
        ("anthropic", 401, "Anthropic refuses the key in ANTHROPIC_API_KEY (401)"),
        ("google", 403, "Google refuses the key in GOOGLE_API_KEY (403)"),
        ("openai-compatible", 401, "The OpenAI-compatible server refuses the key in OPENAI_API_KEY (401)"),
    ],
)
def test_a_refused_key_names_its_setting_and_never_the_key(provider: str, status: int, cure: str) -> None:
    reply = WIRES[provider].error(status, f"Incorrect API key provided: {KEY}", "authentication_error")
    error = service_error(provider, reply)
    assert (error.cause, error.cure) == ("refused_key", cure)


def test_a_key_that_google_calls_invalid_is_a_refused_key() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    body = {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": details}}
    assert service_error("google", json_reply(body, 400)).cause == "refused_key"


def test_a_server_that_asks_for_a_key_says_which_setting_holds_it() -> None:
    reply = WIRES["openai-compatible"].error(401, "a key, please")
    with fake_service(always(reply)) as service, pytest.raises(ServiceError) as raised:
        run_once("openai-compatible", service.url, settings={"openai_api_key": None})
    assert raised.value.cure == (
        f"The OpenAI-compatible server at {service.url}/v1 asks for a key (401): set OPENAI_API_KEY"
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unknown_model_names_the_setting_that_selects_it(provider: str) -> None:
    error = service_error(provider, WIRES[provider].error(404, "no such model", "not_found_error"))
    assert error.cause == "unknown_model"
    assert "correct AI_MODEL" in error.cure


@WATCHED
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
def test_a_server_error_is_an_outage(provider: str, status: int, watched: bool) -> None:
    reply = WIRES[provider].error(status, "The model is overloaded", "overloaded_error")
    assert service_error(provider, reply, watched=watched).cause == "outage"


@pytest.mark.parametrize("provider", BY_WIRE)
def test_an_error_page_of_a_proxy_is_an_outage(provider: str) -> None:
    page = Reply(502, [b"<html><h1>502 Bad Gateway</h1></html>"], content_type="text/html")
    assert service_error(provider, page).cause == "outage"


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_a_cut_connection_is_an_outage(provider: str, watched: bool) -> None:
    kind = "text/event-stream" if watched else "application/json"
    reply = Reply(body=[b'data: {"id'], length=10_000, content_type=kind)
    error, _ = failure_of(provider, always(reply), watched=watched)
    assert isinstance(error, TransientError)
    assert isinstance(error, ServiceError), repr(error)
    assert error.cause == "outage"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refused_connection_is_an_outage_whose_cure_names_the_address(provider: str) -> None:
    with refusing_address() as url, pytest.raises(ServiceError) as raised:
        run_once(provider, url)
    assert raised.value.cause == "outage"
    assert url in raised.value.cure
    require_no_secret(raised.value)


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_a_service_that_falls_silent_is_an_outage(
    provider: str, watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.models.requests.REQUEST_SECONDS", 0.2)
    with fake_service(lambda _: never_ending(lambda: service)) as service, pytest.raises(ServiceError) as raised:
        run_once(provider, service.url, deadline_seconds=1.0)
    assert raised.value.cause == "outage"
    assert "within" not in str(raised.value), "the silence must end the request, not the deadline"


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_a_body_that_drips_on_ends_at_the_deadline(provider: str, watched: bool) -> None:
    kind = "text/event-stream" if watched else "application/json"
    changes: dict[str, Any] = {"on_progress": watch} if watched else {}
    with (
        fake_service(lambda _: never_ending(lambda: service, drip=b" ", content_type=kind)) as service,
        pytest.raises(ServiceError, match=r"did not answer within 0\.5 s") as raised,
    ):
        run_once(provider, service.url, deadline_seconds=0.5, **changes)
    assert raised.value.cause == "outage"
