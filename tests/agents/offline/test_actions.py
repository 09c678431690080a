"""The actions of a note: what is to be done, in the words of the note, with its day."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.classification import ResolvedDate
from agents.offline import action_words
from agents.offline.actions import find_actions
from agents.offline.clauses import sentences, shortened
from tests.agents.calls import WITHOUT_DEADLINE

FRIDAY, TOMORROW = ("Friday", "2026-11-27"), ("tomorrow", "2026-11-24")

TASKS: list[tuple[str, list[tuple[str, str]], list[tuple[str, str]]]] = [
    ("Call mum before Friday about the hospital bill", [FRIDAY],
     [("Call mum about the hospital bill", "before Friday (Fri 27 November 2026)")]),
    ("thursday i'm taking the car in", [("thursday", "2026-11-26")],
     [("Taking the car in", "thursday (Thu 26 November 2026)")]),
    ("On Wednesday I'm taking Mam for her ears, half two", [("Wednesday", "2026-11-25")],
     [("Taking Mam for her ears, half two", "Wednesday (Wed 25 November 2026)")]),
    ("I shall ring Kenneth tonight, and put the figures to him plainly", [("tonight", "2026-11-23")],
     [("Ring Kenneth", "tonight (Mon 23 November 2026)"),
      ("Put the figures to him plainly", "tonight (Mon 23 November 2026)")]),
    ("dentist appt needs moving", [], [("Dentist appt needs moving", "")]),
    ("eggs, rice, onions", [], [("Eggs, rice, onions", "")]),
    ("Ring the vet tomorrow and book the ferry", [TOMORROW],
     [("Ring the vet", "tomorrow (Tue 24 November 2026)"), ("Book the ferry", "tomorrow (Tue 24 November 2026)")]),
    ("Slides for the Friday lecture, ten max", [FRIDAY],
     [("Slides for the Friday lecture, ten max", "Friday (Fri 27 November 2026)")]),
    ("The form closes Friday, do not forget to sign it", [FRIDAY],
     [("Sign it", "Friday (Fri 27 November 2026)")]),
    ("Mama's headstone, the crack. I'll call him when the ground's soft", [],
     [("Call him when the ground's soft (\u201cMama's headstone, the crack\u201d)", "")]),
    ("call aunt jo, she found the record", [], [("Call aunt jo", "")]),
    ("Cancel the gas contract by Friday or it rolls for two years", [FRIDAY],
     [("Cancel the gas contract", "by Friday (Fri 27 November 2026)")]),
    ("tell Bettina about the shin before she writes the week", [], [("Tell Bettina about the shin", "")]),
    ("recalibrate the sensor when the sun is back", [], [("Recalibrate the sensor", "")]),
    ("We have to send Dr. Hsu the results. Lovely weather.", [], [("Send Dr. Hsu the results", "")]),
    ("Ich muss noch Mama anrufen", [], [("Mama anrufen", "")]),
    ("The train leaves at six; I still need to print the slides", [], [("Print the slides", "")]),
    ("Je devrais appeler maman plus souvent", [], [("Appeler maman plus souvent", "")]),
    ("Preciso de falar com o Rui", [], [("Falar com o Rui", "")]),
    ("rappeler la CPAM avant le 4 d\u00e9cembre", [("4 d\u00e9cembre", "2026-12-04")],
     [("Rappeler la CPAM", "avant le 4 d\u00e9cembre (Fri 4 December 2026)")]),
    ("tengo que llamar al dentista ma\u00f1ana", [("ma\u00f1ana", "2026-11-24")],
     [("Llamar al dentista", "ma\u00f1ana (Tue 24 November 2026)")]),
    ("Assinar a rescis\u00e3o at\u00e9 amanh\u00e3 \u00e0s 10", [("amanh\u00e3", "2026-11-24")],
     [("Assinar a rescis\u00e3o \u00e0s 10", "at\u00e9 amanh\u00e3 (Tue 24 November 2026)")]),
]  # fmt: skip

NOT_TO_BE_DONE = [
    "Ich will nicht umziehen",
    "Ich muss nicht zum Arzt",
    "I should not text him again",
    "I should have called earlier",
    "Pay the rent? Nope",
    "Sign the lease? Over my dead body.",
    "I want to kill myself",
    "Take all the pills",
    "I want to hurt him",
    "Call mum. I want to die.",
    "je veux mourir",
    "ich will mich umbringen",
    "quiero matarme",
    "quero me matar",
    "not going to renew the gym",
    "I'm not going to the reunion, I told Br\u00edd so",
    "choir robes, Sister Bernice has it handled, off my plate",
    "I was going to paint the door",
    "kuchen backen f\u00fcr den basar, dieses jahr nicht",
    "ya no voy al gimnasio",
    "n\u00e3o vou pintar a porta",
]

NOTES = [text for text, _, _ in TASKS] + NOT_TO_BE_DONE
JOINING_WORDS = {"deal", "with", "answer"}
"""The words of our own that a plan may add."""


def resolved(dates: list[tuple[str, str]]) -> list[ResolvedDate]:
    return [ResolvedDate.model_validate({"quote": quote, "day": day}) for quote, day in dates]


@pytest.mark.parametrize(("text", "dates", "expected"), TASKS, ids=[text[:30] for text, _, _ in TASKS])
def test_a_task_yields_its_actions_with_their_days(
    text: str, dates: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    found = find_actions(text, "task", resolved(dates)).actions
    assert [(action.text, action.when.text if action.when else "") for action in found] == expected


@pytest.mark.parametrize("text", NOT_TO_BE_DONE)
def test_what_will_not_be_done_yields_no_action(text: str) -> None:
    assert not find_actions(text, "task", ()).actions


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("recalibrate the sensor when the sun is back", "condition", "when the sun is back"),
        ("Stake the delphiniums before the wind gets up", "until", "before the wind gets up"),
        ("cancel zoom, 14k gone otherwise", "consequence", "14k gone otherwise"),
        ("Pay the fine or it doubles", "consequence", "or it doubles"),
        ("sort the attic, takes two hours", "duration", "two hours"),
        ("sort the attic", "duration", ""),
    ],
)
def test_conditions_limits_consequences_and_durations_are_those_of_the_text(
    text: str, field: str, expected: str
) -> None:
    [action] = find_actions(text, "task", ()).actions
    assert getattr(action, field) == expected


@pytest.mark.parametrize(
    ("text", "takes_minutes"),
    [
        ("call the bank", True),
        ("email Catriona the plan", True),
        ("mutti anrufen", True),
        ("paint the fence", False),
        ("eggs, rice, onions", False),
        ("write the thesis", False),
    ],
)
def test_a_call_a_message_or_a_booking_takes_minutes(text: str, takes_minutes: bool) -> None:
    [action] = find_actions(text, "task", ()).actions
    assert action.takes_minutes == takes_minutes


@pytest.mark.parametrize("kind", ["observation", "emotion", "problem"])
def test_in_what_is_no_task_only_the_writers_own_intention_is_an_action(kind: Any) -> None:
    assert not find_actions("Paint smells of apples. He will call tomorrow", kind, ()).actions
    [action] = find_actions("The roof leaks. I need to ring the roofer", kind, ()).actions
    assert action.text == "Ring the roofer"


def test_a_warning_to_oneself_is_forbidden_and_no_action() -> None:
    found = find_actions("Phone Discovery. don't get distracted by the music", "task", ())
    assert [action.text for action in found.actions] == ["Phone Discovery"]
    assert found.forbidden == ["don't get distracted by the music"]


def test_sentences_do_not_end_at_titles_and_inside_brackets() -> None:
    assert sentences("Ask Dr. Hsu. Then wait (or not! maybe) here? Yes") == [
        "Ask Dr. Hsu", "Then wait (or not! maybe) here?", "Yes",
    ]  # fmt: skip


def test_long_words_are_cut_behind_a_comma_or_a_word() -> None:
    assert shortened("one two, three four five", 16) == "one two"
    assert len(shortened("x" * 500)) <= 160


PIECES = sorted({*action_words.IMPERATIVES, *action_words.OPENINGS, *action_words.NOT_DONE, *action_words.BEFORE_DATES})
TEXTS = st.lists(st.sampled_from(PIECES) | st.sampled_from(["Friday", "tomorrow", *",.?:\n()", "mum"])
                 | st.text(max_size=12), max_size=25).map(" ".join)  # fmt: skip


@settings(WITHOUT_DEADLINE, max_examples=1000)
@given(TEXTS | st.sampled_from(NOTES), st.sampled_from(["task", "idea", "problem", "question", "emotion", None]))
def test_every_word_of_an_action_comes_from_the_text(text: str, kind: Any) -> None:
    words = set(re.findall(r"\w+", text.lower()))
    found = find_actions(text, kind, resolved([FRIDAY, TOMORROW]))
    for action in found.actions:
        parts = (action.words, action.until, action.condition, action.consequence, action.duration)
        said = set(re.findall(r"\w+", " ".join(parts).lower()))
        assert said <= words | JOINING_WORDS, (text, action)
        assert action.words
