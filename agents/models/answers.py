"""Reads the answer of a model: its JSON, however the model wrapped it, and why there is none."""

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_core import from_json

from agents.errors import InvalidOutput, PermanentError
from agents.interface import PartialOutput

_THOUGHTS: Final = re.compile(r"<think>.*?</think>", re.DOTALL)


class CutOffAnswer(InvalidOutput):
    """Raised when an answer ended at the limit of tokens before it was complete."""


def read_answer(response: ModelResponse) -> Any:
    """Return the JSON value that the model answered.

    Raises PermanentError when the service refused the content, CutOffAnswer when the limit of tokens cut the answer,
    and InvalidOutput when there is no JSON in it.
    """
    if response.finish_reason == "content_filter":
        raise PermanentError("The model declined to answer, because of the content of the thought.")
    for value in _written_values(response):
        if isinstance(value, dict):
            return value
    if response.finish_reason == "length":
        raise CutOffAnswer("The model's answer was cut off at the limit of tokens.")
    if response.finish_reason == "error":
        raise InvalidOutput("The model's answer was malformed.")
    raise InvalidOutput("The model's answer is empty." if not written_text(response) else "The answer is not JSON.")


def read_partial_answer(response: ModelResponse) -> PartialOutput:
    """Return the fields that the model has written so far; none while its text is not the start of a JSON object."""
    text = written_text(response)
    start = text.find("{")
    try:
        value = from_json(text[start:], allow_partial="trailing-strings") if start >= 0 else None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def written_text(response: ModelResponse) -> str:
    """Return the text in which the answer stands: the arguments of the tool call, or else the text of the message."""
    calls = [part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart)]
    return calls[0] if calls else "".join(part.content for part in response.parts if isinstance(part, TextPart))


def _written_values(response: ModelResponse) -> Iterator[Any]:
    """Yield what the text may mean: the whole text, or the object in it, which may stand in a Markdown fence."""
    text = _THOUGHTS.sub("", written_text(response))
    for candidate in (text, text[text.find("{") : text.rfind("}") + 1]):
        try:
            yield from_json(candidate)
        except ValueError:
            continue
