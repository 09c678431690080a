"""Recognises from the words around a name that a person bears it: "call X", "X says", "X's birthday"."""

from typing import Final

from agents.offline.person_text import PersonText


def _by_language(**texts: str) -> dict[str, frozenset[str]]:
    return {language: frozenset(text.split()) for language, text in texts.items()}


_TO: Final = frozenset(
    [
        "talk",
        "talked",
        "talking",
        "speak",
        "spoke",
        "speaking",
        "write",
        "wrote",
        "writing",
        "reply",
        "replied",
        "apologise",
        "apologize",
        "listen",
        "lied",
    ]
)
_WITH: Final = frozenset(["with", "avec", "con", "com"])
_AND: Final = frozenset(["and", "und", "et", "y", "e", "&", "n"])
_SELF: Final = frozenset(["i", "me", "ich", "mich", "mir", "moi", "yo", "mí", "eu", "mim", "we", "us"])
_NEEDS_LINK: Final = frozenset(
    [
        "pick",
        "drop",
        "drive",
        "talk",
        "speak",
        "chat",
        "write",
        "reply",
        "apologise",
        "apologize",
        "lunch",
        "dinner",
        "coffee",
        "drinks",
        "brunch",
        "breakfast",
        "tea",
        "walk",
        "date",
        "appointment",
        "session",
        "meeting",
        "trip",
        "married",
        "call",
        "visit",
    ]
)
_CONTACT_OF_PEOPLE: Final = frozenset(
    [
        "ask",
        "tell",
        "asked",
        "told",
        "text",
        "texted",
        "remind",
        "reminded",
        "thank",
        "thanked",
        "invite",
        "invited",
        "meet",
        "met",
        "congratulate",
        "hug",
        "kiss",
        "forgive",
        "marry",
        "ring",
        "rang",
    ]
)
_CONTACT_VERBS: Final = _by_language(
    en="",
    de="",
    fr=(
        "appeler rappeler demander dire écrire parler envoyer rendre répondre offrir proposer donner"
        " téléphoner voir dîner"
        " déjeuner rdv rendez-vous passer manger sortir aller discuter chercher apporter prêter"
    ),
    es=(
        "llamar llamarle decir decirle preguntar preguntarle avisar avisarle mandar mandarle pedir pedirle"
        " hablar comer cenar"
        " quedar quedo quedé ver llevar llevarle dar darle comprar comprarle escribir escribirle cita"
        " reunión cumple contestar"
        " contestarle pagar pagarle recoger contarle regalarle devolver devolverle"
    ),
    pt=(
        "ligar ligo falar falei dizer perguntar avisar mandar pedir almoçar jantar sair encontrar levar dar"
        " comprar escrever"
        " reunião aniversário responder pagar devolver contar buscar pegar café almoço jantar"
    ),
)
_SPEECH: Final = _by_language(
    en=(
        "says said asks asked tells told thinks thought wants wanted reckons reckoned rang phoned texted"
        " emailed called replied"
        " answered insists insisted claims claimed suggested promised agreed refused offered laughed cried smiled wrote"
        " resigned apologised apologized complained noticed forgot remembers knows loves hates admits"
        " admitted taught signed"
        " retires retired snores sings sang swears swore whispered shouted"
    ),
    de="sagt sagte meint meinte fragt fragte ruft rief schreibt schrieb will hat ist kommt",
    fr=(
        "dit disait demande demandait pense veut m'a m' l'a t'a s'est rit pleure appelle rappelle répond écrit"
        " croit refuse promet"
    ),
    es=(
        "dice dijo pregunta preguntó piensa quiere llamó llama escribe escribió cree contesta contestó pide"
        " pidió llora ronca"
    ),
    pt="diz disse falou fala pergunta perguntou pensa quer ligou liga escreveu acha pediu pede chora mandou",
)


def has_person_context(reading: PersonText, index: int) -> bool:
    return has_strong_context(reading, index) or is_subject(reading, index)


def has_strong_context(reading: PersonText, index: int) -> bool:
    return (
        _is_contacted(reading, index)
        or _owns_what_people_have(reading, index)
        or _stands_beside_writer(reading, index)
        or (is_subject(reading, index) and follows_speech(reading, index))
    )


def _is_contacted(reading: PersonText, index: int) -> bool:
    token, before, earlier = reading.tokens[index], reading.at(index - 1), reading.at(index - 2)
    if reading.words.contact_after and _verb_follows(reading, index):
        return True
    if before is None or token.gap != " " or reading.language == "de":
        return False
    if reading.language == "en":
        after = reading.at(index + 1)
        is_object = after is None or after.gap != " " or not after.is_capitalised
        if (
            before.lower in reading.words.contact
            and before.lower not in _NEEDS_LINK
            and (reading.is_listed(token) or before.lower in _CONTACT_OF_PEOPLE)
            and not (before.is_capitalised and not before.opens_sentence)
        ):
            return is_object
        links = _TO if before.lower == "to" else reading.words.contact
        is_link = before.lower in ("to", "with", "from", "up", "off")
        return is_object and is_link and earlier is not None and earlier.lower in links
    return (
        before.lower in reading.words.contact
        and earlier is not None
        and earlier.lower in _CONTACT_VERBS[reading.language]
    )


def is_accompanied(reading: PersonText, index: int) -> bool:
    """Return whether somebody is with a person of this name."""
    before = reading.at(index - 1)
    return before is not None and before.lower in _WITH and reading.tokens[index].gap == " "


def _verb_follows(reading: PersonText, index: int) -> bool:
    """Return whether one of the next words is a verb of contact, as German puts it after its object."""
    following = reading.tokens[index + 1 : index + 5]
    for token in following:
        if any(mark in token.gap for mark in ".,;:!?"):
            return False
        if token.lower in reading.words.contact_after:
            return True
    return False


def _owns_what_people_have(reading: PersonText, index: int) -> bool:
    after = reading.at(index + 1)
    return reading.tokens[index].is_possessive and after is not None and after.lower in reading.words.person_nouns


def owns_something(reading: PersonText, index: int) -> bool:
    """Return whether a possessive in the middle of a sentence owns a thing in lower case."""
    token, before, after = reading.tokens[index], reading.at(index - 1), reading.at(index + 1)
    has_article = before is not None and before.lower in ("the", "a", "an")
    return (
        token.is_possessive
        and not has_article
        and after is not None
        and after.text.islower()
        and after.gap.endswith("s ")
    )


def _stands_beside_writer(reading: PersonText, index: int) -> bool:
    """Return whether the writer and the name are joined: "Karim and I"."""
    after, later = reading.at(index + 1), reading.at(index + 2)
    before, earlier = reading.at(index - 1), reading.at(index - 2)
    if after is not None and later is not None and after.lower in _AND and later.lower in _SELF and after.gap == " ":
        return True
    return (
        before is not None
        and earlier is not None
        and before.lower in _AND
        and earlier.lower in _SELF
        and reading.tokens[index].gap == " "
    )


def is_subject(reading: PersonText, index: int) -> bool:
    after = reading.at(index + 1)
    return (
        after is not None
        and after.gap in (" ", "")
        and not reading.tokens[index].is_possessive
        and after.lower in reading.words.human
    )


def follows_speech(reading: PersonText, index: int) -> bool:
    after = reading.at(index + 1)
    return after is not None and after.lower in _SPEECH[reading.language]
