"""What each step makes of what it saw, without servers."""

import itertools
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
import redis
from confluent_kafka import KafkaError, KafkaException
from sqlalchemy.exc import OperationalError

from agents.catalogue import CATALOGUE
from contracts.presence import ProcessKind
from validation.event_sequence import expected_names, has_ended, names_of
from validation.live_stream import parse_events, read_until_end
from validation.outcome import Outcome, StepFailedError
from validation.runner import KAFKA_CURE, POSTGRES_CURE, UNEXPECTED_CURE, WEB_CURE, explain
from validation.steps.broker import NO_LEADER, judge_partitions
from validation.steps.dead_letter import describe_replay
from validation.steps.end_to_end import completed_agents
from validation.steps.health import judge_health
from validation.steps.producer import new_spans
from validation.steps.progress import BRIDGE_CURE, MODEL_CURE, require_not_failed, unfinished
from validation.steps.pubsub import judge_events
from validation.steps.redis_server import UNREACHABLE_CURE, cure_of
from validation.steps.results import judge_results
from validation.steps.services import KINDS, judge_processes
from validation.steps.topics import CREATE_CURE, judge_topics
from validation.web_client import Answer

THOUGHT = "01a22ab0-9fb7-74b3-bd40-033c6d557772"


def test_all_kinds_of_processes_must_report() -> None:
    assert "web 1, relay 1, bridge 2, worker 1, solo 1, beat 1 reported" in judge_processes([*KINDS, "bridge"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_process_without_a_report_is_named(kind: ProcessKind) -> None:
    with pytest.raises(StepFailedError, match=rf"none of: {kind}$") as failure:
        judge_processes(other for other in KINDS if other != kind)
    assert failure.value.cure.startswith(f"start {kind} and")


def test_each_partition_needs_a_leader() -> None:
    assert "partitions 0, 1, 2, each with a leader" in judge_partitions("work", {2: 1, 0: 1, 1: 3}, 3)
    with pytest.raises(StepFailedError, match="partition 1 of work has no leader"):
        judge_partitions("work", {0: 1, 1: NO_LEADER, 2: 1}, 3)


@pytest.mark.parametrize("leaders", [{}, {0: 1, 1: 1}])
def test_a_topic_with_too_few_partitions_fails(leaders: dict[int, int]) -> None:
    with pytest.raises(StepFailedError, match=f"has {len(leaders)} partition"):
        judge_partitions("work", leaders, 3)


def test_more_partitions_than_configured_are_no_fault() -> None:
    assert "partitions 0, 1, 2, 3" in judge_partitions("work", dict.fromkeys(range(4), 1), 3)


def test_a_missing_topic_is_named_with_the_command_that_creates_it() -> None:
    assert judge_topics({"work": [(0, 3), (5, 9)], "events": []}) == (
        "work: 2 partitions, 7 records; events: 0 partitions, 0 records"
    )
    with pytest.raises(StepFailedError, match="missing: events, letters") as failure:
        judge_topics({"work": [(0, 3)], "events": None, "letters": None})
    assert failure.value.cure == CREATE_CURE


def health(status: int, overall: str, **checks: bool) -> Answer:
    return Answer(status, {"status": overall, "checks": {name: {"ok": ok} for name, ok in checks.items()}}, 4)


def test_the_health_end_point_must_say_ok() -> None:
    assert judge_health("GET x", health(200, "ok", postgres=True, redis=True)).endswith("ok: postgres, redis")


@pytest.mark.parametrize(
    "answer",
    [
        health(200, "degraded", postgres=True, kafka=False),
        health(503, "down", postgres=False, kafka=False),
        health(503, "not ready", kafka=False),
    ],
)
def test_a_check_that_is_not_ok_is_named(answer: Answer) -> None:
    with pytest.raises(StepFailedError, match=r"not ok: .*kafka"):
        judge_health("GET x", answer)


@pytest.mark.parametrize("body", [{}, {"status": "ok"}, {"status": "up", "checks": []}, {"error": "not found"}])
def test_another_program_on_the_port_is_not_healthy(body: dict[str, Any]) -> None:
    with pytest.raises(StepFailedError) as failure:
        judge_health("GET x", Answer(200, body, 1))
    assert "another program" in failure.value.cure


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (redis.exceptions.ReadOnlyError("READONLY"), "primary"),
        (redis.exceptions.OutOfMemoryError("OOM"), "maxmemory"),
        (redis.exceptions.NoPermissionError("NOPERM"), "ACL"),
        (redis.exceptions.AuthenticationError("WRONGPASS"), "password"),
        (redis.exceptions.ConnectionError("refused"), UNREACHABLE_CURE),
        (redis.exceptions.TimeoutError("late"), UNREACHABLE_CURE),
    ],
)
def test_each_refusal_of_redis_has_its_own_advice(error: redis.RedisError, advice: str) -> None:
    assert advice in cure_of(error)


@pytest.mark.parametrize(
    ("error", "seen", "cure"),
    [
        (redis.exceptions.ReadOnlyError("no writes"), "Redis rejects a command: no writes", "primary"),
        (redis.exceptions.ConnectionError("refused"), "Redis is unavailable: refused", UNREACHABLE_CURE),
        (KafkaException(KafkaError(-195)), "Kafka is unavailable (kafka:9092): _TRANSPORT", KAFKA_CURE),
        (KafkaException(KafkaError(29)), "Kafka refuses this process a right (kafka:9092)", KAFKA_CURE),
        (
            OperationalError("SELECT 1", {}, psycopg2.OperationalError("gone")),
            "PostgreSQL is unavailable",
            POSTGRES_CURE,
        ),
        (ConnectionRefusedError("refused"), "http://web does not answer: refused", WEB_CURE),
        (KeyError("x"), "KeyError: 'x'", UNEXPECTED_CURE),
    ],
)
def test_an_error_of_a_server_says_whether_it_is_unavailable_or_refuses(error: Exception, seen: str, cure: str) -> None:
    site: Any = SimpleNamespace(
        settings=SimpleNamespace(kafka_bootstrap_servers="kafka:9092"), web=SimpleNamespace(base_url="http://web")
    )
    failure = explain(site, error)
    assert failure.seen.startswith(seen)
    assert cure in failure.cure


def test_a_failed_check_of_health_is_shown_with_its_problem_and_its_effect() -> None:
    check = {"ok": False, "latency_ms": None, "problem": "Redis is unavailable.", "effect": "Thoughts wait."}
    with pytest.raises(StepFailedError, match=r"not ok: redis \(Redis is unavailable\. Thoughts wait\.\)$"):
        judge_health("GET x", Answer(200, {"status": "degraded", "checks": {"redis": check}}, 4))


def test_only_records_since_the_request_are_read() -> None:
    assert new_spans({0: 5, 1: 7}, {0: 5, 1: 9, 2: 3}) == [(1, 7, 9), (2, 0, 3)]


def row(**values: Any) -> SimpleNamespace:
    defaults = {"status": "pending", "steps_done": 0, "waiting": None, "is_dispatched": False, "error": None}
    return SimpleNamespace(**(defaults | values))


@pytest.mark.parametrize(
    ("thought", "cure"),
    [
        (row(), BRIDGE_CURE),
        (row(status="processing", is_dispatched=True), "start the worker"),
        (row(status="processing", is_dispatched=True, waiting={"message": "no answer"}), MODEL_CURE),
    ],
)
def test_the_place_where_a_thought_waits_decides_the_advice(thought: SimpleNamespace, cure: str) -> None:
    assert cure in unfinished(THOUGHT, thought, "result", 5).cure


def test_a_failed_thought_says_which_agent_failed() -> None:
    require_not_failed(THOUGHT, row(status="completed"))
    with pytest.raises(StepFailedError, match="in the agent analysis: refused"):
        require_not_failed(THOUGHT, row(status="failed", error={"agent": "analysis", "message": "refused"}))


def event(kind: str, thought: str = THOUGHT, **data: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"thought_id": thought, **data}


def test_events_of_other_thoughts_partial_texts_and_repeats_do_not_count() -> None:
    events = [
        ("reset", {}),
        event("thought_created"),
        event("thought_created", "another"),
        event("thought_agent_progress", agent_number=1),
        event("thought_agent_completed", progress="1/5"),
        event("thought_agent_completed", progress="1/5"),
    ]
    names = names_of(events, THOUGHT)
    assert names == ["thought_created", "thought_agent_completed 1/5"]
    assert not has_ended(names)
    assert has_ended([*names, "thought_failed"])


@pytest.mark.parametrize("place", range(8))
def test_all_events_in_their_order_pass_wherever_the_webs_own_one_is(place: int) -> None:
    created, *others = expected_names(5)
    names = [*others[:place], created, *others[place:]]
    assert judge_events("here", names, 12) == "here: 8 events in 12 ms, thought_created to thought_completed"


@pytest.mark.parametrize("missing", expected_names(5))
def test_a_missing_event_is_named(missing: str) -> None:
    with pytest.raises(StepFailedError, match=f"missing: {missing}$"):
        judge_events("here", [name for name in expected_names(5) if name != missing], 12)


def test_of_many_missing_events_the_first_is_named() -> None:
    with pytest.raises(StepFailedError, match=r"missing: thought_processing and 6 more$"):
        judge_events("here", ["thought_created"], 12)


def test_events_in_another_order_fail() -> None:
    with pytest.raises(StepFailedError, match="not in this order"):
        judge_events("here", expected_names(5)[::-1], 12)


def result(step: int, agent: str, output: Any) -> SimpleNamespace:
    return SimpleNamespace(step=step, agent=agent, output=output, provider="offline", model="rules")


def test_a_result_of_each_agent_is_needed() -> None:
    results = [result(number, name, {"a": 1}) for number, name in enumerate(CATALOGUE.names, 1)]
    completed = row(status="completed", processing_seconds=0.25)
    assert "completed after 250 ms, 5 results by offline/rules: 1 " in judge_results(THOUGHT, completed, results)
    with pytest.raises(StepFailedError, match=f"no result of: {CATALOGUE.names[-1]}"):
        judge_results(THOUGHT, completed, results[:-1])
    with pytest.raises(StepFailedError, match=f"no result of: {CATALOGUE.names[0]}"):
        judge_results(THOUGHT, completed, [result(1, CATALOGUE.names[0], {}), *results[1:]])


def thought_json(status: str, *agents: str) -> Answer:
    members = [{"name": f"agent {number}", "status": agent} for number, agent in enumerate(agents, 1)]
    return Answer(200, {"status": status, "agents": members}, 1)


def test_a_completed_thought_shows_all_its_agents() -> None:
    assert len(completed_agents(thought_json("completed", "completed", "completed"))) == 2
    with pytest.raises(StepFailedError, match="without a result of: agent 2"):
        completed_agents(thought_json("processing", "completed", "running"))
    with pytest.raises(StepFailedError, match="404 gone"):
        completed_agents(Answer(404, {"detail": "gone"}, 1))


def test_both_ends_of_a_replay_are_described() -> None:
    assert describe_replay("completed", 5) == "completed with 5 steps"
    assert describe_replay("failed", 4).startswith("resumed at step 5, and failed again")


LINES = [
    b"retry: 3000\n", b": connected\n", b"\n",
    b"event: thought_created\n", b'data: {"thought_id": "%b"}\n' % THOUGHT.encode(), b"id: 1-0\n", b"\n",
    b": heartbeat\n", b"\n",
    b"event: thought_completed\r\n", b'data: {"thought_id":\r\n', b'data: "%b"}\r\n' % THOUGHT.encode(), b"\r\n",
    b"event: thought_created\n", b'data: {"thought_id": "later"}\n', b"\n",
]  # fmt: skip


def test_a_stream_is_read_as_server_sent_events() -> None:
    kinds = [item and item[0] for item in parse_events(LINES)]
    assert kinds == [None, "thought_created", None, "thought_completed", "thought_created"]


def test_a_stream_is_read_until_the_end_of_the_thought_or_the_deadline() -> None:
    assert [kind for kind, _ in read_until_end(LINES, THOUGHT, float("inf"))] == [
        "thought_created",
        "thought_completed",
    ]
    assert read_until_end(LINES, THOUGHT, float("-inf")) == []


def test_heartbeats_without_a_blank_line_do_not_keep_a_stream_open_beyond_the_deadline() -> None:
    heartbeats = itertools.repeat(b": heartbeat\n", 3)
    assert read_until_end(heartbeats, THOUGHT, float("-inf")) == []
    assert len(list(heartbeats)) == 2, "the first one ends the reading"


def test_an_outcome_is_one_line_whatever_it_quotes() -> None:
    line = Outcome(7, "consumer", "seen\nin two lines", "do this\tand that").line()
    assert line == " 7  FAILED  consumer   seen in two lines -> do this and that"
    assert Outcome(10, "complete", "all").line() == "10  ok      complete   all"
