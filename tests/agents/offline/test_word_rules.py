"""The word rules, which guess where no classifier can run."""

from datetime import date

import pytest

from agents.offline.word_rules import classify_by_words

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "thought_type"),
    [
        ("Buy milk", "task"),
        ("Remind me to call the bank", "task"),
        ("Please water the plants", "task"),
        ("URGENT: fix the production bug", "task"),
        ("The heating is broken again and nobody answers", "problem"),
        ("I can\u2019t sleep at all", "problem"),
        ("What if we moved the meeting?", "idea"),
        ("Maybe we could share the car", "idea"),
        ("Why is the sky blue", "question"),
        ("Should I stay or should I go?", "question"),
        ("I feel lost in this town", "emotion"),
        ("I'm so frustrated with the bank", "emotion"),
        ("The light in the kitchen was beautiful", "observation"),
        ("\u79c1\u306f\u3069\u3046\u3059\u308c\u3070\u3044\u3044\uff1f", "question"),
        ("Ich habe ein Problem mit dem Plan", "observation"),
        ("Je ne sais pas quoi faire demain", "observation"),
        ("\U0001f600\U0001f600", "observation"),
    ],
)
def test_the_type_follows_from_openings_question_marks_and_cues(text: str, thought_type: str) -> None:
    assert classify_by_words(text, MONDAY, MONDAY).type == thought_type


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("Call the plumber today", "immediate"),
        ("Fix the leak as it is urgent", "immediate"),
        ("Send the form by 2026-11-24", "immediate"),
        ("Send the form on December 1st, 2026", "soon"),
        ("Send the form by 2027-11-24", "eventually"),
        ("Send the form of 2020-01-01 again", "eventually"),
        ("Meet Tom on Friday", "soon"),
        ("Learn to swim next summer", "eventually"),
        ("Never mind the garden", "never"),
        ("The sunset was beautiful today", "eventually"),
        ("Buy milk", "eventually"),
    ],
)
def test_the_urgency_follows_from_dates_and_cue_words(text: str, urgency: str) -> None:
    assert classify_by_words(text, MONDAY, MONDAY).urgency == urgency


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("I'm worried about the exam", "anxious"),
        ("I'm not worried about the exam", "neutral"),
        ("It is all too much for me", "overwhelmed"),
        ("I can't wait to go", "excited"),
        ("I wonder whether cats dream", "curious"),
        ("I hope it will work", "hopeful"),
    ],
)
def test_the_tone_follows_from_cue_words(text: str, tone: str) -> None:
    assert classify_by_words(text, MONDAY, MONDAY).tone == tone
