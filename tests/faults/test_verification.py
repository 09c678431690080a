"""Which runs the verification reports as violations, and which disruptions excuse a call paid twice."""

from dataclasses import replace

import pytest

from agents.catalogue import CATALOGUE
from tests.faults.table import Round, kinds, violations
from tests.faults.verification import Call, Disruption, Findings, SavedResult, Thought, verify

MIN_SILENCE = 3.0
FIRST, SECOND = "first", "second"
WORKER = 17


def completed_thought(thought_id: str, turn: int, at: float, text: str = "Plain") -> Thought:
    """Return a completed thought whose steps took a second each, from `at` on."""
    saved = {agent: SavedResult(f"{thought_id} {agent}", at + n + 0.9) for n, agent in enumerate(CATALOGUE.names)}
    return Thought(thought_id, "anna", turn, text, "completed", at + 4.9, saved)


def calls_of(thought: Thought) -> dict[tuple[str, str], list[Call]]:
    return {
        (thought.id, agent): [Call(saved.call_id, WORKER, saved.saved_at - 0.9, "end")]
        for agent, saved in thought.saved.items()
    }


def findings_for(
    *thoughts: Thought,
    calls: dict[tuple[str, str], list[Call]] | None = None,
    disruptions: tuple[Disruption, ...] = (),
) -> Findings:
    """Verify thoughts that were accepted in this order; `calls` replaces some of their ordinary calls."""
    all_calls = {key: line for thought in thoughts for key, line in calls_of(thought).items()} | (calls or {})
    accepted = [("anna", thought.id) for thought in thoughts]
    return verify(accepted, {thought.id: thought for thought in thoughts}, all_calls, disruptions, MIN_SILENCE)


def test_undisturbed_work_has_no_violations() -> None:
    findings = findings_for(completed_thought(FIRST, 1, 100), completed_thought(SECOND, 2, 105))
    assert (findings.violations, findings.paid_twice) == ([], 0)


def test_a_missing_or_open_thought_is_lost() -> None:
    still_open = replace(completed_thought(FIRST, 1, 100), status="processing", finished_at=None)
    assert len(verify([("anna", "gone")], {}, {}, (), MIN_SILENCE).lost) == 1
    assert len(findings_for(still_open).lost) == 1


@pytest.mark.parametrize(("turn", "at"), [(2, 104.8), (1, 105.0)])
def test_a_thought_that_starts_before_the_end_of_an_earlier_one_is_reordered(turn: int, at: float) -> None:
    findings = findings_for(completed_thought(FIRST, 1, 100), completed_thought(SECOND, turn, at))
    assert len(findings.reordered) == 1


GOOD = Call(f"{FIRST} {CATALOGUE.names[0]}", WORKER, 100.5, "end")
EXTRA = [Call("dropped", 18, 100.0), GOOD]


@pytest.mark.parametrize(
    ("disruption", "is_excuse"),
    [
        (Disruption(18, 100.2, 100.2), True),
        (Disruption(18, 99.5, 103.5), True),
        (Disruption(18, 99.5, 101.5), False),
        (Disruption(18, 103.0, 103.0), False),
        (Disruption(WORKER, 100.2, 100.2), False),
    ],
    ids=["killed", "silent for long", "silent for a moment", "killed later", "another process killed"],
)
def test_a_call_paid_for_nothing_is_excused_by_a_disruption_of_its_process(
    disruption: Disruption, is_excuse: bool
) -> None:
    findings = findings_for(
        completed_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): EXTRA}, disruptions=(disruption,)
    )
    assert (findings.paid_twice, len(findings.unexcused)) == (1, 0 if is_excuse else 1)


def test_a_call_that_fails_as_its_directive_demands_is_not_paid_twice() -> None:
    thought = completed_thought(FIRST, 1, 100, f"[[fail:{CATALOGUE.names[0]}:transient:1]]")
    findings = findings_for(thought, calls={(FIRST, CATALOGUE.names[0]): [replace(EXTRA[0], ended="error"), GOOD]})
    assert (findings.paid_twice, findings.violations) == (0, [])


def test_a_call_that_succeeds_against_its_directive_is_paid_twice() -> None:
    thought = completed_thought(FIRST, 1, 100, f"[[fail:{CATALOGUE.names[0]}:transient:1]]")
    findings = findings_for(thought, calls={(FIRST, CATALOGUE.names[0]): [replace(EXTRA[0], ended="end"), GOOD]})
    assert (findings.paid_twice, len(findings.unexcused)) == (1, 1)


def test_no_disruption_excuses_a_call_after_its_result_was_saved() -> None:
    late, disruption = Call("late", 18, 100.95), Disruption(18, 90.0, 100.94)
    findings = findings_for(
        completed_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): [GOOD, late]}, disruptions=(disruption,)
    )
    assert (len(findings.unexcused), len(findings.inconsistent)) == (0, 1)
    assert "after its result was saved" in findings.inconsistent[0]


def test_a_call_after_the_end_of_its_thought_is_a_violation() -> None:
    late = {(FIRST, CATALOGUE.names[0]): [Call("a", WORKER, 100.0, "error"), Call("b", 18, 101.5)]}
    findings = findings_for(
        failed(f"{FIRST}:7", text=PERMANENT), calls=late, disruptions=(Disruption(18, 101.5, 101.5),)
    )
    assert [text for text in findings.inconsistent if "after the thought had ended" in text]


@pytest.mark.parametrize(
    "calls",
    [[], [replace(GOOD, id="another", ended="error")], [replace(GOOD, ended="")], [replace(GOOD, ended="error")]],
    ids=["none", "another call", "without an end", "failed"],
)
def test_a_result_without_a_completed_call_in_the_log_is_a_violation(calls: list[Call]) -> None:
    findings = findings_for(completed_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): calls})
    assert [text for text in findings.inconsistent if "has no end in the log" in text]


def test_two_calls_with_the_same_id_are_a_violation() -> None:
    findings = findings_for(completed_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): [GOOD, GOOD]})
    assert len(findings.inconsistent) == 1


def test_an_empty_call_log_is_a_violation() -> None:
    failed_thought = failed(f"{FIRST}:7", text=PERMANENT)
    findings = verify([("anna", FIRST)], {FIRST: failed_thought}, {}, (), MIN_SILENCE)
    assert [text for text in findings.inconsistent if "no call was logged" in text]


def test_more_than_three_retries_are_a_violation() -> None:
    many = [Call(str(number), WORKER, 100 + number / 10, "error") for number in range(4)]
    thought = completed_thought(FIRST, 1, 100, f"[[fail:{CATALOGUE.names[0]}:transient:4]]")
    findings = findings_for(thought, calls={(FIRST, CATALOGUE.names[0]): [*many, GOOD]})
    assert [text for text in findings.inconsistent if "5 calls" in text]


def test_a_step_that_starts_before_the_previous_one_is_saved_is_a_violation() -> None:
    early = [Call(f"{FIRST} {CATALOGUE.names[1]}", WORKER, 100.5, "end")]
    findings = findings_for(completed_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[1]): early})
    assert len(findings.inconsistent) == 1


def failed(*failure_ids: str, text: str) -> Thought:
    """Return a thought that failed at its first step."""
    return Thought(FIRST, "anna", 7, text, "failed", 101.0, {}, failure_ids)


FAILED_CALL = {(FIRST, CATALOGUE.names[0]): [Call("a", WORKER, 100.0, "error")]}
PERMANENT = f"[[fail:{CATALOGUE.names[0]}:permanent:1]]"


def test_a_failed_thought_has_exactly_one_dead_letter_with_its_id() -> None:
    assert findings_for(failed(f"{FIRST}:7", text=PERMANENT), calls=FAILED_CALL).violations == []
    for failure_ids in ((), (f"{FIRST}:6",), (f"{FIRST}:7", f"{FIRST}:6")):
        assert len(findings_for(failed(*failure_ids, text=PERMANENT), calls=FAILED_CALL).inconsistent) == 1


def test_a_thought_that_fails_with_calls_left_is_a_violation() -> None:
    once = f"[[fail:{CATALOGUE.names[0]}:transient:1]]"
    assert len(findings_for(failed(f"{FIRST}:7", text=once), calls=FAILED_CALL).inconsistent) == 1


def test_the_violations_of_a_round_count_even_if_the_end_no_longer_shows_them() -> None:
    late = Round("1", "kill", 1, Findings(lost=["t is still processing"]), 180.0)
    total = Round("all", "", 1, Findings(), 0.0)
    assert violations([late], total) == ["round 1: t is still processing"]
    assert violations([], total) == []


def test_the_table_of_kinds_adds_the_rounds_of_each_kind() -> None:
    rounds = [
        Round("1", "kill web.1", 2, Findings(lost=["t is lost"]), 3.0, "kill"),
        Round("2", "disk full 3 s", 5, Findings(), 9.0, "fill-disk"),
        Round("3", "kill relay.1", 4, Findings(paid_twice=1, unexcused=["u"]), 1.0, "kill"),
    ]
    _, disk, kills = (row.split() for row in kinds(rounds))
    assert disk == ["1", "fill-disk", "5", "5", "0", "0", "0", "9.0", "s"]
    assert kills == ["2", "kill", "6", "5", "1", "0", "1", "(1!)", "3.0", "s"]
