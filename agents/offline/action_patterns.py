"""Patterns that mark where an action begins in a sentence, where it ends, and what is no part of it."""

import re
from typing import Final

from agents.offline import action_words
from agents.offline.clauses import any_of
from agents.offline.english import alternatives

_WORD_END: Final = r"(?![\w'\u2019])"
_VERB: Final = alternatives(action_words.IMPERATIVES)
_MINUTES_VERB: Final = alternatives(action_words.MINUTES_VERBS)
_TOPIC: Final = r"(?:[^:]{1,40}:\s+)?"
"""What a note may put before an action, as in "Bees: order the frames"."""


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("".join(parts), re.IGNORECASE)


PREFIX: Final = _pattern(rf"(?:{alternatives(action_words.PREFIXES)}\b[\s,:]*)+")
OPENING: Final = any_of(action_words.OPENINGS)
OWN: Final = _pattern(
    r"\b(?:i|we|ah|ich|wir|je|on|faut|tengo|voy|hay|tenemos|tenho|vou|preciso|precisamos|temos|devrais|devrait|debería|tendría|deveria|sollten|forget|remember|vergessen|oublier|olvidar|"
    r"esquecer)\b|^i",
)
"""Only an intention of the writer's own counts inside a sentence."""
DOING: Final = _pattern(
    r"(?<!\w)(?:i['\u2019]?m|i am|we['\u2019]re)\s+(?P<doing>",
    r"(?!(?:not|feel|go|be|hav|think|try|wonder|dy|di|get|look|wait|pay|sit|stand|lay|ly|miss|hop|start|los|keep)",
    r"\w*ing\b)",
    r"\w{2,}ing\b.*)",
)
"""What the writer is about to do, as in "Thursday I'm taking the car in"."""
NOT_DONE: Final = any_of(action_words.NOT_DONE)
NOT_DONE_AT_START: Final = _pattern(
    r"(?:(?:so|and|but|ok|right)\s)?(?!ne pas oublier|no olvidar|não esquecer|nicht vergessen)",
    rf"{alternatives(action_words.NOT_DONE_AT_START)}{_WORD_END}",
)
NOT_AFTER_OPENING: Final = _pattern(
    r"\s*(?:not|never|no\slonger|nicht|nie|niemals|kein\w*|pas|plus|jamais|no|nunca|não|jamais)\s",
    r"(?!only\b|just\b|nur\b|(?:oublier|forget|vergessen|olvidar|esquecer)\b)|\s*have\s(?!(?:a|an|the|my|some|to)\b)\w+",
)
"""Behind the words of an intention: what is not meant to be done, and what should have been done."""
REFUSAL: Final = _pattern(
    r"\W*(?:no|nope|nah|never|hell\sno|no\sway|over\smy\sdead\sbody|nein|nee|niemals|non|jamais|nunca|ni\shablar|não|nem\spensar)\W*",
)
"""A sentence that refuses what was asked before it."""
FORBIDDEN: Final = _pattern(
    r"(?:(?:and|but)\s)?(?P<words>(?:don['\u2019]?t|do not|never)\s",
    r"(?!forget|know|think|want|like|mind|get it|understand)\w.*)",
)
STARTS_WITH_VERB: Final = _pattern(
    rf"{_TOPIC}{_VERB}(?![\w'\u2019-])(?!\s(?:is|was|are|were|has|had|of)\b)",
)
MINUTES: Final = _pattern(rf"{_TOPIC}{_MINUTES_VERB}{_WORD_END}")
MINUTES_LAST: Final = _pattern(rf"(?<!\w){_MINUTES_VERB}$")
"""German has the verb at the end."""
NEXT: Final = _pattern(rf",?\s+(?:and then|then|and|&|\+)\s+(?={_VERB}\s)|,\s+(?={_VERB}\s+(?!,))")
"""Between two actions."""
CONDITION: Final = _pattern(
    r",?\s(?<!at\s)(?<!day\s)(?P<words>(?:once|after|when|whenever|as soon as|unless|if|wenn|sobald|quand|dès que|",
    r"cuando|quando|assim que)\s.+)$",
)
LIMIT: Final = _pattern(
    r",?\s(?P<words>(?:before|until|til|till|bevor|avant que|avant de|antes de|antes que)\s\w+\s\w.*)$",
)
REMARK: Final = _pattern(
    r"(?:,|\s\()\s?(?:(?:i|he|she|it|they|we|you|that|there|who|which|because|since|cos|weil|da|",
    r"parce que|porque|pois|car)(?:['\u2019]\w+)?\b",
    r"|(?:the|his|her|my|our|their)\s[\w'\u2019]+\s(?:is|are|was|has|have|will|been|\w+s)\b).*",
)
"""A reason or a remark behind an action, which is no part of it."""
CONSEQUENCE: Final = _pattern(
    r",?\s(?P<words>(?:or (?:else|it|i|we|he|she|they|the)|sinon|sonst|si no|senão)\b.+",
    r"|(?<=,\s)[^,]*\botherwise\b.*)",
)
IDEA: Final = _pattern(
    r"(?:idea:?|maybe|perhaps|what about|how about|we could|i could|could we(?: just)?|we might|possible to|",
    r"vielleicht|peut-être|quizás?|talvez|(?:und )?was wäre,? wenn|et si on|y si|e se)\b[\s,]*",
)
"""What stands before the thing itself in an idea."""
DURATION: Final = _pattern(
    r"\b(?:takes?|for|about|max)\s(?P<words>(?:\d{1,3}|half an|an|two|three|ten|twenty)\s?",
    r"(?:mins?|minutes?|hrs?|hours?))\b",
)
