"""Which parts of a note are dates, by language, and which words only look like one."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dates import dates, named_dates
from tests.agents.calls import WITHOUT_DEADLINE

MONDAY = date(2026, 11, 23)

FOUND = {
    "en": """
        call mum before Friday about the bill -> Friday 2026-11-27
        dentist fri 3pm -> fri 2026-11-27
        thurs 10am physio, bring the form -> thurs 2026-11-26
        pick up the cake on sat -> sat 2026-11-28
        tmrw call the bank -> tmrw 2026-11-24
        do it 2moro -> 2moro 2026-11-24
        ringing in my ear since saturday -> saturday 2026-11-21
        Callum scored two on Sunday and came straight over -> Sunday 2026-11-22
        rent is due on the 1st -> the 1st 2026-12-01
        the hearing is the 22nd -> the 22nd 2026-12-22
        sick about thursday the 10th -> thursday the 10th 2026-12-10
        friday 4 December at noon is the concert -> friday 4 December 2026-12-04
        passport expires 3 Mar 2027 -> 3 Mar 2027 2027-03-03
        it is on the 12th of December, pay before then -> 12th of December 2026-12-12
        may 5 is the exam -> may 5 2027-05-05
        he has a school trip on 8 December. Pack the bag -> 8 December 2026-12-08
        he has a school trip on 8 Dec. with lunch -> 8 Dec. 2026-12-08
        the plan was written on 2026-10-02 -> 2026-10-02 2026-10-02
        cancel tomorrow's meeting -> tomorrow 2026-11-24
        the run-through is on Thursday week -> Thursday week 2026-12-03
        it's a week on Sunday -> a week on Sunday 2026-12-06
        Friday next week I fly -> Friday next week 2026-12-04
        Halloween was fun -> Halloween 2026-10-31
        dinner for Valentine's Day -> Valentine's Day 2027-02-14
        flowers on Good Friday -> Good Friday 2027-03-26
        two weeks from tomorrow we move -> two weeks from tomorrow 2026-12-08
    """,
    "de": """
        Zählerstand ablesen und bis Freitag eintragen -> Freitag 2026-11-27
        elternabend ist am 26.11., diesmal gehe ich -> 26.11. 2026-11-26
        die abgabe ist am 3. und ich habe nichts -> 3. 2026-12-03
        schluss ist der 13. -> 13. 2026-12-13
        Sparkasse anrufen, das angebot gilt bis montag den 30. -> montag den 30. 2026-11-30
        morgen früh mammografie, mir ist schlecht -> morgen früh 2026-11-24
        übermorgen nüchtern zum arzt -> übermorgen 2026-11-25
        er braucht ihn nächsten mittwoch fürs praktikum -> nächsten mittwoch 2026-12-02
        wir haben uns am Samstag getroffen -> Samstag 2026-11-21
        mittwoch in einer woche kommt der gutachter -> mittwoch in einer woche 2026-12-02
        geburtstag ist in 9 tagen -> in 9 tagen 2026-12-02
        vier kilo runter seit neujahr -> neujahr 2026-01-01
        Am 5. Mai 2027 ist die Hochzeit -> 5. Mai 2027 2027-05-05
        Mo 14 Uhr Zahnarzt, nicht vergessen, bis Mo zahlen -> Mo 2026-11-30
        anmeldeschluss ist 1.9. und ich weiß nichts -> 1.9. 2027-09-01
        die miete ist am ersten fällig -> ersten 2026-12-01
        kein dienst am karfreitag -> karfreitag 2027-03-26
        der teppich kommt übernächsten Montag -> übernächsten Montag 2026-12-07
    """,
    "fr": """
        poster la lettre vendredi au plus tard -> vendredi 2026-11-27
        marché de l'école le 5, rien fait -> le 5 2026-12-05
        délai de contestation 4 décembre -> 4 décembre 2026-12-04
        ludivine a pris ses congés au 24 déc sans demander -> 24 déc 2026-12-24
        qui va chercher noé demain à 11h30 -> demain 2026-11-24
        après-demain je passe à la banque -> après-demain 2026-11-25
        les résultats sont de mardi -> mardi 2026-11-17
        jeudi prochain soirée jeux -> jeudi prochain 2026-12-03
        l'ordre la veut pour mardi en huit -> mardi en huit 2026-12-01
        la carte expire dans trois semaines -> dans trois semaines 2026-12-14
        réponse attendue pour vendredi 27 -> vendredi 27 2026-11-27
        loyer +9 % au 1er janvier -> 1er janvier 2027-01-01
        couloir dans le noir depuis la toussaint -> toussaint 2026-11-01
        tous vivants à la tournée d'hier -> hier 2026-11-22
        le scanner tombe le 2 ou le 3 décembre -> le 2 2026-12-02; 3 décembre 2026-12-03
    """,
    "es": """
        pagarle los 800 el viernes -> viernes 2026-11-27
        el freno ya no agarra y mañana salgo a las 6 -> mañana 2026-11-24
        le dije que pasaba pasado mañana -> pasado mañana 2026-11-25
        el 5 de mayo es la boda -> el 5 de mayo 2027-05-05
        el tutor anda fuera hasta el dia 25 -> dia 25 2026-11-25
        el tramite cierra el 22 -> el 22 2026-12-22
        jueves de la otra semana le toca servicio -> jueves de la otra semana 2026-12-03
        el viernes pasado me paro un reten -> viernes pasado 2026-11-20
        hoy en la noche mandar la tarea -> hoy en la noche 2026-11-23
        la renta la piden en tres dias -> en tres dias 2026-11-26
        se vence el 12/06 y no tengo lana -> 12/06 2027-06-12
        el postre de mañana es mío -> mañana 2026-11-24
        ayer vi a mi ex en el mercado -> ayer 2026-11-22
        cena de nochebuena no, pero en nochebuena sí -> nochebuena 2026-12-24
    """,
    "pt": """
        a reunião com o chefe é na sexta -> sexta 2026-11-27
        pagar o aluguel até dia 5 -> dia 5 2026-12-05
        amanhã cedo levo o carro -> amanhã cedo 2026-11-24
        o exame é depois de amanhã -> depois de amanhã 2026-11-25
        a prova é segunda-feira e não estudei -> segunda-feira 2026-11-30
        o prazo pra responder acaba segunda -> segunda 2026-11-30
        quarta que vem tem dentista -> quarta que vem 2026-11-25
        o prazo acaba 15 de dezembro -> 15 de dezembro 2026-12-15
        ontem à noite não dormi nada -> ontem à noite 2026-11-22
        o boleto vence daqui a 3 dias -> daqui a 3 dias 2026-11-26
        desde domingo ela não fala comigo -> domingo 2026-11-22
    """,
}

NOT_FOUND = {
    "en": """
        every friday I call her; fridays only; he works Mondays and Thursdays; on a Wednesday not a Thursday
        the sun is out
        I sat down and said so; they wed in may; we may march on; march 5 miles; open Monday to Friday
        3-5 May we are away; she is in Lagos from 5 to 19 December
        week of nov 9; 24/7; it is 3/8 short; he ate 1/2 of it; version 2.1. is out; the 3rd floor; my 79th; in summer
        in two days' worth of sleep; he hasn't answered in three days; next week; by the end of May; a Christmas concert
        47 years old; from 9 to 5; at 4am; 41 degrees; I was short for ten days; 2x4; room 12; the second time
        one saturday
        what would I do with a free Saturday; Monday mornings; between Monday and Friday; in the morning; the 5th time
        Freaky Friday was good; a Blue Monday; Sunday roast is life; Friday's is closed; the ratio is 3/4
        my score is 4/6; he was a Man Friday; the Sunday school; Thursday Murder Club is great
        on 31 June; on 2026-13-01; on 30 February
    """,
    "de": """
        jeden freitag; freitags um drei; am wochenende; guten Morgen; am Morgen; nächste woche; von Montag bis Freitag
        ende mai läuft er ab; im märz; das ist so; um 18.30 los; 4,85 euro; version 2.1; zum 2. mal; am 1. tag; mit 44
        Mittwoch Addams war gut; Robinson und Freitag; es war do oder die; 12 000 schritte; seit drei Wochen
    """,
    "fr": """
        chaque lundi; le samedi je dors; tous les mardis; en janvier; la semaine prochaine; un dimanche de pluie; 39,5
        la tension est à 7/4; le 7e étage; de lundi à vendredi; le 20h; sur 30 patients; le marché de noël; cet été
    """,
    "es": """
        todos los viernes; los martes; por la mañana; la mañana fue larga; en diciembre; un domingo; 3 rayas
        el 402 pide
        de lunes a viernes; esta semana; la cena de navidad; a las 2 am
    """,
    "pt": """
        toda sexta; às terças; a segunda vez; a quinta parte; de manhã; em maio; esta semana; de segunda a sexta; o 402
        um domingo qualquer; a sexta tentativa; daqui a pouco; num sábado; o carnaval de Olinda; há uma semana assim
    """,
}


def rows(table: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (line.split(" -> ")[0].strip(), line.split(" -> ")[1]) for text in table.values() for line in text.splitlines()
        if "->" in line
    ]  # fmt: skip


def phrases(table: dict[str, str]) -> list[tuple[str, str]]:
    split = ((language, text.replace("\n", ";").split(";")) for language, text in table.items())
    return [(language, phrase.strip()) for language, parts in split for phrase in parts if phrase.strip()]


@pytest.mark.parametrize(("text", "expected"), rows(FOUND))
def test_a_date_is_quoted_and_resolved(text: str, expected: str) -> None:
    found = [f"{named.text} {named.day}" for named in named_dates(text, MONDAY, MONDAY) if named.is_day]
    assert found == expected.split("; ")


FRAMES = {"en": "and then I have it: ", "de": "und ich habe es nicht: ", "fr": "et je ne suis pas là : ",
          "es": "y yo no lo sé porque: ", "pt": "e eu não sei o que é: "}  # fmt: skip
"""A beginning that gives a short phrase its language."""


@pytest.mark.parametrize(("language", "phrase"), phrases(NOT_FOUND))
def test_what_only_looks_like_a_date_is_none(language: str, phrase: str) -> None:
    assert dates(f"{FRAMES[language]}{phrase}") == []


@pytest.mark.parametrize("text", ["2026-12-24", "the form says 2026-12-24 \u6708", "24.12.2026", "\u660e\u5929 10/31"])
def test_numbers_are_read_in_a_text_of_any_language(text: str) -> None:
    assert len(dates(text)) == 1


@WITHOUT_DEADLINE
@given(
    st.text(st.characters(codec=None), max_size=200),
    st.sampled_from(["Friday", "10/31", "le 5 mai", "\u0130", "ma\u00f1ana"]),
)
def test_every_date_is_quoted_from_the_text(text: str, word: str) -> None:
    note = f"{text} {word} {text}"
    for named in named_dates(note, MONDAY, MONDAY):
        assert named.text in note


@pytest.mark.parametrize(
    "text",
    [
        "on the 1st " * 900,
        "1/2/3." * 1600,
        "monday, " * 1200,
        "in three " * 1100,
        "1." * 5000,
        " " * 10_000,
        "d'" * 5000,
    ],
)
def test_the_longest_texts_are_read(text: str) -> None:
    assert all(named.text in text for named in named_dates(text, MONDAY, MONDAY))
