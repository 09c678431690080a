"""Decides when the results of an earlier thought are those of a new one: by a key of everything that they depend on.

Only equal texts have equal keys, up to differences that no reader would see. Embeddings decide nothing here: opposites
are as similar as paraphrases.
"""

import hashlib
import json
import re
import unicodedata
from functools import cache
from typing import Any, Final

from agents.catalogue import CATALOGUE, Catalogue
from agents.dates import call_day, dates, writing_day
from agents.interface import AgentInput, Provider
from agents.language import detect_language
from agents.output import AgentOutput
from agents.prompt import RULES
from agents.time_words import may_name_time

_FINAL_STOP: Final = re.compile(r"(?<![.\u2026\s])\s*[.]$")
"""A full stop may stand or be missing at the end. Other marks, and several dots, change what is meant."""


def normalised(text: str) -> str:
    """Return the text without differences that no reader would see: composition, white space, a final full stop.

    Case stays: "US" and "us", "May" and "may", or shouted words are different.
    """
    composed = unicodedata.normalize("NFC", text)
    return _FINAL_STOP.sub("", " ".join(composed.split()))


def depends_on_day(text: str) -> bool:
    """Return whether the text may mean something else, or be more urgent, on another day.

    A text whose language is not known may name a time in any words.
    """
    return bool(dates(text)) or may_name_time(text) or detect_language(text) is None


def reuse_key(
    agent_input: AgentInput, provider: Provider, embedding_model: str, catalogue: Catalogue = CATALOGUE
) -> str:
    """Return the key of a thought's results, 64 hexadecimal digits. Results of equal keys can stand in for each other.

    Of `agent_input` the user, the text, the profile and both times count. `embedding_model` chooses the earlier
    thoughts that are read; "" without memory.
    """
    days = [str(writing_day(agent_input)), str(call_day(agent_input))] if depends_on_day(agent_input.text) else []
    parts: dict[str, Any] = {
        "user": agent_input.user_id,
        "text": normalised(agent_input.text),
        "profile": agent_input.profile,
        "days": days,
        "agents": [
            [agent.name, agent.prompt_version, _asked(agent.instructions, agent.output)] for agent in catalogue.agents
        ],
        "provider": provider.identity(),
        "embedding_model": embedding_model,
    }
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()


@cache
def _asked(instructions: str, output: type[AgentOutput]) -> str:
    """Return a digest of what a model is asked, which changes with a text although its version was forgotten."""
    asked = json.dumps([RULES, instructions, output.model_json_schema()], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()
