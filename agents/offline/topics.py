"""Finds what a thought is about: at most three noun phrases, each an exact quote.

A phrase counts after a word that introduces a subject ("about", "wegen"), and after an article or a possessive where
the end of the phrase is certain: a phrase whose end is unclear is left out.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from agents.language import is_known_word
from agents.offline.tokens import Token, tokenise
from agents.offline.word_sets import word_set

MAX_TOPICS: Final = 3
_MIN_LETTERS: Final = 3
_MAX_WORDS: Final = 2
_TECHNICAL: Final = re.compile(r"[+#]{1,2}(?![\w+#])")
"""What belongs to the name of a language: "C++"."""


@dataclass(frozen=True)
class _Words:
    cues: frozenset[str]
    """Words after which the subject stands."""
    articles: frozenset[str]
    """Words that begin a noun phrase."""
    ends: frozenset[str]
    """Words that end one, besides the frequent words of the language."""
    never: frozenset[str]
    """Nouns that say nothing about the subject, and words that are no nouns."""


def topics(text: str, language: str | None, others: Iterable[str]) -> list[str]:
    """Return the topics, those after a cue first. `others` are the people, places and dates, which are no topics."""
    if language is None:
        return []
    words, tokens = _WORDS[language], tokenise(text, language)
    taken = {part for other in others for part in other.lower().split()}
    first: dict[str, str] = {}
    for is_cue in (True, False):
        for start, end in _phrases(text, tokens, words, language, taken, is_cue=is_cue):
            quote = text[start:end]
            if not any(quote.lower() in known or known in quote.lower() for known in first):
                first[quote.lower()] = quote
    return list(first.values())[:MAX_TOPICS]


def _phrases(
    text: str, tokens: list[Token], words: _Words, language: str, taken: set[str], *, is_cue: bool
) -> Iterator[tuple[int, int]]:
    for index, token in enumerate(tokens):
        if token.lower not in (words.cues if is_cue else words.articles) or (token.is_possessive and is_cue):
            continue
        begin = index + 1
        while is_cue and begin < len(tokens) and tokens[begin].lower in words.articles and tokens[begin].gap == " ":
            begin += 1
        end = _end_of_phrase(tokens, begin, words, language)
        if end is None or any(tokens[place].lower in taken for place in range(begin, end)):
            continue
        yield tokens[begin].start, _with_sign(text, tokens[end - 1].end)


def _end_of_phrase(tokens: list[Token], begin: int, words: _Words, language: str) -> int | None:
    """Return the index after the phrase, or None when there is none whose end is certain."""
    end = begin
    while (
        end < len(tokens)
        and end - begin < _MAX_WORDS
        and tokens[end].gap == " "
        and _is_content(tokens[end], words, language)
    ):
        end += 1
        if tokens[end - 1].is_possessive:
            return None
    if end == begin or tokens[end - 1].lower in words.never or not _ends_here(tokens, end, words, language):
        return None
    last = tokens[end - 1].lower
    return None if end - begin > 1 and last.endswith(_VERB_ENDINGS[language]) else end


def _ends_here(tokens: list[Token], end: int, words: _Words, language: str) -> bool:
    if end == len(tokens) or tokens[end].gap != " ":
        return True
    return tokens[end].lower in words.ends or is_known_word(tokens[end].lower, language)


def _is_content(token: Token, words: _Words, language: str) -> bool:
    is_word = len(token.lower) >= _MIN_LETTERS or token.text.isupper()
    return is_word and token.lower not in words.ends and not _is_function_word(token.lower, language)


def _is_function_word(word: str, language: str) -> bool:
    return is_known_word(word, language) and word not in _KNOWN_NOUNS


def _with_sign(text: str, end: int) -> int:
    match = _TECHNICAL.match(text, end)
    return match.end() if match else end


_VERB_ENDINGS: Final = {
    "en": ("s", "ed", "ing", "ly", "n't"),
    "de": ("t", "en"),
    "fr": ("e", "ent", "é", "er", "it"),
    "es": ("a", "an", "ó", "ar", "ado"),
    "pt": ("a", "am", "ou", "ar", "ado"),
}
"""How a second word ends that may be a verb after the noun: "the kitchen tap drips"."""


_KNOWN_NOUNS: Final = word_set(
    "house car door kitchen money school work bill rent appointment dentist doctor meeting lunch dinner breakfast water"
    " phone birthday haus schule arbeit rechnung miete termin arzt zahnarzt geburtstag kinder école loyer"
    " facture voiture"
    " maison travail médecin dentiste anniversaire escuela trabajo alquiler factura médico dentista coche"
    " casa cumpleaños"
    " mercado escola aluguel conta carro remédio aniversário"
)
_WORDS: Final[dict[str, _Words]] = {
    "en": _Words(
        word_set("about regarding re concerning learn study practise practice research understand discuss"),
        word_set("the my our a an her his their"),
        word_set("and or but that which who with without from until because if when while than per"),
        word_set(
            "office school home gym hospital airport station library bank supermarket garden problem"
            " thing things one ones way lot bit day days week weeks month months year years time"
            " times morning afternoon"
            " evening night minute minutes hour hours moment rest other same first second third last next"
            " whole end front"
            " back side top bottom half point fact kind sort mum mom dad mother father sister brother wife husband son"
            " daughter boss friend man woman guy lady kid kids people few couple little something anything"
            " nothing going"
            " being doing having getting making really only still degrees hell usual own best worst new old"
        ),
    ),
    "de": _Words(
        word_set("wegen über zum thema betreffend"),
        word_set("die der das den dem des meine mein meinen meiner unsere unser ein eine einen einem einer"),
        word_set("und oder aber mit ohne für bei von dass weil wenn bis"),
        word_set(
            "tag tage woche wochen monat jahr zeit mal morgen abend nacht stunde minute ende anfang sache"
            " sachen ding dinge leute"
            " mann frau kind mutter vater schwester bruder sohn tochter chef freund ganze ganzen neue neuen"
            " alte alten letzte"
            " letzten nächste nächsten erste ersten anderen andere selbe"
        ),
    ),
    "fr": _Words(
        word_set("concernant propos sujet"),
        word_set("le la les mon ma mes notre nos un une l' du"),
        word_set("et ou mais avec sans pour de des à au que qui dans sur"),
        word_set(
            "jour jours semaine mois an année heure temps matin soir nuit fois chose choses fin début moment"
            " gens homme femme"
            " enfant mère père soeur sœur frère fils fille petit petite grand grande nouveau nouvelle même"
            " autre premier première"
            " dernier dernière"
        ),
    ),
    "es": _Words(
        word_set("sobre respecto"),
        word_set("el la los las mi mis nuestro nuestra un una del al"),
        word_set("y o pero con sin para de que en por"),
        word_set(
            "día dia días semana mes año hora tiempo mañana tarde noche vez cosa cosas fin principio momento"
            " gente hombre mujer"
            " niño madre padre hermana hermano hijo hija nuevo nueva mismo otro otra primer primera último última"
        ),
    ),
    "pt": _Words(
        word_set("sobre respeito"),
        word_set("o a os as meu minha nosso nossa um uma do da no na"),
        word_set("e ou mas com sem para pra de que em por"),
        word_set(
            "dia dias semana mês ano hora tempo manhã tarde noite vez coisa coisas fim começo momento gente"
            " homem mulher"
            " menino mãe pai irmã irmão filho filha novo nova mesmo outro outra primeiro primeira último última"
        ),
    ),
}
