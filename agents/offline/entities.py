"""Finds the people, places and topics that a thought names, by the words before them.

A capital letter alone proves nothing ("Rust", "Monday", "I"), so a name counts only after a word that introduces a
person or a place, such as "meet" or "travel to". A missed name does less harm than a false one, which costs the
reader's trust.
"""

import re

from agents.classification import Entities
from agents.dates import dates
from agents.fields import MAX_LIST_LENGTH
from agents.offline import vocabulary
from agents.offline.english import alternatives, distinct, whole_word_pattern

_CAPITALISED = r"[A-Z][a-z\u00df-\u00f6\u00f8-\u00ff]{1,40}"
_NAME = rf"(?P<name>{_CAPITALISED}(?:[ -]{_CAPITALISED})?)(?!\w)"
_MY_KIN = rf"(?i:(?:my|our)\s(?:best\s|old\s)?{alternatives(vocabulary.KIN)})"
_ARTICLE = r"(?:\s(?i:the|a|an|my|our|more|some|about))*"

_KIN = re.compile(rf"(?<!\w)(?P<name>{_MY_KIN}|{alternatives(vocabulary.KIN_AS_NAMES)})(?!\w)")
_PERSON = re.compile(rf"(?<!\w)(?:(?i:{alternatives(vocabulary.PERSON_CUES)})|{_MY_KIN})\s{_NAME}")
_PLACE = re.compile(rf"(?<!\w)(?i:{alternatives(vocabulary.PLACE_CUES)})\s{_NAME}")
_COMMON_PLACE = re.compile(rf"(?<!\w)(?i:at|to|from|in)\s(?P<name>(?i:{alternatives(vocabulary.COMMON_PLACES)}))(?!\w)")
_TOPIC = re.compile(
    rf"(?<!\w)(?i:{alternatives(vocabulary.TOPIC_CUES)}){_ARTICLE}\s(?P<name>[^\W\d_]{{1,40}}(?!\w)[+#]{{0,2}}(?:\s[A-Z][a-z]{{1,40}}(?!\w))?)"
)
_NEVER_A_NAME = whole_word_pattern(vocabulary.CALENDAR | vocabulary.KIN_AS_NAMES)


def entities(text: str) -> Entities:
    """Return the named entities. Every entry is a substring of the text."""
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
    names = (match["name"] for match in pattern.finditer(text))
    return [name for name in names if not _NEVER_A_NAME.match(name)]


def _is_topic(word: str) -> bool:
    """Return whether the word is a topic: everyday words, verb forms and relatives also follow "about"."""
    return word not in vocabulary.FUNCTION_WORDS | vocabulary.KIN and not word.endswith("ing")
