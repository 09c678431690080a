"""A thought that is being processed when its user signs in: it goes on in the account's line, or waits for its turn."""

import json
from uuid import UUID, uuid4

import pytest

from bridge.consumer.protocol import Head
from contracts.database import Database
from contracts.events import agent_completed, thought_failed
from contracts.settings import Settings
from tasks.step_store import Step, StepStore
from tests.bridge.thoughts import finish_thought, thought_row
from tests.tasks.agent_results import make_result
from tests.tasks.thoughts import agent_run_rows, outbox_rows, poll_head, record_of, step_of
from tests.webapp.accounts.joined_users import Pair, add_pair
from webapp.profile.model import Profile
from webapp.profile.store import replace_profile


@pytest.fixture
def pair(database: Database, settings: Settings) -> Pair:
    return add_pair(database, settings)


@pytest.fixture
def store(database: Database, settings: Settings) -> StepStore:
    return StepStore(database, settings)


def begin(pair: Pair, thought: UUID) -> Head:
    """Let a bridge begin the head of the thought's line."""
    head = poll_head(pair.database, record_of(pair.database, thought))
    assert (head.thought_id, head.needs_dispatch) == (thought, True)
    return head


def claimed(store: StepStore, step: Step) -> UUID:
    """Claim a step, and return its call."""
    call = uuid4()
    claim = store.claim(step, call)
    assert claim is not None
    assert claim.result == "run"
    return call


def result_of_claim(store: StepStore, step: Step) -> str:
    """Return the answer to a claim."""
    claim = store.claim(step, uuid4())
    assert claim is not None
    return claim.result


def save(store: StepStore, step: Step, call: UUID) -> bool:
    """Save the result of a call."""
    return store.save(step, call, 1, make_result(), seconds=0.1, events=[b"{}"])


def next_step(step: Step) -> Step:
    """Return the step of the chain's next message."""
    return Step(step.thought_id, step.dispatch_id, step.number + 1)


def test_the_head_goes_on_when_the_accounts_line_is_empty(pair: Pair, store: StepStore) -> None:
    moved, follower = pair.write(pair.anonymous, 2)
    step = step_of(begin(pair, moved))
    call = claimed(store, step)
    pair.join()
    head = poll_head(pair.database, record_of(pair.database, follower))
    assert (head.thought_id, head.in_call, head.needs_dispatch) == (moved, True, False)
    assert store.renew({call: moved}) == {call: True}
    assert save(store, step, call)
    assert result_of_claim(store, next_step(step)) == "run", "the chain goes on under the same token"


def test_a_call_in_progress_ends_and_its_thought_then_waits_behind_the_accounts_thoughts(
    pair: Pair, store: StepStore
) -> None:
    (own,), (moved,) = pair.write(pair.account), pair.write(pair.anonymous)
    step = step_of(begin(pair, moved))
    call = claimed(store, step)
    pair.join()
    assert poll_head(pair.database, record_of(pair.database, moved)).thought_id == own
    assert save(store, step, call)
    assert result_of_claim(store, next_step(step)) == "stale"
    assert thought_row(pair.database, moved).status == "pending"
    finish_thought(pair.database, own)
    head = begin(pair, moved)
    assert (head.steps_done, step_of(head).number) == (1, 2)
    assert result_of_claim(store, next_step(step)) == "stale", "a message of the former line has a former token"
    assert result_of_claim(store, step_of(head)) == "run"


def test_the_events_of_a_call_in_progress_are_written_in_the_accounts_name(pair: Pair, store: StepStore) -> None:
    pair.write(pair.account)
    (moved,) = pair.write(pair.anonymous)
    step = step_of(begin(pair, moved))
    call = claimed(store, step)
    events = [agent_completed(pair.anonymous, moved, 1, agent_name='a "user_id": quote', total=5).to_bytes()]
    pair.join()
    assert store.save(step, call, 1, make_result(), seconds=0.1, events=events)
    (row,) = outbox_rows(pair.database, pair.settings.kafka_events_topic)
    written, event = json.loads(bytes(row.value)), json.loads(events[0])
    assert (row.key, written) == (str(pair.account), event | {"user_id": str(pair.account)})


@pytest.mark.parametrize("ending", ["retry", "outage"])
def test_a_call_that_fails_after_the_join_leaves_its_thought_waiting(pair: Pair, store: StepStore, ending: str) -> None:
    (own,), (moved,) = pair.write(pair.account), pair.write(pair.anonymous)
    step = step_of(begin(pair, moved))
    call = claimed(store, step)
    pair.join()
    if ending == "retry":
        assert store.schedule_retry(step, call, backoff=0.0, error={"agent": step.agent, "kind": "transient"})
    else:
        deferred = store.defer(step, call, wait=0.0, waiting={"kind": "outage"})
        assert deferred is not None
        assert deferred.result == "deferred"
    assert result_of_claim(store, step) == "stale"
    finish_thought(pair.database, own)
    assert result_of_claim(store, step_of(begin(pair, moved))) == "run"
    assert thought_row(pair.database, moved).attempts == (2 if ending == "retry" else 1)


def test_a_thought_between_two_calls_waits_and_its_queued_message_is_stale(pair: Pair, store: StepStore) -> None:
    (own,), (moved,) = pair.write(pair.account), pair.write(pair.anonymous)
    step = step_of(begin(pair, moved))
    assert save(store, step, claimed(store, step))
    pair.join()
    assert result_of_claim(store, next_step(step)) == "stale"
    finish_thought(pair.database, own)
    assert step_of(begin(pair, moved)).number == 2
    assert result_of_claim(store, next_step(step)) == "stale"
    assert [row.step for row in agent_run_rows(pair.database, moved)] == [1]


def test_the_step_of_a_worker_that_was_killed_is_taken_over_in_the_accounts_line(pair: Pair, store: StepStore) -> None:
    (own,), (moved,) = pair.write(pair.account), pair.write(pair.anonymous)
    step = step_of(begin(pair, moved))
    call = claimed(store, step)
    pair.join()
    finish_thought(pair.database, own)
    record = record_of(pair.database, moved)
    watched = poll_head(pair.database, record)
    assert (watched.thought_id, watched.in_call, watched.needs_dispatch) == (moved, True, False)
    taken = poll_head(pair.database, record, watched.version)
    assert (taken.needs_dispatch, taken.losses) == (True, 1)
    assert not save(store, step, call), "the worker was presumed dead"
    retried = step_of(taken)
    assert save(store, retried, claimed(store, retried))
    assert result_of_claim(store, next_step(retried)) == "run", "its line is the account's now, and it is the head"


def test_a_lease_that_expired_before_the_join_takes_nothing_over_after_it(pair: Pair, store: StepStore) -> None:
    (moved,) = pair.write(pair.anonymous)
    head = begin(pair, moved)
    call = claimed(store, step_of(head))
    watched = poll_head(pair.database, record_of(pair.database, moved))
    pair.join()
    assert not poll_head(pair.database, record_of(pair.database, moved), watched.version).needs_dispatch
    assert save(store, step_of(head), call)


def test_a_permanent_failure_after_the_join_is_a_dead_letter_of_the_new_turn(pair: Pair, store: StepStore) -> None:
    pair.write(pair.account, 3)
    (moved,) = pair.write(pair.anonymous)
    step = step_of(begin(pair, moved))
    call = claimed(store, step)
    pair.join()
    error = {"agent": step.agent, "kind": "permanent"}
    event = thought_failed(pair.anonymous, moved, 1, agent=step.agent, kind="permanent", message="\0", attempts=1)
    assert store.fail(step, call, 1, error=error, headers={}, event=event.to_bytes())
    written = outbox_rows(pair.database, pair.settings.kafka_events_topic)[-1]
    assert json.loads(bytes(written.value))["user_id"] == str(pair.account)
    row = thought_row(pair.database, moved)
    assert (row.status, row.turn, row.user_id) == ("failed", 4, pair.account)


def test_all_steps_of_a_thought_see_the_profile_that_its_first_steps_saw(pair: Pair, store: StepStore) -> None:
    set_profile(pair, pair.anonymous, "gardener")
    set_profile(pair, pair.account, "lawyer")
    moved, waiting = pair.write(pair.anonymous, 2)
    step = step_of(begin(pair, moved))
    save(store, step, claimed(store, step))
    pair.join()
    claim = store.claim(next_step(step), uuid4())
    assert claim is not None
    assert claim.profile["goals"] == ["gardener"]
    finish_thought(pair.database, moved)
    claim = store.claim(step_of(begin(pair, waiting)), uuid4())
    assert claim is not None
    assert claim.profile["goals"] == ["gardener"], "the one with which it was written"
    (new,) = pair.write(pair.account)
    finish_thought(pair.database, waiting)
    claim = store.claim(step_of(begin(pair, new)), uuid4())
    assert claim is not None
    assert claim.profile["goals"] == ["lawyer"]


def test_an_account_without_a_profile_takes_the_browsers_for_its_later_thoughts(pair: Pair, store: StepStore) -> None:
    set_profile(pair, pair.anonymous, "gardener")
    (own,) = pair.write(pair.account)
    pair.join()
    (later,) = pair.write(pair.account)
    profiles = []
    for thought in (own, later):
        claim = store.claim(step_of(begin(pair, thought)), uuid4())
        assert claim is not None
        profiles.append((claim.profile.get("goals"), claim.profile_version))
        finish_thought(pair.database, thought)
    assert profiles == [(None, 0), (["gardener"], 1)]


def test_a_waiting_thought_without_a_profile_of_its_own_sees_the_accounts(pair: Pair, store: StepStore) -> None:
    set_profile(pair, pair.account, "lawyer")
    (moved,) = pair.write(pair.anonymous)
    pair.join()
    claim = store.claim(step_of(begin(pair, moved)), uuid4())
    assert claim is not None
    assert claim.profile["goals"] == ["lawyer"]


def set_profile(pair: Pair, user: UUID, goal: str) -> None:
    """Replace a user's profile, as the profile page does."""
    replace_profile(pair.database, user, Profile(goals=(goal,)), None)
