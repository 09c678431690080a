"""Lists the languages whose dates are read."""

from collections.abc import Mapping
from typing import Final

from agents.dates.english import ENGLISH
from agents.dates.french import FRENCH
from agents.dates.german import GERMAN
from agents.dates.lexicon import Lexicon
from agents.dates.portuguese import PORTUGUESE
from agents.dates.spanish import SPANISH

LEXICONS: Final[Mapping[str, Lexicon]] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "pt": PORTUGUESE,
}
