"""The thoughts of an anonymous user become those of the account that signs in: all of them, once, and in order."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.consumer.decide import decide
from bridge.consumer.protocol import DecideRequest
from bridge.records.parse import parse_record
from bridge.records.types import Record
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.thoughts import finish_thought, thought_row
from tests.tasks.thoughts import outbox_rows
from tests.webapp.accounts.joined_users import Pair, add_pair
from webapp.accounts import joining


@pytest.fixture
def pair(database: Database, settings: Settings) -> Pair:
    return add_pair(database, settings)


def test_open_thoughts_go_to_the_end_of_the_accounts_line_in_their_order(pair: Pair) -> None:
    own, moved = pair.write(pair.account, 2), pair.write(pair.anonymous, 3)
    pair.join()
    later = pair.write(pair.account)
    assert pair.line_ids(pair.account) == [*own, *moved, *later]
    assert pair.line(pair.anonymous) == []


def test_new_turns_are_larger_than_every_former_turn_of_both_lines(pair: Pair) -> None:
    finished = pair.write(pair.anonymous, 5)
    for thought in finished:
        finish_thought(pair.database, thought)
    (moved,) = pair.write(pair.anonymous)
    pair.write(pair.account)
    pair.join()
    assert [row.turn for row in pair.line(pair.account)] == [1, 7]
    assert thought_row(pair.database, moved).turn == 7
    assert [thought_row(pair.database, thought).turn for thought in finished] == [1, 2, 3, 4, 5]
    assert {thought_row(pair.database, thought).user_id for thought in finished} == {pair.account}


def test_each_open_thought_gets_a_record_that_a_bridge_accepts_in_the_accounts_name(pair: Pair) -> None:
    moved = pair.write(pair.anonymous, 2)
    before = len(outbox_rows(pair.database, pair.settings.kafka_topic))
    pair.join()
    rows = outbox_rows(pair.database, pair.settings.kafka_topic)[before:]
    origin = {"topic": "work", "partition": 0, "offset": 0}
    records = [parse_record(origin, bytes(row.value), [("turn", b"%d" % row.turn)], row.key.encode()) for row in rows]
    assert all(isinstance(record, Record) for record in records)
    assert [(record.user_id, record.thought_id) for record in records if isinstance(record, Record)] == [
        (pair.account, thought) for thought in moved
    ]


def test_without_kafka_a_join_writes_no_record(pair: Pair) -> None:
    pair.write(pair.anonymous)
    before = len(outbox_rows(pair.database, "work"))
    joining.join(pair.database, pair.anonymous, pair.account, topic="work", emit=False)
    assert len(outbox_rows(pair.database, "work")) == before
    assert len(pair.line(pair.account)) == 1


def test_a_second_join_changes_nothing(pair: Pair) -> None:
    pair.write(pair.anonymous, 2)
    pair.join()
    line, rows = pair.line(pair.account), outbox_rows(pair.database, pair.settings.kafka_topic)
    pair.join()
    assert (pair.line(pair.account), outbox_rows(pair.database, pair.settings.kafka_topic)) == (line, rows)


def test_a_user_joins_one_account_only_and_an_account_joins_none(pair: Pair, database: Database) -> None:
    moved, own = pair.write(pair.anonymous), pair.write(pair.account)
    other = add_pair(database, pair.settings)
    pair.join()
    joining.join(database, pair.anonymous, other.account, topic="work", emit=True)
    joining.join(database, pair.account, other.account, topic="work", emit=True)
    joining.join(database, other.anonymous, pair.anonymous, topic="work", emit=True)
    joining.join(database, pair.account, pair.account, topic="work", emit=True)
    late = pair.write(pair.anonymous)
    assert pair.line_ids(pair.account) == [*own, *moved, *late]
    assert pair.line(other.account) == []


def test_a_browser_without_a_thought_joins_too_because_its_first_one_may_be_on_its_way(pair: Pair) -> None:
    visitor = uuid4()
    joining.join(pair.database, visitor, pair.account, topic="work", emit=True)
    (late,) = pair.write(visitor)
    assert pair.line_ids(pair.account) == [late]


def verdict(pair: Pair, user: UUID, thought: UUID, turn: int) -> str:
    """Return Decide's verdict on a record."""
    (decision,) = decide(pair.database, [DecideRequest(user, (Record(0, user, thought, turn),), None)])
    return decision.verdicts[0].kind


def test_a_record_of_the_former_line_is_done_and_one_of_a_stranger_contradicts(pair: Pair) -> None:
    (moved,) = pair.write(pair.anonymous)
    assert verdict(pair, pair.anonymous, moved, 1) == "open"
    pair.join()
    assert verdict(pair, pair.anonymous, moved, 1) == "done"
    assert verdict(pair, pair.account, moved, 2) == "open"
    assert verdict(pair, add_pair(pair.database, pair.settings).anonymous, moved, 1) == "contradicts"


def test_a_deleted_thought_stays_erased(pair: Pair) -> None:
    (moved,) = pair.write(pair.anonymous)
    erased = "UPDATE thoughts SET status = 'deleted', text = '', event = '', finished_at = now() WHERE id = :id"
    pair.database.rows(text(erased), id=moved)
    pair.join()
    row = thought_row(pair.database, moved)
    assert (row.user_id, row.status, bytes(row.event)) == (pair.account, "deleted", b"")
