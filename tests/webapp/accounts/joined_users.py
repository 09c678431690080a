"""An anonymous user and an account in PostgreSQL, for the tests of their joining."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.accept import accept
from contracts.database import Database, Row
from contracts.events import thought_created
from contracts.settings import Settings
from webapp.accounts import joining

INSERT_ACCOUNT = text("INSERT INTO users (id, is_anonymous, email) VALUES (:id, false, :email)")
LINE = text("""
    SELECT id, turn, status FROM thoughts WHERE user_id = :user AND finished_at IS NULL ORDER BY turn
""")


@dataclass(frozen=True)
class Pair:
    """An anonymous user of a browser, and the account that signs in with it."""

    database: Database
    settings: Settings
    anonymous: UUID
    account: UUID

    def write(self, user: UUID, number: int = 1) -> list[UUID]:
        """Let a stored user write thoughts; return their ids."""
        return [self._accept(user, f"Thought {n}") for n in range(number)]

    def _accept(self, user: UUID, thought_text: str) -> UUID:
        thought, topic = uuid4(), self.settings.kafka_topic
        event = thought_created(user, thought, thought_text).to_bytes()
        accept(self.database, thought_id=thought, user_id=user, text=thought_text, event=event, topic=topic, emit=True)
        return thought

    def join(self) -> None:
        """Sign in."""
        joining.join(self.database, self.anonymous, self.account, topic=self.settings.kafka_topic, emit=True)

    def line(self, user: UUID) -> list[Row]:
        """Return the open thoughts of a user in the order of their turns."""
        return self.database.rows(LINE, user=user)

    def line_ids(self, user: UUID) -> list[UUID]:
        """Return the ids of the open thoughts of a user in the order of their turns."""
        return [row.id for row in self.line(user)]


def add_pair(database: Database, settings: Settings) -> Pair:
    """Store an anonymous user and an account."""
    pair = Pair(database, settings, uuid4(), uuid4())
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=pair.anonymous)
    database.rows(INSERT_ACCOUNT, id=pair.account, email=f"{pair.account}@example.org")
    return pair
