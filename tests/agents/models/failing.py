"""Runs one call against a failing service, and checks what every error of a provider must keep."""

import traceback
from typing import Any

import pytest

from agents.errors import AgentError
from tests.agents.models.fake_service import Answer, FakeService, fake_service
from tests.agents.models.providers import KEY, run_once

BY_WIRE = ("openai", "anthropic", "google")
"""One provider for each wire."""

WATCHED = pytest.mark.parametrize("watched", [False, True], ids=["whole", "streamed"])


def watch(_: object) -> None:
    """Watch the progress, which makes the request a streaming one."""


def failure_of(
    provider: str, answer: Answer, *, watched: bool = False, **changes: Any
) -> tuple[AgentError, FakeService]:
    """Return the error of one call, and the service with its requests."""
    if watched:
        changes["on_progress"] = watch
    with fake_service(answer) as service, pytest.raises(AgentError) as raised:
        run_once(provider, service.url, **changes)
    require_no_secret(raised.value)
    return raised.value, service


def require_no_secret(error: AgentError) -> None:
    """Check that no key is in the message, the cure, the repr or the stack that a dead letter stores."""
    texts = [str(error), repr(error), str(vars(error)), "".join(traceback.format_exception(error))]
    assert not [text for text in texts if KEY in text]
