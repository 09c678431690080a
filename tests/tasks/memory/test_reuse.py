"""A thought that equals an earlier one of the same user takes its results, step by step, without a call."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from sqlalchemy import text

from agents.catalogue import CATALOGUE
from contracts.database import Database
from contracts.settings import Settings
from tasks.step_outcomes import Advance, Requeue
from tests.agents.opposites import OPPOSITES
from tests.tasks.admission.gates import make_gate
from tests.tasks.admission.services import FIRST, FakeServices
from tests.tasks.conftest import MakeMemory, MakeRunner
from tests.tasks.memory.conftest import NewLife
from tests.tasks.memory.lives import Life
from tests.tasks.thoughts import outbox_rows, published_events, set_columns, thought_row

TEXT = "I want to learn to sail"
COPIED = ("agent", "version", "provider", "model", "output", "dropped_claims", "reuse_key", "earlier_thoughts")


def columns(life: Life, thought: Any) -> list[tuple[Any, ...]]:
    return [tuple(getattr(run, name) for name in COPIED) for run in life.runs(thought)]


def test_an_equal_thought_takes_all_results_without_a_call(life: Life) -> None:
    first = life.write(TEXT)
    second = life.write(f"  {TEXT}.")
    assert life.provider.calls == CATALOGUE.total
    assert life.sources(first) == [None] * CATALOGUE.total
    assert life.sources(second) == [first] * CATALOGUE.total
    assert columns(life, second) == columns(life, first)


def test_a_copied_result_cost_nothing(life: Life) -> None:
    life.write(TEXT)
    for run in life.runs(life.write(TEXT)):
        assert (run.tokens_in, run.tokens_out, run.cost_usd) == (0, 0, 0)


def test_progress_and_events_of_a_copied_thought_are_as_ever(
    life: Life, database: Database, settings: Settings, redis_client: redis.Redis
) -> None:
    life.write(TEXT)
    redis_client.flushdb()
    before = len(outbox_rows(database, settings.kafka_events_topic))
    thought = life.write(TEXT)
    published = published_events(redis_client, settings, life.user)
    assert [event["data"].get("progress") for event in published] == ["1/5", "2/5", "3/5", "4/5", "5/5", None]
    assert published[-1]["type"] == "thought_completed"
    rows = outbox_rows(database, settings.kafka_events_topic)[before:]
    assert [json.loads(bytes(row.value)) for row in rows] == [event["data"] for event in published]
    assert thought_row(database, thought).processing_seconds is not None


@pytest.mark.parametrize("pair", OPPOSITES, ids=lambda pair: pair[0][:30])
def test_no_opposite_is_served_the_results_of_the_other(life: Life, pair: tuple[str, str]) -> None:
    assert len(OPPOSITES) >= 15
    life.write(pair[0])
    assert life.sources(life.write(pair[1])) == [None] * CATALOGUE.total
    assert life.provider.calls == 2 * CATALOGUE.total


def test_another_users_equal_thought_is_analysed(new_life: NewLife, life: Life) -> None:
    new_life().write(TEXT)
    assert life.sources(life.write(TEXT)) == [None] * CATALOGUE.total


def test_a_fresh_thought_is_analysed_and_is_then_the_one_to_copy_from(life: Life) -> None:
    life.write(TEXT)
    fresh = life.write(TEXT, fresh=True)
    assert life.sources(fresh) == [None] * CATALOGUE.total
    assert life.provider.calls == 2 * CATALOGUE.total
    assert life.sources(life.write(TEXT)) == [fresh] * CATALOGUE.total


def test_a_new_version_of_the_provider_analyses_again(life: Life) -> None:
    life.write(TEXT)
    life.provider.version = "2"
    assert life.sources(life.write(TEXT)) == [None] * CATALOGUE.total


def test_a_changed_profile_analyses_again(life: Life, database: Database) -> None:
    life.write(TEXT)
    database.rows(text("""UPDATE users SET profile = '{"goals": ["Sail"]}' WHERE id = :user"""), user=life.user)
    assert life.sources(life.write(TEXT)) == [None] * CATALOGUE.total


def test_a_text_with_a_date_is_analysed_again_on_another_day(life: Life, database: Database) -> None:
    written = "Call mum tomorrow"
    first = life.write(written)
    assert life.sources(life.write(written)) == [first] * CATALOGUE.total
    step = life.begin(written)
    set_columns(database, step.thought_id, "created_at = created_at - interval '1 day'")
    assert life.run(step) == [Advance()] * CATALOGUE.total
    assert life.sources(step.thought_id) == [None] * CATALOGUE.total


def test_only_a_completed_thought_is_a_source(life: Life, database: Database) -> None:
    first = life.write(TEXT)
    set_columns(database, first, "status = 'failed'")
    assert life.sources(life.write(TEXT)) == [None] * CATALOGUE.total


def test_a_deleted_thought_is_no_source_and_its_copies_are(life: Life) -> None:
    first, second = life.write(TEXT), life.write(TEXT)
    life.delete(first)
    assert life.sources(life.write(TEXT)) == [second] * CATALOGUE.total
    life.delete(second)


def test_the_remaining_steps_are_analysed_when_the_source_is_deleted_midway(life: Life) -> None:
    first = life.write(TEXT)
    step = life.begin(TEXT)
    assert life.run(step, (1, 2)) == [Advance()] * 2
    life.delete(first)
    assert life.run(step, (3, 4, 5)) == [Advance()] * 3
    assert life.sources(step.thought_id) == [first, first, None, None, None]
    assert life.provider.calls == CATALOGUE.total + 3


def test_all_steps_come_from_one_source_even_if_a_newer_one_is_completed_meanwhile(
    life: Life, database: Database
) -> None:
    first = life.write(TEXT)
    step = life.begin(TEXT)
    assert life.run(step, (1,)) == [Advance()]
    copy_of_results = """
        INSERT INTO agent_runs
        SELECT (jsonb_populate_record(r, jsonb_build_object('thought_id', CAST(:other AS text)))).*
          FROM agent_runs r WHERE thought_id = :id
    """
    other = life.begin_for_another_line(TEXT)
    database.rows(text(copy_of_results), id=first, other=str(other))
    set_columns(database, other, "status = 'completed', finished_at = now(), steps_done = 5")
    assert life.run(step, (2, 3, 4, 5)) == [Advance()] * 4
    assert life.sources(step.thought_id) == [first] * CATALOGUE.total


def test_a_change_of_the_provider_midway_analyses_the_remaining_steps(life: Life) -> None:
    first = life.write(TEXT)
    step = life.begin(TEXT)
    assert life.run(step, (1, 2)) == [Advance()] * 2
    life.provider.version = "2"
    assert life.run(step, (3, 4, 5)) == [Advance()] * 3
    assert life.sources(step.thought_id) == [first, first, None, None, None]


def test_a_thought_with_results_of_two_versions_is_no_source(life: Life) -> None:
    step = life.begin(TEXT)
    assert life.run(step, (1, 2)) == [Advance()] * 2
    life.provider.version = "2"
    assert life.run(step, (3, 4, 5)) == [Advance()] * 3
    life.provider.version = "1"
    assert life.sources(life.write(TEXT)) == [None] * CATALOGUE.total


def test_the_remaining_steps_are_not_copied_from_a_thought_that_is_no_longer_completed(
    life: Life, database: Database
) -> None:
    first = life.write(TEXT)
    step = life.begin(TEXT)
    assert life.run(step, (1, 2)) == [Advance()] * 2
    set_columns(database, first, "status = 'failed'")
    assert life.run(step, (3, 4, 5)) == [Advance()] * 3
    assert life.sources(step.thought_id) == [first, first, None, None, None]


def test_results_that_may_quote_a_deleted_thought_are_not_copied(life: Life) -> None:
    quoted = life.write("I would like to learn how to sail")
    first = life.write(TEXT)
    assert life.read(first)[1] == [quoted]
    step = life.begin(TEXT)
    assert life.run(step, (1, 2)) == [Advance()] * 2
    life.delete(quoted)
    assert life.run(step, (3, 4, 5)) == [Advance()] * 3
    assert life.sources(step.thought_id) == [first, first, None, None, None]
    assert life.sources(life.write(TEXT)) == [None] * CATALOGUE.total


def test_a_source_is_found_beside_a_later_one_that_is_not_completed(life: Life, database: Database) -> None:
    first, later = life.write(TEXT), life.write(TEXT, fresh=True)
    set_columns(database, later, "status = 'failed'")
    assert life.sources(life.write(TEXT)) == [first] * CATALOGUE.total


def test_a_source_is_found_beside_a_later_one_that_read_a_deleted_thought(life: Life) -> None:
    first = life.write(TEXT)
    read = life.write("I would like to learn how to sail")
    later = life.write(TEXT, fresh=True)
    assert read in (life.read(later)[1] or ())
    life.delete(read)
    assert life.sources(life.write(TEXT)) == [first] * CATALOGUE.total


def test_a_duplicate_message_of_a_copied_step_changes_nothing(life: Life) -> None:
    life.write(TEXT)
    step = life.begin(TEXT)
    assert life.run(step, (1, 1, 2, 2)) == [Advance()] * 4
    assert len(life.runs(step.thought_id)) == 2


def run_with_services(
    life: Life, make_runner: MakeRunner, make_memory: MakeMemory, settings: Settings
) -> tuple[FakeServices, Callable[..., list[Any]]]:
    """Return model services, and a function that runs steps of a thought with them."""
    services = FakeServices()
    runner = make_runner(services, gate=make_gate(services, settings), memory=make_memory(services))

    def run(step: Any, numbers: Any = range(1, CATALOGUE.total + 1)) -> list[Any]:
        return [runner.run(replace(step, number=number)) for number in numbers]

    return services, run


def test_a_result_is_copied_while_the_model_is_unavailable_and_other_thoughts_wait(
    life: Life, make_runner: MakeRunner, make_memory: MakeMemory, settings: Settings, database: Database
) -> None:
    services, run = run_with_services(life, make_runner, make_memory, settings)
    first = life.begin(TEXT)
    assert run(first) == [Advance()] * CATALOGUE.total
    services.failures[FIRST] = "quota"
    other = life.begin("Something else that I think about")
    assert all(isinstance(outcome, Requeue) for outcome in run(other, (1, 1)))
    life.delete(other.thought_id)
    calls = len(services.calls)
    second = life.begin(TEXT)
    assert run(second) == [Advance()] * CATALOGUE.total
    assert len(services.calls) == calls
    assert life.sources(second.thought_id) == [first.thought_id] * CATALOGUE.total


def test_a_step_waits_for_the_model_when_its_source_disappears_before_the_claim(
    life: Life, make_runner: MakeRunner, make_memory: MakeMemory, settings: Settings, database: Database
) -> None:
    services, run = run_with_services(life, make_runner, make_memory, settings)
    first = life.begin(TEXT)
    assert run(first) == [Advance()] * CATALOGUE.total
    services.failures[FIRST] = "quota"
    other = life.begin("Something else that I think about")
    assert isinstance(run(other, (1,))[0], Requeue)
    life.delete(other.thought_id)
    second = life.begin(TEXT)
    memory = make_memory(services)
    memory.recall = _after(lambda: life.delete(first.thought_id), memory.recall)  # type: ignore[method-assign]
    gate = make_gate(services, settings)
    runner = make_runner(services, gate=gate, memory=memory)
    assert isinstance(runner.run(replace(second, number=1)), Requeue)
    row = thought_row(database, second.thought_id)
    assert (row.attempts, row.call_id) == (0, None)
    assert life.runs(second.thought_id) == []


def _after(action: Callable[[], Any], function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        action()
        return function(*args)

    return run


def test_a_copied_result_passes_no_budget(
    life: Life, make_runner: MakeRunner, make_memory: MakeMemory, settings: Settings
) -> None:
    changed = settings.model_copy(update={"ai_requests_per_minute": CATALOGUE.total})
    services, run = run_with_services(life, make_runner, make_memory, changed)
    first, second = life.begin(TEXT), None
    assert run(first) == [Advance()] * CATALOGUE.total
    second = life.begin(TEXT)
    assert run(second) == [Advance()] * CATALOGUE.total
    third = life.begin("Something else that I think about")
    assert isinstance(run(third, (1,))[0], Requeue)
    assert len(services.calls) == CATALOGUE.total
