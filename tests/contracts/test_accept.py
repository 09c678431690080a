"""Accept writes one row, one turn and one outbox row for each thought."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.accept import Accepted, accept
from contracts.database import Database
from tests.transactions import slow_commit


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
    accepted = accept_thought(database, other_user, thought)
    assert accepted.contradicts(other_user, "A thought")
    assert not accepted.contradicts(user_id, "A thought")


@pytest.mark.parametrize(
    ("existing_text", "contradicts"), [(None, False), ("A thought", False), ("", False), ("Another", True)]
)
def test_a_deleted_thought_contradicts_no_text(existing_text: str | None, contradicts: bool) -> None:
    owner = uuid4()
    existing_owner = None if existing_text is None else owner
    accepted = Accepted(True, 1, existing_owner, existing_text, created=existing_text is None)
    assert accepted.contradicts(owner, "A thought") is contradicts
    assert accepted.was_deleted is (existing_text == "")


def test_accept_writes_no_outbox_row_without_emit(database: Database, user_id: UUID) -> None:
    accept_thought(database, user_id, uuid4(), emit=False)
    assert database.rows(text("SELECT count(*) FROM outbox"))[0][0] == 0


@pytest.mark.parametrize("deleted", ["the account", "the account that its user has joined"])
def test_accept_stores_nothing_for_a_deleted_account(database: Database, user_id: UUID, deleted: str) -> None:
    account = user_id if deleted == "the account" else uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id) ON CONFLICT DO NOTHING"), id=account)
    database.rows(text("UPDATE users SET deleted_at = now() WHERE id = :id"), id=account)
    if account != user_id:
        database.rows(text("UPDATE users SET account_id = :account WHERE id = :id"), id=user_id, account=account)
    accepted = accept_thought(database, user_id, uuid4())
    assert (accepted.user_known, accepted.turn, accepted.created) == (False, None, False)
    assert database.rows(text("SELECT count(*) FROM thoughts"))[0][0] == 0


def test_accept_that_waits_for_the_deletion_of_the_account_stores_nothing(database: Database, user_id: UUID) -> None:
    with ThreadPoolExecutor() as pool:
        with slow_commit(database) as deleting:
            deleting.rows(text("UPDATE users SET deleted_at = now() WHERE id = :id"), id=user_id)
            accepting = pool.submit(accept_thought, database, user_id, uuid4())
        assert not accepting.result().user_known
    assert database.rows(text("SELECT count(*) FROM thoughts"))[0][0] == 0


def test_accept_still_knows_the_thoughts_of_a_deleted_account(database: Database, user_id: UUID) -> None:
    thought = uuid4()
    accept_thought(database, user_id, thought)
    database.rows(text("UPDATE users SET deleted_at = now() WHERE id = :id"), id=user_id)
    accepted = accept_thought(database, user_id, thought)
    assert (accepted.user_known, accepted.turn, accepted.created) == (True, 1, False)
