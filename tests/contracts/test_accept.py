"""Accept writes one row, one turn and one outbox row for each thought."""

from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.accept import Accepted, accept
from contracts.database import Database


def accept_thought(database: Database, user: UUID, thought: UUID, *, emit: bool = True) -> Accepted:
    return accept(database, thought_id=thought, user_id=user, text="A thought", event=b"{}", topic="work", emit=emit)


def test_accept_assigns_turns_in_the_order_of_acceptance(database: Database, user_id: UUID) -> None:
    assert [accept_thought(database, user_id, uuid4()).turn for _ in range(3)] == [1, 2, 3]


def test_accept_stores_an_id_once_and_keeps_its_turn(database: Database, user_id: UUID) -> None:
    thought = uuid4()
    first, second = accept_thought(database, user_id, thought), accept_thought(database, user_id, thought)
    assert (first.created, second.created, second.turn) == (True, False, first.turn)
    assert database.rows(text("SELECT count(*) FROM outbox"))[0][0] == 1


def test_accept_stores_nothing_for_an_unknown_user(database: Database) -> None:
    accepted = accept_thought(database, uuid4(), uuid4())
    assert not accepted.user_known
    assert database.rows(text("SELECT count(*) FROM thoughts"))[0][0] == 0


def test_accept_detects_an_id_of_another_users_thought(database: Database, user_id: UUID) -> None:
    thought, other_user = uuid4(), uuid4()
    accept_thought(database, user_id, thought)
    assert accept_thought(database, other_user, thought).belongs_to_another(other_user)


def test_accept_writes_no_outbox_row_without_emit(database: Database, user_id: UUID) -> None:
    accept_thought(database, user_id, uuid4(), emit=False)
    assert database.rows(text("SELECT count(*) FROM outbox"))[0][0] == 0
