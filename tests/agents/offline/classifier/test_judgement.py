"""What the confidences of the heads become: a label, and whether it counts as assessed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.offline.classifier.heads import FIELDS, LABELS, Field, Head, from_json, to_json
from agents.offline.classifier.judgement import CALM_THRESHOLD, THRESHOLD, judge_inputs

SHARES = st.lists(st.floats(0.01, 1), min_size=7, max_size=7)


def heads_with(**shares: dict[str, float]) -> dict[Field, Head]:
    """Return heads that give these shares to every text; labels that are not named share the rest."""
    made: dict[Field, Head] = {}
    for field in FIELDS:
        named = shares.get(field, {})
        rest = (1 - sum(named.values())) / max(1, len(LABELS[field]) - len(named))
        logs = np.log([named.get(label, rest) for label in LABELS[field]])
        made[field] = Head(np.zeros((len(LABELS[field]), 1), np.float32), logs.astype(np.float32))
    return made


def judged(**shares: dict[str, float]) -> dict[str, tuple[str, bool]]:
    judgement = judge_inputs(heads_with(**shares), np.zeros(1, np.float32))
    return {
        name: (getattr(judgement, name).label, getattr(judgement, name).is_assessed) for name in ("type", "urgency")
    }


def test_a_label_that_is_more_likely_wrong_than_right_is_not_assessed() -> None:
    assert judged(type={"task": THRESHOLD + 0.02})["type"] == ("task", True)
    assert judged(type={"task": THRESHOLD - 0.02})["type"] == ("task", False)


@pytest.mark.parametrize("label", ["eventually", "never"])
def test_a_text_that_may_be_immediate_is_never_judged_calm(label: str) -> None:
    assert judged(urgency={label: 0.8, "immediate": CALM_THRESHOLD + 0.02})["urgency"] == (label, False)
    assert judged(urgency={label: 0.8, "immediate": CALM_THRESHOLD - 0.02})["urgency"] == (label, True)


def test_an_observation_has_nothing_to_act_on() -> None:
    sure = {"observation": 0.9, "problem": 0.08}
    assert judged(type=sure, urgency={"never": 0.3, "immediate": 0.6})["type"] == ("observation", True)
    assert judged(type=sure, urgency={"never": 0.3, "immediate": 0.6})["urgency"] == ("never", False)
    unsure = {"observation": 0.5, "problem": 0.4}
    assert judged(type=unsure, urgency={"never": 0.1, "immediate": 0.85})["type"] == ("problem", False)


def test_a_text_that_is_judged_urgent_needs_no_such_caution() -> None:
    assert judged(urgency={"soon": 0.7, "immediate": 0.25})["urgency"] == ("soon", True)


@given(SHARES)
def test_the_probabilities_of_a_head_add_up_and_its_largest_score_is_its_label(scores: list[float]) -> None:
    head = Head(np.array([[score * 50] for score in scores], np.float32), np.zeros(7, np.float32))
    shares = head.probabilities(np.ones(1, np.float32))
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert shares[int(np.argmax(scores))] == shares.max()


def test_a_stored_head_gives_the_same_probabilities() -> None:
    generator = np.random.default_rng(0)
    head = Head(generator.normal(size=(4, 9)).astype(np.float32), generator.normal(size=4).astype(np.float32))
    inputs = generator.normal(size=(50, 9)).astype(np.float32)
    assert np.abs(head.probabilities(inputs) - from_json(to_json(head)).probabilities(inputs)).max() < 1e-3
