"""Says whether a thought, or a page of thoughts, was changed: a digest that PostgreSQL makes without reading any text.

A thought's JSON depends on its row, its results, its vector, and the thoughts that its agents read. Most changes raise
`beat`; PostgreSQL's own `xmin`, the transaction that wrote a row, also shows those that have no column, such as a quote
that was erased from a result. A digest may change although the JSON does not; never the other way round.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select

from contracts.database import Database
from contracts.tables import thoughts
from webapp.queries import ListPosition, listed, read

_DIGEST: Final[ColumnElement[str]] = literal_column("""
    md5(concat_ws(' ', thoughts.id, thoughts.beat, thoughts.xmin,
      (SELECT xmin FROM thought_vectors WHERE thought_id = thoughts.id),
      (SELECT string_agg(concat_ws(' ', r.step, r.xmin, e.id, e.beat, e.xmin, v.xmin,
                (SELECT string_agg(o.xmin::text, ' ' ORDER BY o.step) FROM agent_runs o WHERE o.thought_id = e.id)),
                ',' ORDER BY r.step, e.id)
         FROM agent_runs r
         LEFT JOIN unnest(array_append(r.earlier_thoughts, r.reused_from)) AS related (id) ON true
         LEFT JOIN thoughts e ON e.id = related.id
         LEFT JOIN thought_vectors v ON v.thought_id = e.id
        WHERE r.thought_id = thoughts.id)))
""")
"""The digest of one thought. All tables are read by their keys."""


@dataclass(frozen=True, slots=True)
class ThoughtVersion:
    """The owner of a thought, and the digest of all that its JSON shows."""

    user_id: UUID
    digest: str


def version_of_thought(database: Database, thought_id: UUID) -> ThoughtVersion | None:
    """Return the version of a thought, or None when there is none or it was deleted.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    selected = select(thoughts.c.user_id, _DIGEST.label("digest"))
    rows = read(database, selected.where(thoughts.c.id == thought_id, thoughts.c.status != "deleted"))
    return ThoughtVersion(rows[0].user_id, rows[0].digest) if rows else None


def version_of_page(
    database: Database, user_id: UUID, *, limit: int, status: str | None = None, after: ListPosition | None = None
) -> str:
    """Return a digest of the page that `page_of_thoughts` returns for the same arguments.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    page = listed(select(_DIGEST.label("digest")), user_id, status, after).limit(limit + 1).subquery()
    return str(read(database, select(func.string_agg(page.c.digest, "")))[0][0])
