"""The people, places and topics that a thought names, found by the words before them.

Capital letters alone prove nothing ("Rust", "Monday", "I"), so a name counts only after a word that asks for a person
or a place. What is missed can be added by its author; what is invented cannot be trusted again.
"""

import re

from agents.classification import Entities
from agents.offline import vocabulary
from agents.offline.dates import dates
from agents.offline.english import any_of, distinct, one_of
from agents.output import MAX_LIST_LENGTH

_CAPITALISED = r"[A-Z][a-z\u00df-\u00f6\u00f8-\u00ff]{1,40}"
_NAME = rf"(?P<name>{_CAPITALISED}(?:[ -]{_CAPITALISED})?)(?!\w)"
_MY_KIN = rf"(?i:(?:my|our)\s(?:best\s|old\s)?{one_of(vocabulary.KIN)})"
_ARTICLE = r"(?:\s(?i:the|a|an|my|our|more|some|about))*"

_KIN = re.compile(rf"(?<!\w)(?P<name>{_MY_KIN}|{one_of(vocabulary.KIN_AS_NAMES)})(?!\w)")
_PERSON = re.compile(rf"(?<!\w)(?:(?i:{one_of(vocabulary.TO_PERSON)})|{_MY_KIN})\s{_NAME}")
_PLACE = re.compile(rf"(?<!\w)(?i:{one_of(vocabulary.TO_PLACE)})\s{_NAME}")
_COMMON_PLACE = re.compile(rf"(?<!\w)(?i:at|to|from|in)\s(?P<name>(?i:{one_of(vocabulary.COMMON_PLACES)}))(?!\w)")
_TOPIC = re.compile(
    rf"(?<!\w)(?i:{one_of(vocabulary.TO_TOPIC)}){_ARTICLE}\s(?P<name>[^\W\d_]{{1,40}}(?!\w)[+#]{{0,2}}(?:\s[A-Z][a-z]{{1,40}}(?!\w))?)"
)
_NEVER_A_NAME = any_of(vocabulary.CALENDAR | vocabulary.KIN_AS_NAMES)


def entities(text: str) -> Entities:
    """What the text names; every entry is a substring of it."""
    people = _names(_PERSON, text)
    places = [place for place in _names(_PLACE, text) if place not in people] + _names(_COMMON_PLACE, text)
    topics = [topic for topic in _names(_TOPIC, text) if topic not in people + places and _is_topic(topic.lower())]
    return Entities(
        people=distinct([kin["name"] for kin in _KIN.finditer(text)] + people, MAX_LIST_LENGTH),
        dates=dates(text),
        places=distinct(places, MAX_LIST_LENGTH),
        topics=distinct(topics, MAX_LIST_LENGTH),
    )


def _names(pattern: re.Pattern[str], text: str) -> list[str]:
    found = (match["name"] for match in pattern.finditer(text))
    return [name for name in found if not _NEVER_A_NAME.match(name)]


def _is_topic(word: str) -> bool:
    """Everyday words, verb forms and relatives come after "about" too, and are no topics."""
    return word not in vocabulary.FUNCTION_WORDS | vocabulary.KIN and not word.endswith("ing")
