"""Decides when the results of an earlier thought are those of a new one: by a key of everything that they depend on.

Only equal texts have equal keys, up to differences that no reader would see. Embeddings decide nothing here: opposites
are as similar as paraphrases.
"""

import hashlib
import json
import re
import unicodedata
from typing import Any, Final

from agents.catalogue import CATALOGUE, Catalogue
from agents.dates import call_day, dates, writing_day
from agents.interface import AgentInput, Provider

_FINAL_STOP: Final = re.compile(r"(?<![.\u2026\s])\s*[.]$")
"""A full stop may stand or be missing at the end. Other marks, and several dots, change what is meant."""

_TIME_WORDS: Final = re.compile(
    r"\d"
    r"|\b(?:now|today|tonight|tomorrow|yesterday|ago|last|this|next|coming|soon|later|already|yet|still|since|until|till"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|days?|weeks?|weekends?|months?|years?|hours?|minutes?|mornings?"
    r"|evenings?|nights?|afternoons?|noon|midnight|deadlines?"
    r"|heute|morgen|gestern|jetzt|bald|n\u00e4chst\w*|letzt\w*|diese\w*|\w*tags?|\w*tage[ns]?|\w*wochen?\w*|monat\w*"
    r"|jahr\w*|abends?|nachts?|stunden?|\w*fristen?|mittwochs?"
    r"|aujourd\w*|demain|hier|maintenant|bient\u00f4t|prochaine?s?|derni\u00e8re?s?|cette?|lundi|mardi|mercredi|jeudi"
    r"|vendredi|samedi|dimanche|jours?|semaines?|mois|ans?|ann\u00e9es?|soirs?|matins?|heures?"
    r"|hoy|ma\u00f1ana|ayer|ahora|pronto|pr\u00f3xim[oa]s?|pasad[oa]s?|est[ea]s?|lunes|martes|mi\u00e9rcoles|jueves|viernes"
    r"|s\u00e1bados?|domingos?|d\u00edas?|semanas?|mes(?:es)?|a\u00f1os?|noches?|tardes?|horas?"
    r"|hoje|amanh\u00e3|ontem|agora|logo|segunda|ter\u00e7a|quarta|quinta|sexta|dias?|anos?|noites?|manh\u00e3)\b",
    re.IGNORECASE,
)
"""Words that may name a time, in five languages. A word too many costs a call on another day, one that is missing could
tell somebody on Friday that Friday is far away."""


def normalised(text: str) -> str:
    """Return the text without differences that no reader would see: composition, white space, a final full stop.

    Case stays: "US" and "us", "May" and "may", or shouted words are different.
    """
    composed = unicodedata.normalize("NFC", text)
    return _FINAL_STOP.sub("", " ".join(composed.split()))


def depends_on_day(text: str) -> bool:
    """Return whether the text may mean something else, or be more urgent, on another day."""
    return bool(dates(text)) or _TIME_WORDS.search(unicodedata.normalize("NFC", text)) is not None


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
        "agents": [[agent.name, agent.prompt_version] for agent in catalogue.agents],
        "provider": provider.identity(),
        "embedding_model": embedding_model,
    }
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()
