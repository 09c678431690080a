"""Which errors replace a connection is decided by the SQLSTATE alone."""

import pytest

from contracts.sqlstate import is_data_error, spoils_connection

STATES_OF_A_SESSION = {
    "25006": "the session or server is read-only",
    "25P02": "a failed transaction is still open",
    "57P01": "the server is shutting down",
    "57P05": "an idle session was ended",
    "08006": "the connection failed",
    "53100": "the disk is full",
    "53200": "out of memory",
    "0A000": "a cached plan must not change its result type",
    "26000": "the prepared statement is gone",
    "42P05": "the prepared statement exists already",
    "42501": "the role lost a right, or was changed",
    "42P01": "a table is missing, as on a server that is not migrated",
    "3D000": "the database is gone",
    "3F000": "no schema of the search_path exists",
    "28000": "the role may not log in any more",
    "40003": "it is unknown whether the statement was completed",
    "58030": "an error of input or output",
    "XX000": "an internal error",
    "ZZ999": "a code that no version has today",
}

STATES_OF_A_STATEMENT = {
    "22001": "too long",
    "23505": "a duplicate key",
    "21000": "more than one row",
    "40001": "a serialization failure",
    "40P01": "a deadlock",
    "55P03": "a lock that is not free",
    "57014": "cancelled by its time limit",
    "54000": "a limit of the server's program",
    "P0001": "raised by a trigger",
}


@pytest.mark.parametrize("code", STATES_OF_A_SESSION, ids=STATES_OF_A_SESSION.values())
def test_a_state_that_the_connection_would_keep_replaces_it(code: str) -> None:
    assert spoils_connection(code)


@pytest.mark.parametrize("code", STATES_OF_A_STATEMENT, ids=STATES_OF_A_STATEMENT.values())
def test_an_error_of_the_statement_keeps_the_connection(code: str) -> None:
    assert not spoils_connection(code)


def test_an_error_without_a_code_is_left_to_the_driver() -> None:
    assert not spoils_connection(None)


def test_only_two_classes_blame_the_data() -> None:
    rejected = {code for code in {**STATES_OF_A_SESSION, **STATES_OF_A_STATEMENT} if is_data_error(code)}
    assert rejected == {"22001", "23505"}
    assert not is_data_error(None)
