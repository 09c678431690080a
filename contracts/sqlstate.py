"""Decides, from the SQLSTATE of an error, what the error says about the data and about the connection. Pure."""

from typing import Final

_DATA_CLASSES: Final = frozenset({"22", "23"})

_STATEMENT_CLASSES: Final = _DATA_CLASSES | {"21", "40", "44", "54", "55", "P0"}
"""Classes of errors that a statement has on every connection, or that its repetition cures: its data and their size, a
deadlock, a lock that was not free."""

_STATEMENT_CODES: Final = frozenset({"57014"})
"""A statement that was cancelled, such as by its time limit."""

_CONNECTION_CODES: Final = frozenset({"40003"})
"""It is not known whether the statement was completed."""


def is_data_error(code: str | None) -> bool:
    """Return whether PostgreSQL rejects the data itself, so that a retry cannot succeed."""
    return (code or "")[:2] in _DATA_CLASSES


def spoils_connection(code: str | None) -> bool:
    """Return whether the connection must be replaced after an error, because its state may be the cause.

    A pooled connection keeps its state: a session that began while the server was read-only stays read-only (25006),
    and so does one that a proxy has kept on a former primary; a plan outlives a change of its columns (0A000), or
    is gone (26000); a server that was out of resources (53), shut down (57P) or broken (XX) is left with a new start.
    Every code is taken as such a state unless it is known to concern the statement, because a new connection costs
    milliseconds and a bad one is used for ever. An error without a code is the driver's, which closes what is lost.
    """
    if code is None or code in _STATEMENT_CODES:
        return False
    return code in _CONNECTION_CODES or code[:2] not in _STATEMENT_CLASSES
