"""Finds the places with a name of their own that a thought names: cities, countries, streets, parks, churches.

"The office" and "home" are no places here. A word is a place when it is in the list and stands where a place stands,
or when it is a part of the name of a street or a building.
"""

import re
from collections.abc import Iterator
from typing import Final

from agents.language import is_known_word
from agents.offline.name_lists import Certainty, name_list
from agents.offline.not_names import NOT_NAMES
from agents.offline.tokens import Token, tokenise
from agents.offline.word_sets import word_set

_MAX_WORDS: Final = 4
"""The longest place of the list: "Ho Chi Minh City"."""


def places(text: str, language: str | None) -> list[str]:
    """Return the places as they are written, in their order and without repetitions."""
    if language is None:
        return []
    spans = sorted({*_named_sites(text, language), *_listed(text, language)}, key=lambda span: (span[0], -span[1]))
    first: dict[str, str] = {}
    end = -1
    for start, stop in spans:
        if start >= end:
            first.setdefault(text[start:stop].lower(), text[start:stop])
            end = stop
    return list(first.values())


def _listed(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Yield where places of the list stand, the longest of each first."""
    tokens = tokenise(text, language)
    index = 0
    while index < len(tokens):
        length = next((size for size in range(_MAX_WORDS, 0, -1) if _is_place(text, tokens, index, size, language)), 0)
        if length:
            yield tokens[index].start, tokens[index + length - 1].end
        index += length or 1


def _is_place(text: str, tokens: list[Token], index: int, size: int, language: str) -> bool:
    if index + size > len(tokens) or any(
        not token.gap or len(token.gap) > 2 for token in tokens[index + 1 : index + size]
    ):
        return False
    name = text[tokens[index].start : tokens[index + size - 1].end].lower()
    certainty = name_list("places").certainty(name, language)
    if name in NOT_NAMES:
        return False
    token, before = tokens[index], tokens[index - 1] if index else None
    after = tokens[index + size] if index + size < len(tokens) else None
    if _is_part_of_name(token, tokens[index - 2] if index > 1 else None, before, after):
        return False
    if certainty is None:
        return size == 1 and _is_unlisted_place(token, before, after, language)
    if size > 1:
        return tokens[index + size - 1].is_capitalised or not any(
            is_known_word(part.lower, language) for part in tokens[index : index + size]
        )
    return _stands_as_place(token, before, after, certainty, language)


def _is_unlisted_place(token: Token, before: Token | None, after: Token | None, language: str) -> bool:
    """Return whether a capitalised word of no list is a place, because of the preposition before it: "in Cebu"."""
    if len(token.text) < 4 or token.lower.endswith("ed"):
        return False
    if not token.is_capitalised or token.opens_sentence or before is None or token.gap != " " or token.is_possessive:
        return False
    if after is not None and after.gap in (" ", "-") and after.is_capitalised:
        return False
    if before.lower == "at" and token.lower.endswith("s"):
        return False  # "at Clicks": a shop or a family
    if before.lower not in _PLACE_ALONE[language] or is_known_word(token.lower, language):
        return False
    return not any(name_list(kind).certainty(token.lower, language) for kind in ("given_names", "surnames"))


def _is_part_of_name(token: Token, earlier: Token | None, before: Token | None, after: Token | None) -> bool:
    """Return whether a word beside the place belongs to a longer name: "Paris Hilton", "FC Barcelona"."""
    if before is not None and token.gap in (" ", "-") and before.lower in _NOT_BEFORE:
        return True
    if (
        before is not None
        and before.lower == "of"
        and token.gap == " "
        and earlier is not None
        and earlier.lower == "bank"
    ):
        return True
    return after is not None and after.gap in (" ", "-") and after.lower in _NOT_AFTER


def _stands_as_place(
    token: Token, before: Token | None, after: Token | None, certainty: Certainty, language: str
) -> bool:
    follows_preposition = before is not None and token.gap == " " and before.lower in _PREPOSITIONS[language]
    if after is not None and after.gap == " " and after.is_capitalised and token.is_capitalised:
        return False  # "Canada Computers": a company
    if token.is_possessive and name_list("surnames").certainty(token.lower, language):
        return False
    if (
        name_list("given_names").certainty(token.lower, language)
        or name_list("surnames").certainty(token.lower, language) == "sure"
    ):
        return (
            follows_preposition and token.is_capitalised and before is not None and before.lower in _SURE_PREPOSITIONS
        )
    if certainty == "word":
        return follows_preposition and token.is_capitalised and language != "de"
    if certainty == "weak" or is_known_word(token.lower, language):
        return token.is_capitalised and (follows_preposition or (not token.opens_sentence and language != "de"))
    if token.is_capitalised:
        return True
    return follows_preposition or len(token.lower) > _LONG_ENOUGH


def _named_sites(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Yield where streets, stations, parks and the like stand, whose name has a word for what they are."""
    for pattern in _SITES[language]:
        for match in pattern.finditer(text):
            if match["name"].split()[0].lower() not in _NOT_A_NAME_OF_SITE:
                yield match.span("site")


_LONG_ENOUGH: Final = 5
"""A name in lower case without a preposition must have more letters than this."""


def _by_language(**texts: str) -> dict[str, frozenset[str]]:
    return {language: frozenset(text.split()) for language, text in texts.items()}


_PREPOSITIONS: Final = _by_language(
    en=(
        "in to from at near via through around for of visit visiting leave leaving toward towards outside over"
        " across and between the"
    ),
    de="in nach aus bei von über durch richtung ab um zwischen und bis auf",
    fr="à a de pour vers en sur depuis au aux entre et par chez d' l' la le",
    es="a en de desde para por hacia hasta entre y pa la el",
    pt="a em de para pra por no na do da desde até entre e pro ao à",
)
_SURE_PREPOSITIONS: Final = word_set("in near nach aus en hacia em à visit visiting")
_PLACE_ALONE: Final = _by_language(en="in near outside around at", de="", fr="à", es="en", pt="em")
"""Prepositions after which a capitalised word of no list is a place."""
_NOT_BEFORE: Final = word_set(
    """
    juega juegan gana play plays beat beats fc real atlético sankt st saint santa san miss mr mrs dr frau herr mme
    m don doña
    """
)
_NOT_AFTER: Final = word_set(
    "accent sprouts accents fc united rovers hilton sauce cheese bread salad burger style beans"
)
_NOT_A_NAME_OF_SITE: Final = word_set(
    """
    the a an my our this that high main front back one every each next no old new same local big little town
    village city primary first second third car bus train side cross wall
    """
)

_CAP: Final = r"[^\W\d_a-z\u00df-\u00f6\u00f8-\u00ff][\w'\u2019-]*"
_EN_SITE: Final = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Square|Park|Gardens|Hill|Bridge|Beach|Hospital|Infirmary|Station|Airport|Hall"
    "|Museum|Library|Cathedral|Castle|Cemetery|Market|Parade|Terrace|Crescent|Wood|Woods|Forest|Lake|River|Bay|Canal|Valley|Harbour"
    "|Harbor|Island|Fields|Field|Pond|Creek|Theatre|Theater|Green|Heights|Boulevard|Blvd|Highway|Seat|Falls|Junction"
)
_SITES: Final[dict[str, tuple[re.Pattern[str], ...]]] = {
    "en": (
        re.compile(rf"(?<![\w'\u2019])(?P<site>(?P<name>{_CAP}(?:\s{_CAP}){{0,2}})\s(?:{_EN_SITE}))(?![\w'\u2019])"),
        re.compile(rf"\b(?:in|at|to|from|near|outside)\s(?P<site>St\.?\s(?P<name>{_CAP}))(?!\w)"),
        re.compile(
            r"\b(?:on|at|off|down|up|from|to|in|near|along)\s(?P<site>(?P<name>[a-z]{3,}(?:\s[a-z]{3,})?)"
            r"\s(?:st|rd|ave|blvd|street|road|avenue|lane))(?!\w)"
        ),
    ),
    "de": (
        re.compile(r"(?<!\w)(?P<site>(?P<name>(?!Haupt|Sack|Einbahn|Land|Auto|Neben|Bundes|Seiten|Wohn|Dorf|Milch|Schnell|haupt|sack"
                   r"|einbahn|land|auto|neben|seiten|milch)[A-ZÄÖÜ]?[\wäöüß-]{3,}(?:stra(?:ß|ss)e|gasse|allee|platz(?<!arbeitsplatz)"
                   r"(?<!spielplatz)(?<!parkplatz)(?<!sportplatz)(?<!marktplatz)(?<!stellplatz)(?<!schulplatz)(?<!liegeplatz)"
                   r"(?<!campingplatz)(?<!kitaplatz)(?<!ausbildungsplatz)(?<!studienplatz)(?<!listenplatz)(?<!sitzplatz))))(?!\w)"),
    ),
    "fr": (
        re.compile(
            rf"(?<!\w)(?P<site>(?:rue|place|avenue|boulevard|quai|pont|gare|hôpital|marché|salle|parc|cimetière|anse|pointe"
            rf"|faubourg|square|lycée|collège|musée|île)\s(?:(?:de\sla|du|des|de|de\sl['\u2019]|d['\u2019])\s?)?(?P<name>{_CAP}(?:\s{_CAP})?))(?!\w)"
        ),
    ),
    "es": (
        re.compile(
            rf"(?<!\w)(?P<site>(?:calle|avenida|plaza|paseo|parque|glorieta|barrio|colonia|mercado|hospital|estación|playa)"
            rf"\s(?:(?:de\sla|del|de\slos|de\slas|de)\s)?(?P<name>{_CAP}(?:\s{_CAP})?))(?!\w)"
        ),
    ),
    "pt": (
        re.compile(
            rf"(?<!\w)(?P<site>(?:rua|avenida|av\.|praça|parque|bairro|mercado|hospital|estação|praia|ponte|shopping)"
            rf"\s(?:(?:da|do|dos|das|de)\s)?(?P<name>{_CAP}(?:\s{_CAP})?))(?!\w)"
        ),
    ),
}  # fmt: skip
