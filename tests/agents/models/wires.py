"""How each kind of service words its answers, as its public documentation says."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from tests.agents.models.fake_service import Reply, Request, json_reply

TOKENS_IN, TOKENS_OUT = 1000, 200
MODEL_OF = {
    "openai": "gpt-5-mini",
    "openai-compatible": "some-model",
    "ollama": "llama3.2",
    "anthropic": "claude-haiku-5-5",
    "google": "gemini-2.5-flash",
}


@dataclass(frozen=True)
class Written:
    """What the model writes: a text, or the arguments of a tool call."""

    text: str = ""
    is_tool_call: bool = False
    finish: str = "stop"
    """stop, length or content_filter; a wire translates it."""
    has_usage: bool = True
    reasoning: str = ""

    def pieces(self) -> list[str]:
        """The text in pieces, as a stream sends it."""
        return [self.text[start : start + 24] for start in range(0, len(self.text), 24)]


class Wire(Protocol):
    """One vendor's wire."""

    def mode(self, request: Request) -> str: ...

    def reply(self, request: Request, written: Written) -> Reply: ...

    def error(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Reply: ...


def events(values: Iterator[Any], *, named: bool = False, last: str = "") -> Reply:
    """Return values as server-sent events."""

    def body() -> Iterator[bytes]:
        for value in values:
            name = f"event: {value['type']}\n" if named else ""
            yield f"{name}data: {json.dumps(value)}\n\n".encode()
        yield last.encode()

    return Reply(body=body(), content_type="text/event-stream")


class OpenAIWire:
    """Chat completions."""

    def mode(self, request: Request) -> str:
        if request.body.get("response_format", {}).get("type") == "json_schema":
            return "native"
        return "tool" if request.body.get("tools") else "prompted"

    def reply(self, request: Request, written: Written) -> Reply:
        if request.body.get("stream"):
            return events(self._chunks(written), last="data: [DONE]\n\n")
        message: dict[str, Any] = {"role": "assistant", "content": None if written.is_tool_call else written.text}
        if written.is_tool_call:
            message["tool_calls"] = [self._call(written.text)]
        if written.reasoning:
            message["reasoning_content"] = written.reasoning
        choice = {"index": 0, "message": message, "finish_reason": written.finish}
        return json_reply(self._envelope("chat.completion", [choice]) | self._usage(written))

    def error(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Reply:
        return json_reply({"error": {"message": message, "type": kind, "code": kind or None}}, status, headers)

    def _chunks(self, written: Written) -> Iterator[Any]:
        for piece in written.pieces():
            delta = {"tool_calls": [self._call(piece)]} if written.is_tool_call else {"content": piece}
            yield self._chunk(delta, None)
        yield self._chunk({}, written.finish)
        if written.has_usage:
            yield self._envelope("chat.completion.chunk", []) | self._usage(written)

    def _chunk(self, delta: Any, finish: str | None) -> Any:
        return self._envelope("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])

    def _envelope(self, kind: str, choices: list[Any]) -> dict[str, Any]:
        return {"id": "an-id", "object": kind, "created": 1, "model": "a-model", "choices": choices}

    def _usage(self, written: Written) -> dict[str, Any]:
        total = TOKENS_IN + TOKENS_OUT
        usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": total}
        return {"usage": usage} if written.has_usage else {}

    def _call(self, arguments: str) -> Any:
        return {"index": 0, "id": "a-call", "type": "function", "function": {"name": "answer", "arguments": arguments}}


class AnthropicWire:
    """Messages."""

    FINISH: ClassVar = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}

    def mode(self, request: Request) -> str:
        if request.body.get("output_config", {}).get("format") or request.body.get("output_format"):
            return "native"
        return "tool" if request.body.get("tools") else "prompted"

    def reply(self, request: Request, written: Written) -> Reply:
        if request.body.get("stream"):
            return events(self._events(written), named=True)
        block = {"type": "text", "text": written.text}
        if written.is_tool_call:
            block = self._call(json.loads(written.text))
        return json_reply(self._message([block], self.FINISH[written.finish], written))

    def error(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Reply:
        return json_reply({"type": "error", "error": {"type": kind, "message": message}}, status, headers)

    def _events(self, written: Written) -> Iterator[Any]:
        yield {"type": "message_start", "message": self._message([], None, written)}
        start = self._call({}) if written.is_tool_call else {"type": "text", "text": ""}
        yield {"type": "content_block_start", "index": 0, "content_block": start}
        kind, name = ("input_json_delta", "partial_json") if written.is_tool_call else ("text_delta", "text")
        for piece in written.pieces():
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": kind, name: piece}}
        yield {"type": "content_block_stop", "index": 0}
        delta = {"stop_reason": self.FINISH[written.finish], "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": self._usage(written)}
        yield {"type": "message_stop"}

    def _message(self, content: list[Any], stop_reason: str | None, written: Written) -> Any:
        return {
            "id": "an-id",
            "type": "message",
            "role": "assistant",
            "model": "a-model",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": self._usage(written),
        }

    def _usage(self, written: Written) -> dict[str, int]:
        tokens = (TOKENS_IN, TOKENS_OUT) if written.has_usage else (0, 0)
        return {"input_tokens": tokens[0], "output_tokens": tokens[1]}

    def _call(self, arguments: Any) -> Any:
        return {"type": "tool_use", "id": "a-call", "name": "answer", "input": arguments}


class GeminiWire:
    """generateContent and streamGenerateContent."""

    FINISH: ClassVar = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}

    def mode(self, request: Request) -> str:
        generation = request.body.get("generationConfig", {})
        if generation.get("responseJsonSchema") or generation.get("responseSchema"):
            return "native"
        return "tool" if request.body.get("tools") else "prompted"

    def reply(self, request: Request, written: Written) -> Reply:
        finish = self.FINISH.get(written.finish, written.finish)
        if "streamGenerateContent" in request.path:
            return events(self._chunks(written, finish))
        return json_reply(self._response([self._part(written, written.text)], finish, written))

    def error(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Reply:
        return json_reply({"error": {"code": status, "message": message, "status": kind}}, status, headers)

    def _chunks(self, written: Written, finish: str) -> Iterator[Any]:
        pieces = [written.text] if written.is_tool_call else written.pieces()
        for piece in pieces[:-1]:
            yield self._response([self._part(written, piece)], None, written)
        yield self._response([self._part(written, piece) for piece in pieces[-1:]], finish, written)

    def _part(self, written: Written, text: str) -> Any:
        if written.is_tool_call:
            return {"functionCall": {"name": "answer", "args": json.loads(text)}}
        return {"text": text}

    def _response(self, parts: list[Any], finish: str | None, written: Written) -> Any:
        candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
        response: dict[str, Any] = {"candidates": [candidate], "modelVersion": "a-model", "responseId": "an-id"}
        if finish:
            candidate["finishReason"] = finish
        if written.has_usage:
            response["usageMetadata"] = {
                "promptTokenCount": TOKENS_IN,
                "candidatesTokenCount": TOKENS_OUT,
                "totalTokenCount": TOKENS_IN + TOKENS_OUT,
            }
        return response


WIRES: Mapping[str, Wire] = {
    "openai": OpenAIWire(),
    "openai-compatible": OpenAIWire(),
    "ollama": OpenAIWire(),
    "anthropic": AnthropicWire(),
    "google": GeminiWire(),
}
"""Provider name -> its service's wire."""
