"""Measures what the offline agents cost: processor time a thought, and the memory of a worker that has loaded them."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from agents.catalogue import CATALOGUE
from agents.embedding.embedder import embedder, tuned_embedder
from agents.interface import AgentInput, CallContext
from agents.offline.provider import OfflineProvider
from bench.figures import print_machine, spread
from bench.worker_memory import worker_megabytes
from notes.reader import read_set

_TWENTY_THOUGHTS: Final = """
from bench.offline import analyse, texts
for text in texts(20):
    analyse(text)
"""


def measure(*, thoughts: int, rounds: int) -> None:
    """Print the processor time of all agents for a thought, and of each agent; then the memory of a worker."""
    print(f"{thoughts} different notes per round, of 41 voices in five languages")
    print_machine()
    analyse("Load the model first")
    measured = [_round(texts(thoughts, number)) for number in range(rounds)]
    print(f"all agents: {spread([sum(each.values()) for each in measured], '.1f')} ms of processor time per thought")
    embedding = [_embedding(texts(thoughts, number)) for number in range(rounds)]
    print(f"  the two embedding models: {spread(embedding, '.1f')} ms")
    for name in CATALOGUE.names:
        print(f"  {name}: {spread([each[name] for each in measured], '.1f')} ms")
    before, after = worker_megabytes({}), worker_megabytes({}, _TWENTY_THOUGHTS)
    print(f"memory of a worker: {before:.0f} MB before its first thought, {after:.0f} MB after twenty")
    print_machine()


def texts(number: int, start: int = 0) -> Sequence[str]:
    """Return this many different notes; other ones for another `start`."""
    notes = [note.text for voice in read_set("training") for note in voice.notes]
    return [notes[(start * number + place) * 37 % len(notes)] for place in range(number)]


def analyse(text: str) -> Mapping[str, float]:
    """Run the five agents on a text; return the milliseconds of processor time of each."""
    provider, outputs = OfflineProvider(), dict[str, Any]()
    spent: dict[str, float] = {}
    for agent in CATALOGUE.agents:
        agent_input = AgentInput("", "", text, previous=outputs, profile=_PROFILE)
        started_at = time.process_time()
        result = provider.run(agent.name, agent_input, CallContext("", 1, 60, threading.Event(), ""))
        spent[agent.name] = (time.process_time() - started_at) * 1000
        outputs = {**outputs, agent.name: result.output.model_dump(mode="json")}
    return spent


_PROFILE: Final = {
    "goals": ["Finish my thesis", "Run a half marathon", "Save for a flat"],
    "constraints": ["Bad back", "Little money this year"],
}


def _embedding(notes: Sequence[str]) -> float:
    """Return the milliseconds that the models of the classifier and of similarity need for a note, without a cache."""
    models = [model for model in (embedder(), tuned_embedder()) if model is not None]
    started_at = time.process_time()
    for text in notes:
        for model in models:
            model.embed_all([text])
    return (time.process_time() - started_at) * 1000 / len(notes)


def _round(notes: Sequence[str]) -> dict[str, float]:
    spent = [analyse(text) for text in notes]
    return {name: sum(each[name] for each in spent) / len(spent) for name in CATALOGUE.names}
