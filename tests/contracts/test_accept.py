"""Accept gives each thought one row, one turn, one outbox row."""

from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.accept import Accepted, accept
from contracts.database import Database


def take_in(database: Database, user: UUID, thought: UUID, *, emit: bool = True) -> Accepted:
    return accept(database, thought_id=thought, user_id=user, text="A thought", event=b"{}", topic="work", emit=emit)


def test_turns_are_given_in_the_order_of_acceptance(database: Database, user_id: UUID) -> None:
    assert [take_in(database, user_id, uuid4()).turn for _ in range(3)] == [1, 2, 3]


def test_the_same_id_is_stored_once_and_keeps_its_turn(database: Database, user_id: UUID) -> None:
    thought = uuid4()
    first, second = take_in(database, user_id, thought), take_in(database, user_id, thought)
    assert (first.created, second.created, second.turn) == (True, False, first.turn)
    assert database.rows(text("SELECT count(*) FROM outbox"))[0][0] == 1


def test_an_unknown_user_stores_nothing(database: Database) -> None:
    found = take_in(database, uuid4(), uuid4())
    assert not found.user_known
    assert database.rows(text("SELECT count(*) FROM thoughts"))[0][0] == 0


def test_another_users_thought_is_told_apart(database: Database, user_id: UUID) -> None:
    thought, stranger = uuid4(), uuid4()
    take_in(database, user_id, thought)
    assert take_in(database, stranger, thought).belongs_to_another(stranger)


def test_without_emit_no_record_goes_to_kafka(database: Database, user_id: UUID) -> None:
    take_in(database, user_id, uuid4(), emit=False)
    assert database.rows(text("SELECT count(*) FROM outbox"))[0][0] == 0
