"""Failures of one call: repeated differently where that helps, otherwise sorted."""

import json
from typing import Any

import pytest

from agents.errors import InvalidOutput, PermanentError, ServiceError, TransientError
from tests.agents.calls import make_input
from tests.agents.models.failing import BY_WIRE, WATCHED, failure_of
from tests.agents.models.fake_service import Reply, Request, fake_service, json_reply
from tests.agents.models.providers import KEY, always, in_turn, modes, run_once, valid_text, writes
from tests.agents.models.wires import WIRES, Written

PROVIDERS = sorted(WIRES)

TOO_LONG = {
    "openai": (400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
    "openai-compatible": (400, "This model's maximum context length is 8192 tokens.", ""),
    "ollama": (400, "This model's maximum context length is 8192 tokens.", ""),
    "anthropic": (400, "prompt is too long: 300000 tokens > 200000 maximum", "invalid_request_error"),
    "google": (400, "The input token count (9) exceeds the maximum number of tokens allowed (8).", "INVALID_ARGUMENT"),
}
MEMORY = "I thought about this before."


def too_long(provider: str) -> Reply:
    return WIRES[provider].error(*TOO_LONG[provider])


def has_memory(request: Request) -> bool:
    return MEMORY in json.dumps(request.body)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_that_is_too_long_is_sent_once_more_without_earlier_thoughts(provider: str) -> None:
    answer = in_turn(always(too_long(provider)), writes(WIRES[provider], Written(valid_text("analysis"))))
    with fake_service(answer) as service:
        run_once(provider, service.url, "analysis", agent_input=make_input(earlier_thoughts=[MEMORY]))
    assert [has_memory(request) for request in service.requests] == [True, False]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_that_stays_too_long_fails_for_good(provider: str) -> None:
    agent_input = make_input(earlier_thoughts=[MEMORY])
    error, service = failure_of(provider, always(too_long(provider)), agent_name="analysis", agent_input=agent_input)
    assert isinstance(error, PermanentError)
    assert "too long" in str(error)
    assert len(service.requests) == 2


def test_a_body_that_is_too_large_counts_as_too_long() -> None:
    error, service = failure_of("anthropic", always(WIRES["anthropic"].error(413, "too large", "request_too_large")))
    assert isinstance(error, PermanentError)
    assert len(service.requests) == 1, "without earlier thoughts there is nothing to leave out"


def test_a_429_of_a_request_that_alone_exceeds_the_limit_counts_as_too_long() -> None:
    words = "Request too large for gpt-5 on tokens per min (TPM): Limit 30000, Requested 30601."
    answer = always(WIRES["openai"].error(429, words, "rate_limit_exceeded"))
    error, service = failure_of(
        "openai", answer, agent_name="analysis", agent_input=make_input(earlier_thoughts=[MEMORY])
    )
    assert isinstance(error, PermanentError)
    assert [has_memory(request) for request in service.requests] == [True, False]


def refusing(provider: str, refused: set[str], reply: Reply) -> Any:
    """Return a service that refuses some output modes and answers in the others."""

    def answer(request: Request) -> Reply:
        mode = WIRES[provider].mode(request)
        written = Written(valid_text(), is_tool_call=mode == "tool")
        return reply if mode in refused else WIRES[provider].reply(request, written)

    return answer


@WATCHED
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("refused", "tried"), [({"native"}, ["native", "tool"]), ({"native", "tool"}, ["native", "tool", "prompted"])]
)
def test_a_refused_output_mode_is_replaced_by_the_next(
    provider: str, refused: set[str], tried: list[str], watched: bool
) -> None:
    refusal = WIRES[provider].error(400, "unsupported parameter", "invalid_request_error")
    changes: dict[str, Any] = {"on_progress": lambda _: None} if watched else {}
    with fake_service(refusing(provider, refused, refusal)) as service:
        run_once(provider, service.url, **changes)
    assert modes(service, provider) == tried


def test_a_server_error_about_the_grammar_is_a_refused_mode() -> None:
    refusal = WIRES["ollama"].error(500, "failed to parse grammar", "api_error")
    with fake_service(refusing("ollama", {"native"}, refusal)) as service:
        run_once("ollama", service.url)
    assert modes(service, "ollama") == ["native", "tool"]


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name != "ollama"])
def test_a_request_that_is_refused_in_every_mode_fails_for_good_and_says_why(provider: str) -> None:
    refusal = WIRES[provider].error(400, f"the key {KEY} may not do this", "invalid_request_error")
    error, service = failure_of(provider, always(refusal))
    assert isinstance(error, PermanentError)
    assert "the key *** may not do this" in str(error)
    assert modes(service, provider) == ["native", "tool", "prompted"]


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_a_cut_answer_is_asked_for_once_more_with_more_tokens(provider: str, watched: bool) -> None:
    cut = Written(valid_text()[:40], finish="length")
    changes: dict[str, Any] = {"on_progress": lambda _: None} if watched else {}
    answer = in_turn(writes(WIRES[provider], cut), writes(WIRES[provider], Written(valid_text())))
    with fake_service(answer) as service:
        result = run_once(provider, service.url, **changes)
    limits = [limit_of(request.body) for request in service.requests]
    assert limits == [4096, 16384]
    assert result.tokens_in == 2000, "both requests were paid"


def limit_of(body: dict[str, Any]) -> Any:
    generation = body.get("generationConfig", {})
    return body.get("max_completion_tokens") or body.get("max_tokens") or generation.get("maxOutputTokens")


@pytest.mark.parametrize("provider", BY_WIRE)
def test_an_answer_that_stays_cut_is_invalid(provider: str) -> None:
    error, service = failure_of(provider, writes(WIRES[provider], Written("", finish="length")))
    assert isinstance(error, InvalidOutput)
    assert len(service.requests) == 2


def test_a_model_that_allows_no_longer_answer_is_not_the_thoughts_fault() -> None:
    wire = WIRES["openai"]
    answer = in_turn(writes(wire, Written("{", finish="length")), always(wire.error(400, "max_tokens is too large")))
    error, _ = failure_of("openai", answer)
    assert isinstance(error, InvalidOutput)


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_an_empty_answer_is_invalid(provider: str, watched: bool) -> None:
    error, service = failure_of(provider, writes(WIRES[provider], Written("")), watched=watched)
    assert isinstance(error, TransientError)
    assert not isinstance(error, ServiceError)
    assert len(service.requests) == 1


def test_an_answer_in_the_reasoning_is_invalid() -> None:
    error, _ = failure_of("openai", writes(WIRES["openai"], Written("", reasoning=valid_text())))
    assert isinstance(error, InvalidOutput)


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
@pytest.mark.parametrize(
    "text", ["I would rather talk.", "[1, 2]", '"text"', '{"type": "task"}', '{"error": "no"}', "{" * 5000]
)
def test_an_answer_that_ignores_the_schema_is_invalid_and_paid_for_once(
    provider: str, text: str, watched: bool
) -> None:
    error, service = failure_of(provider, writes(WIRES[provider], Written(text)), watched=watched)
    assert isinstance(error, InvalidOutput)
    assert len(service.requests) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "form", ["```json\n{}\n```", "Here it is:\n\n{}\n\nHope it helps.", "<think>hm {{?}}</think>\n{}"]
)
def test_an_answer_is_found_in_what_models_put_around_it(provider: str, form: str) -> None:
    text = form.replace("{{?}}", "{?}").replace("{}", valid_text())
    with fake_service(writes(WIRES[provider], Written(text))) as service:
        run_once(provider, service.url)
    assert len(service.requests) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_text_instead_of_the_required_tool_call_is_accepted_when_it_is_valid(provider: str) -> None:
    refusal = WIRES[provider].error(400, "no", "invalid_request_error")

    def answer(request: Request) -> Reply:
        if WIRES[provider].mode(request) == "native":
            return refusal
        return WIRES[provider].reply(request, Written(valid_text()))

    with fake_service(answer) as service:
        run_once(provider, service.url)
    assert modes(service, provider) == ["native", "tool"]


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_refused_content_fails_for_good(provider: str, watched: bool) -> None:
    error, service = failure_of(
        provider, writes(WIRES[provider], Written("", finish="content_filter")), watched=watched
    )
    assert isinstance(error, PermanentError), repr(error)
    assert len(service.requests) == 1


def test_a_refusal_of_openai_fails_for_good() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
    assert isinstance(failure_of("openai", always(json_reply(body)))[0], PermanentError)


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"])
def test_content_that_google_refuses_fails_for_good(reason: str) -> None:
    body = {"candidates": [{"index": 0, "finishReason": reason}], "usageMetadata": {"promptTokenCount": 5}}
    assert isinstance(failure_of("google", always(json_reply(body)))[0], PermanentError)


@WATCHED
def test_a_prompt_that_google_blocks_fails_for_good(watched: bool) -> None:
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}}
    reply = (
        Reply(body=[f"data: {json.dumps(body)}\n\n".encode()], content_type="text/event-stream")
        if watched
        else json_reply(body)
    )
    assert isinstance(failure_of("google", always(reply), watched=watched)[0], PermanentError)


@WATCHED
def test_a_malformed_function_call_of_google_is_invalid(watched: bool) -> None:
    error, _ = failure_of(
        "google", writes(WIRES["google"], Written("", finish="MALFORMED_FUNCTION_CALL")), watched=watched
    )
    assert isinstance(error, InvalidOutput), repr(error)


ERROR_INSIDE = {"error": {"message": "upstream failed", "code": 1234}}


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
@pytest.mark.parametrize(
    "reply",
    [
        json_reply(ERROR_INSIDE),
        Reply(body=[b"<html>Please log in</html>"], content_type="text/html"),
        Reply(body=[b"not json"]),
        Reply(body=[b""]),
        Reply(body=[b"null"]),
        Reply(body=[b"data: not json\n\n"], content_type="text/event-stream"),
        json_reply({"choices": []}),
        json_reply({"choices": None, "candidates": [], "content": []}),
        Reply(status=302, body=[b""], headers={"location": "/elsewhere"}),
        Reply(status=418, body=[b"{}"]),
    ],
    ids=["error", "html", "text", "empty", "null", "bad event", "no choices", "nothing", "redirect", "418"],
)  # fmt: skip
def test_an_answer_that_nobody_understands_is_transient(provider: str, reply: Reply, watched: bool) -> None:
    error, _ = failure_of(provider, always(reply), watched=watched)
    assert isinstance(error, TransientError), repr(error)


@pytest.mark.parametrize("provider", BY_WIRE)
def test_an_overload_inside_an_open_stream_is_an_outage(provider: str) -> None:
    inside = {
        "openai": {"error": {"message": "overloaded", "type": "server_error", "code": "server_error"}},
        "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        "google": {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
    }[provider]
    body = (
        f"event: error\ndata: {json.dumps(inside)}\n\n"
        if provider == "anthropic"
        else f"data: {json.dumps(inside)}\n\n"
    )
    reply = Reply(body=[body.encode()], content_type="text/event-stream")
    error, _ = failure_of(provider, always(reply), watched=True)
    assert isinstance(error, ServiceError), repr(error)
    assert error.cause == "outage"
