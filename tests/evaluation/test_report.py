"""The report says each figure once, with its counts, and shows as many texts as asked for."""

import json
import re

from evaluation.as_json import as_json
from evaluation.format import counted, percent, table, with_interval
from evaluation.metamorphic.checks import Violations
from evaluation.report import render
from evaluation.scores import Scores, score
from evaluation.statistics import Share
from tests.evaluation.notes_and_providers import RuleProvider, classified, note, outcome


def scores() -> Scores:
    provider = RuleProvider(
        classification=classified(
            type="task", urgency="soon", emotional_tone="neutral", not_assessed=["type"],
            entities={"people": ["Grace"], "dates": [], "places": [], "topics": []},
        ),
        priority=classified(priority_level="Low"),
    )  # fmt: skip
    notes = [
        note("Say Grace to Leo", urgency="immediate", people=("Leo",)),
        note("Grace under pressure", type="idea", urgency="never"),
    ]
    return score([outcome(written, provider) for written in notes])


VIOLATIONS = [Violations("lower case keeps the type", Share(2, 9), ["task \u2192 idea: x", "task \u2192 idea: y"])]


def test_a_share_is_written_with_its_counts_and_its_interval() -> None:
    assert counted(Share(81, 263)) == "81 of 263, 30.8% (25.5 to 36.6)"
    assert with_interval(Share(0, 0)) == percent(None) == "-"
    assert counted(Share(0, 0)) == "0 of 0"


def test_the_columns_of_a_table_are_aligned() -> None:
    assert table([("", "a"), ("name", "100"), ("x", "")]) == ["        a", "name  100", "x"]


def test_the_report_has_the_figures_of_every_part() -> None:
    report = re.sub(" +", " ", render("practice, answered by rule", scores(), VIOLATIONS, 1))
    for line in (
        "practice, answered by rule",
        "type 50.0% (9.5 to 90.5)",
        "falsely calm: 1 of 1, 100.0% (20.7 to 100.0) of what is immediate ends as Low or Defer",
        "falsely alarmed: 0 of 1, 0.0% (0.0 to 79.3) of what is never urgent ends as High or Critical",
        "people invented: Grace, ...",
        "people missed: Leo\n",
        "lower case keeps the type 2 9",
    ):
        assert line in report


def test_a_field_that_is_never_assessed_has_no_accuracy_of_the_assessed() -> None:
    [line] = [line for line in render("x", scores(), None, 0).splitlines() if line.startswith("type  ") and "%" in line]
    assert line.split()[-3:] == ["0.0%", "-", "-"]


def test_only_as_many_texts_are_shown_as_asked_for() -> None:
    assert "idea: y" in render("x", scores(), VIOLATIONS, 2)
    assert "idea: y" not in render("x", scores(), VIOLATIONS, 1)
    hidden = render("x", scores(), VIOLATIONS, 0)
    assert "Grace" not in hidden
    assert "idea: x" not in hidden
    assert "Grace" not in json.dumps(as_json(scores(), VIOLATIONS, 0))


def test_the_json_has_shares_with_intervals_and_no_texts_that_cannot_be_written() -> None:
    written = json.loads(json.dumps(as_json(scores(), VIOLATIONS, 5)))
    assert written["falsely_calm"]["cases"] == 1
    assert written["falsely_calm"]["value"] == 1.0
    assert written["fields"]["type"]["confusion"] == {"task": {"task": 1}, "idea": {"task": 1}}
    assert written["entities"]["people"]["invented_examples"] == ["Grace", "Grace"]
    assert written["metamorphic"][0]["examples"] == ["task \u2192 idea: x", "task \u2192 idea: y"]
