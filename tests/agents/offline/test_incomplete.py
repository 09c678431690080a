"""A result for which a text could not be embedded says that it is incomplete."""

import pytest

from agents.classification import Classification
from agents.embedding import embedder as embedder_module
from agents.embedding.embedder import embedder
from agents.interface import AgentResult
from agents.offline.provider import OfflineProvider
from tests.agents.calls import make_context, make_input

CLASSIFICATION = Classification(
    type="idea",
    urgency="eventually",
    entities={"people": [], "dates": [], "places": [], "topics": []},
    emotional_tone="neutral",
    implied_needs=[],
    complexity="simple",
)


def analyse(text: str) -> AgentResult:
    previous = {"classification": CLASSIFICATION.model_dump(mode="json")}
    agent_input = make_input(text, previous=previous, profile={"goals": ["Sail around the world"]})
    return OfflineProvider().run("analysis", agent_input, make_context())


def test_a_result_is_incomplete_when_the_model_was_busy_and_complete_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedder_module, "LOCK_SECONDS", 0.01)
    model = embedder()
    assert model is not None
    with model._lock:
        assert not analyse("Learn to sail on the lake").is_complete
    assert analyse("Learn to sail on the lake").is_complete
