"""The language of a note is detected, also when the note is short, in lower case or without accents."""

import pytest

from agents.language import detect_language
from agents.offline.english import is_english

NOTES = {
    "en": """
        buy milk; call mum; Remind me to call the bank; rent due; gas smell in the basement
        is it the 5th or the 6th; ok so what now
        The light in the kitchen was beautiful; dentist friday 3pm; she's home
    """,
    "de": """
        mama anrufen; zahnarzt freitag; Ich will morgen in Berlin meine Mutter besuchen; im keller steht das wasser
        milch kaufen
        hauskauf war das mutigste was wir je gemacht haben; dusche tröpfelt; kein bock mehr; wie lange halten eier
        TÜV machen
    """,
    "fr": """
        appeler maman; dentiste vendredi; Je ne sais pas quoi faire demain; fuite sous l'évier; acheter du pain
        noé a de la fièvre
        rdv jeudi; la serrure de la porte est cassée; payer le loyer; marre d'avoir mal au dos
    """,
    "es": """
        llamar a mamá; dentista el viernes; No sé qué hacer con mi trabajo; se fue la luz; comprar leche
        mañana es su cumple
        wey el freno ya no agarra; pagar la renta; me duele la rodilla; hay que hablar con el jefe
    """,
    "pt": """
        ligar pra mãe; dentista na sexta; Eu não sei o que fazer; acabou a luz; comprar leite; amanhã é aniversário dela
        pagar o aluguel; tô cansada demais; a reunião foi ótima; preciso falar com o chefe
    """,
}
OTHERS = """
    Non so cosa fare; Ik moet morgen mijn moeder bellen; Jag måste ringa min mamma i morgon; 12 34; ; ...
    \u79c1\u306f\u75b2\u308c\u305f; \U0001f600
    \u05d0\u05e0\u05d9 \u05e2\u05d9\u05d9\u05e3; xyzzy
"""


def notes() -> list[tuple[str, str]]:
    parts = ((language, text.replace("\n", ";").split(";")) for language, text in NOTES.items())
    return [(language, note.strip()) for language, found in parts for note in found if note.strip()]


@pytest.mark.parametrize(("language", "note"), notes())
def test_the_language_of_a_short_note_is_detected(language: str, note: str) -> None:
    assert detect_language(note) == language
    assert is_english(note) == (language == "en")


@pytest.mark.parametrize("note", [note.strip() for note in OTHERS.replace("\n", ";").split(";")])
def test_a_text_of_no_language_or_of_another_one_is_not_assigned(note: str) -> None:
    assert detect_language(note) is None
    assert not is_english(note)
