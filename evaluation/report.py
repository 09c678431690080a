"""Writes the scores as a text for a person."""

from collections.abc import Iterator, Mapping, Sequence

from evaluation.entities import EntityScore
from evaluation.fields import FieldScore
from evaluation.format import counted, percent, table, with_interval
from evaluation.metamorphic.checks import Violations
from evaluation.scores import Scores, Spending
from evaluation.statistics import Share
from notes.reader import TONES, TYPES, URGENCIES

_LABELS: Mapping[str, Sequence[str]] = {"type": TYPES, "urgency": URGENCIES, "tone": TONES}


def render(title: str, scores: Scores, violations: Sequence[Violations] | None, examples: int) -> str:
    """Return the report. At most `examples` texts are shown of each kind; `violations` is None when none was checked.

    Intervals are 95% Wilson intervals, in percent.
    """
    parts = [
        [title, f"{scores.notes} notes, {_spending(scores.spending)}"],
        _fields(scores.fields),
        *(_confusion(field, scores.fields[field]) for field in scores.fields),
        *(_reliability(field, score) for field, score in scores.fields.items() if score.reliability),
        _groups("voice", scores.by_voice),
        _groups("language", scores.by_language),
        [*_entities(scores, examples)],
        _priority(scores),
        _metamorphic(violations, examples),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _spending(spending: Spending) -> str:
    cost = "unknown" if spending.cost_usd is None else f"${spending.cost_usd:.4f}"
    median, longest = 1000 * spending.median_seconds, 1000 * spending.longest_seconds
    return f"{median:.0f} ms a note (median; longest {longest:.0f} ms), cost {cost}"


def _fields(fields: Mapping[str, FieldScore]) -> list[str]:
    head = ("", "accuracy", "macro-F1", "assessed", "right of the assessed", "calibration error")
    rows = [
        (
            field,
            with_interval(score.accuracy),
            percent(score.macro_f1),
            percent(score.coverage.value),
            with_interval(score.assessed_accuracy),
            percent(score.calibration_error),
        )
        for field, score in fields.items()
    ]
    return table([head, *rows])


def _confusion(field: str, score: FieldScore) -> list[str]:
    labels = _LABELS[field]
    head = (f"{field} (rows: labels)", *(label[:8] for label in labels))
    rows = [(label, *(str(score.confusion.get((label, answer), 0) or ".") for answer in labels)) for label in labels]
    return table([head, *rows])


def _reliability(field: str, score: FieldScore) -> list[str]:
    head = (f"{field} confidence", "notes", "said", "right")
    rows = [
        (
            f"{100 * group.lowest:.0f} to {100 * group.highest:.0f}%",
            str(group.answers),
            percent(group.confidence),
            percent(group.accuracy),
        )
        for group in score.reliability
    ]
    return table([head, *rows])


def _groups(title: str, groups: Mapping[str, Mapping[str, Share]]) -> list[str]:
    """Return the accuracy of each group. A single group has no table, because it would repeat the totals."""
    fields = list(groups)
    names = list(groups[fields[0]])
    if len(names) < 2:
        return []
    head = (title, "notes", *fields)
    rows = [
        (name, str(groups[fields[0]][name].total), *(percent(groups[field][name].value) for field in fields))
        for name in names
    ]
    return table([head, *rows])


def _entities(scores: Scores, examples: int) -> Iterator[str]:
    head = ("", "found", "right of the found", "invented")
    rows = [
        (kind, counted(score.recall), with_interval(score.precision), str(len(score.invented)))
        for kind, score in scores.entities.items()
    ]
    yield from table([head, *rows])
    days = scores.days
    yield (
        f"days: {days.right} right, {days.wrong} wrong, {days.unresolved} without a day; "
        f"{days.invented} where no day is labelled"
    )
    if examples:
        for kind, score in scores.entities.items():
            yield from _entity_examples(kind, score, examples)
    yield f"claims: {counted(scores.valid_quotes)} with a valid quote; {scores.dropped_claims} dropped"


def _entity_examples(kind: str, score: EntityScore, examples: int) -> Iterator[str]:
    for name, quotes in (("invented", score.invented), ("missed", score.missed)):
        if quotes:
            yield f"{kind} {name}: {', '.join(quotes[:examples])}{', ...' if len(quotes) > examples else ''}"


def _priority(scores: Scores) -> list[str]:
    priority = scores.priority
    tau = "-" if priority.tau is None else f"{priority.tau:.2f}"
    return [
        f"falsely calm: {counted(priority.falsely_calm)} of what is immediate ends as Low or Defer",
        f"falsely alarmed: {counted(priority.falsely_alarmed)} of what is never urgent ends as High or Critical",
        f"Kendall's tau-b of priority level and labelled urgency: {tau}",
    ]


def _metamorphic(violations: Sequence[Violations] | None, examples: int) -> list[str]:
    if violations is None:
        return ["metamorphic tests: not run; --metamorphic runs about 15 more calls for each note"]
    head = ("metamorphic test", "violated", "checked")
    rows = [(found.relation, str(found.violated.cases), str(found.violated.total)) for found in violations]
    shown = [f"  {found.relation}: {line}" for found in violations for line in found.examples[:examples]]
    return [*table([head, *rows]), *shown]
