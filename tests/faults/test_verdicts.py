"""What the checks of a run call a breach, and what an excuse."""

from dataclasses import replace

import pytest

from agents.catalogue import CATALOGUE
from tests.faults.table import Round, breaches
from tests.faults.verdicts import Call, Hit, Saved, Thought, Verdict, judge

SILENCE = 3.0
FIRST, SECOND = "first", "second"
WORKER = 17


def a_thought(name: str, turn: int, at: float, text: str = "Plain") -> Thought:
    """A completed thought whose steps took a second each, from `at` on."""
    saved = {agent: Saved(f"{name} {agent}", at + place + 0.9) for place, agent in enumerate(CATALOGUE.names)}
    return Thought(name, "anna", turn, text, "completed", at + 4.9, saved)


def calls_of(thought: Thought) -> dict[tuple[str, str], list[Call]]:
    return {(thought.id, agent): [Call(one.call, WORKER, one.at - 0.9, "end")] for agent, one in thought.saved.items()}


def found(
    *thoughts: Thought, calls: dict[tuple[str, str], list[Call]] | None = None, hits: tuple[Hit, ...] = ()
) -> Verdict:
    """The verdict on thoughts that were accepted in this order; their calls are the ordinary ones but for `calls`."""
    made = {key: line for thought in thoughts for key, line in calls_of(thought).items()} | (calls or {})
    promised = [("anna", thought.id) for thought in thoughts]
    return judge(promised, {thought.id: thought for thought in thoughts}, made, hits, SILENCE)


def test_ordinary_work_has_no_breach() -> None:
    verdict = found(a_thought(FIRST, 1, 100), a_thought(SECOND, 2, 105))
    assert (verdict.breaches, verdict.paid_twice) == ([], 0)


def test_what_is_not_there_or_still_open_is_lost() -> None:
    still_open = replace(a_thought(FIRST, 1, 100), status="processing", finished_at=None)
    assert len(judge([("anna", "gone")], {}, {}, (), SILENCE).lost) == 1
    assert len(found(still_open).lost) == 1


@pytest.mark.parametrize(("turn", "at"), [(2, 104.8), (1, 105.0)])
def test_a_thought_that_began_before_the_one_written_earlier_had_ended_is_reordered(turn: int, at: float) -> None:
    verdict = found(a_thought(FIRST, 1, 100), a_thought(SECOND, turn, at))
    assert len(verdict.reordered) == 1


GOOD = Call(f"{FIRST} {CATALOGUE.names[0]}", WORKER, 100.5, "end")
EXTRA = [Call("dropped", 18, 100.0), GOOD]


@pytest.mark.parametrize(
    ("hit", "is_excuse"),
    [
        (Hit(18, 100.2, 100.2), True),
        (Hit(18, 99.5, 103.5), True),
        (Hit(18, 99.5, 101.5), False),
        (Hit(18, 103.0, 103.0), False),
        (Hit(WORKER, 100.2, 100.2), False),
    ],
    ids=["killed", "silent for long", "silent for a moment", "killed later", "another one killed"],
)
def test_a_call_paid_for_nothing_is_excused_by_what_befell_its_own_process(hit: Hit, is_excuse: bool) -> None:
    verdict = found(a_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): EXTRA}, hits=(hit,))
    assert (verdict.paid_twice, len(verdict.without_excuse)) == (1, 0 if is_excuse else 1)


def test_a_call_that_was_to_fail_and_did_is_no_call_paid_twice() -> None:
    thought = a_thought(FIRST, 1, 100, f"[[fail:{CATALOGUE.names[0]}:transient:1]]")
    verdict = found(thought, calls={(FIRST, CATALOGUE.names[0]): [replace(EXTRA[0], ended="error"), GOOD]})
    assert (verdict.paid_twice, verdict.breaches) == (0, [])


def test_a_call_that_was_to_fail_and_has_ended_well_is_paid_for_nothing() -> None:
    thought = a_thought(FIRST, 1, 100, f"[[fail:{CATALOGUE.names[0]}:transient:1]]")
    verdict = found(thought, calls={(FIRST, CATALOGUE.names[0]): [replace(EXTRA[0], ended="end"), GOOD]})
    assert (verdict.paid_twice, len(verdict.without_excuse)) == (1, 1)


def test_a_call_begun_after_its_result_was_saved_has_no_excuse() -> None:
    late, hit = Call("late", 18, 100.95), Hit(18, 90.0, 100.94)
    verdict = found(a_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): [GOOD, late]}, hits=(hit,))
    assert (len(verdict.without_excuse), len(verdict.broken)) == (0, 1)
    assert "after its result was saved" in verdict.broken[0]


def test_a_call_begun_after_its_thought_had_ended_is_a_breach() -> None:
    late = {(FIRST, CATALOGUE.names[0]): [Call("a", WORKER, 100.0, "error"), Call("b", 18, 101.5)]}
    verdict = found(failed(f"{FIRST}:7", text=PERMANENT), calls=late, hits=(Hit(18, 101.5, 101.5),))
    assert [words for words in verdict.broken if "after the thought had ended" in words]


@pytest.mark.parametrize(
    "made",
    [[], [replace(GOOD, id="another", ended="error")], [replace(GOOD, ended="")], [replace(GOOD, ended="error")]],
    ids=["none", "another one's", "without an end", "failed"],
)
def test_a_result_whose_call_is_not_in_the_log_is_a_breach(made: list[Call]) -> None:
    verdict = found(a_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): made})
    assert [words for words in verdict.broken if "not in the log" in words]


def test_a_call_that_was_made_twice_under_one_id_is_a_breach() -> None:
    verdict = found(a_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[0]): [GOOD, GOOD]})
    assert len(verdict.broken) == 1


def test_without_any_call_written_down_nothing_is_shown() -> None:
    one_that_failed = failed(f"{FIRST}:7", text=PERMANENT)
    verdict = judge([("anna", FIRST)], {FIRST: one_that_failed}, {}, (), SILENCE)
    assert [words for words in verdict.broken if "no call was written down" in words]


def test_more_than_three_retries_are_a_breach() -> None:
    many = [Call(str(number), WORKER, 100 + number / 10, "error") for number in range(4)]
    thought = a_thought(FIRST, 1, 100, f"[[fail:{CATALOGUE.names[0]}:transient:4]]")
    verdict = found(thought, calls={(FIRST, CATALOGUE.names[0]): [*many, GOOD]})
    assert [words for words in verdict.broken if "5 calls" in words]


def test_a_step_that_began_before_the_one_before_it_was_saved_is_a_breach() -> None:
    early = [Call(f"{FIRST} {CATALOGUE.names[1]}", WORKER, 100.5, "end")]
    assert len(found(a_thought(FIRST, 1, 100), calls={(FIRST, CATALOGUE.names[1]): early}).broken) == 1


def failed(*failure_ids: str, text: str) -> Thought:
    """A thought that failed at its first step."""
    return Thought(FIRST, "anna", 7, text, "failed", 101.0, {}, failure_ids)


BAD_END = {(FIRST, CATALOGUE.names[0]): [Call("a", WORKER, 100.0, "error")]}
PERMANENT = f"[[fail:{CATALOGUE.names[0]}:permanent:1]]"


def test_a_failure_has_exactly_one_dead_letter_under_its_id() -> None:
    assert found(failed(f"{FIRST}:7", text=PERMANENT), calls=BAD_END).breaches == []
    for letters in ((), (f"{FIRST}:6",), (f"{FIRST}:7", f"{FIRST}:6")):
        assert len(found(failed(*letters, text=PERMANENT), calls=BAD_END).broken) == 1


def test_a_thought_that_failed_before_its_calls_were_used_up_is_a_breach() -> None:
    once = f"[[fail:{CATALOGUE.names[0]}:transient:1]]"
    assert len(found(failed(f"{FIRST}:7", text=once), calls=BAD_END).broken) == 1


def test_what_a_round_found_counts_also_when_the_end_finds_it_no_more() -> None:
    late = Round("1", "kill", 1, Verdict(lost=["one is still processing"]), 180.0)
    well = Round("all", "", 1, Verdict(), 0.0)
    assert breaches([late], well) == ["round 1: one is still processing"]
    assert breaches([], well) == []
