"""Thoughts of external producers whose user signs in: their records still name the anonymous user."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.consumer.decide import decide
from bridge.consumer.protocol import DecideRequest
from bridge.records.types import Record
from contracts.accept import Accepted, accept
from contracts.database import Database
from contracts.events import parse_created, thought_created
from contracts.settings import Settings
from contracts.source_headers import capture_source
from tests.bridge.thoughts import thought_row
from tests.tasks.thoughts import outbox_rows
from tests.webapp.accounts.joined_users import Pair, add_pair
from webapp import deletion

TEXT = "From elsewhere"


@pytest.fixture
def pair(database: Database, settings: Settings) -> Pair:
    return add_pair(database, settings)


def event_of(user: UUID, thought: UUID, extra: bytes = b"") -> bytes:
    """Return an external producer's event, with members that PostgreSQL's JSON may reject."""
    event = thought_created(user, thought, TEXT).to_bytes()
    return event[:-1] + extra + b"}"


def accept_record(pair: Pair, thought: UUID, extra: bytes = b"") -> Accepted:
    """Accept a record of the anonymous user, as a bridge does."""
    headers = capture_source(str(pair.anonymous).encode(), [("source", b"elsewhere")])
    return accept(
        pair.database,
        thought_id=thought,
        user_id=pair.anonymous,
        text=TEXT,
        event=event_of(pair.anonymous, thought, extra),
        topic=pair.settings.kafka_topic,
        emit=False,
        headers=headers,
    )


def test_a_record_that_is_read_after_the_join_is_accepted_for_the_account_with_a_record_of_its_line(pair: Pair) -> None:
    own = pair.write(pair.account)
    pair.join()
    late = uuid4()
    accepted = accept_record(pair, late)
    assert (accepted.created, accepted.author) == (True, pair.account)
    assert not accepted.contradicts(pair.anonymous, TEXT)
    assert pair.line_ids(pair.account) == [*own, late]
    row = outbox_rows(pair.database, pair.settings.kafka_topic)[-1]
    assert (row.key, row.turn, row.headers["original_headers"][0][0]) == (str(pair.account), accepted.turn, "source")
    assert parse_created(bytes(row.value)).user_id == pair.account
    record = Record(0, pair.anonymous, late, accepted.turn)
    (decision,) = decide(pair.database, [DecideRequest(pair.anonymous, (record,), None)])
    assert [verdict.kind for verdict in decision.verdicts] == ["done"]


def test_a_record_that_is_read_again_after_the_join_does_not_contradict(pair: Pair) -> None:
    thought = uuid4()
    accept_record(pair, thought)
    pair.join()
    again = accept_record(pair, thought)
    assert not again.created
    assert not again.contradicts(pair.anonymous, TEXT)
    assert again.contradicts(pair.anonymous, "Another text")


def test_a_record_without_a_join_writes_no_other_one(pair: Pair) -> None:
    accept_record(pair, uuid4())
    assert outbox_rows(pair.database, pair.settings.kafka_topic) == []


@pytest.mark.parametrize("extra", [b', "n": NaN', b', "n": "\\u0000"', b', "user_id_of_theirs": 7'])
def test_an_event_of_any_form_is_moved(pair: Pair, extra: bytes) -> None:
    thought = uuid4()
    accept_record(pair, thought, extra)
    pair.join()
    event = parse_created(bytes(thought_row(pair.database, thought).event))
    assert (event.user_id, event.thought_id, event.text) == (pair.account, thought, TEXT)


def test_a_record_that_was_dead_lettered_before_its_user_joined_is_erased_with_its_thought(pair: Pair) -> None:
    (thought,) = pair.write(pair.anonymous)
    insert = text("""
        INSERT INTO dead_letters (failure_id, reason, value, headers)
        VALUES ('refused', 'unknown-user', 'a text',
                jsonb_build_object('user_id', CAST(:user AS text), 'thought_id', CAST(:thought AS text)))
    """)
    pair.database.rows(insert, user=str(pair.anonymous), thought=str(thought))
    pair.join()
    deletion.delete(pair.database, thought)
    (letter,) = pair.database.rows(text("SELECT value, state FROM dead_letters"))
    assert (bytes(letter.value), letter.state) == (b"", "discarded")
