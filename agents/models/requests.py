"""Sends one request to a model, and reports what the model writes meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Final

from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings

from agents.interface import PartialOutput, ignore_progress
from agents.models.answers import read_partial_answer
from agents.models.factory import REQUEST_SECONDS
from agents.prompt import Prompt

PROGRESS_SECONDS: Final = 0.2
"""The shortest time between two reports of what a model has written."""

OnProgress = Callable[[PartialOutput], None]


def silence_seconds(deadline_seconds: float) -> float:
    """Return how long a service may send nothing: 30 s, or half of a longer deadline, which is set for slow models."""
    return max(REQUEST_SECONDS, deadline_seconds / 2)


async def send_request(
    model: Model, prompt: Prompt, parameters: ModelRequestParameters, settings: ModelSettings, on_progress: OnProgress
) -> ModelResponse:
    """Send one request and return the whole response. It is streamed only when somebody watches the progress.

    Raises whatever pydantic-ai and the libraries below it raise.
    """
    messages: list[ModelMessage] = [
        ModelRequest(parts=[UserPromptPart(prompt.message)], instructions=prompt.instructions)
    ]
    if on_progress is ignore_progress:
        return await model_request(
            model, messages, model_settings=settings, model_request_parameters=parameters, instrument=False
        )
    async with model_request_stream(
        model, messages, model_settings=settings, model_request_parameters=parameters, instrument=False
    ) as stream:
        await _report(stream, on_progress)
        return stream.get()


async def _report(stream: StreamedResponse, on_progress: OnProgress) -> None:
    """Read the stream to its end, and report each changed partial output, at most once per PROGRESS_SECONDS."""
    clock = asyncio.get_running_loop().time
    due_at, reported = clock(), dict[str, object]()
    async for _ in stream:
        if clock() < due_at:
            continue
        due_at = clock() + PROGRESS_SECONDS
        partial = dict(read_partial_answer(stream.get()))
        if partial != reported:
            on_progress(partial)
            reported = partial
