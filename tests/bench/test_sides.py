"""WholePath: the thoughts of a round are accepted, and become visible all at once."""

from sqlalchemy import text

from bench.sides import WholePath
from bench.stack import RunningStack
from contracts.database import Database
from contracts.settings import Settings

ACCEPTED = text("""
    SELECT (SELECT count(*) FROM thoughts) AS thoughts, (SELECT count(DISTINCT user_id) FROM thoughts) AS users,
           (SELECT count(*) FROM outbox WHERE topic = :topic) AS waiting
""")


def test_the_thoughts_of_a_round_are_invisible_until_they_are_released(settings: Settings, database: Database) -> None:
    side = WholePath(settings, RunningStack(None, settings.database_url, settings.redis_url, None, {}), users=2)
    side.hold(5)
    assert database.rows(ACCEPTED, topic=settings.kafka_topic) == [(0, 0, 0)]
    side.release()
    assert database.rows(ACCEPTED, topic=settings.kafka_topic) == [(5, 2, 5)]
    assert side.ended() == 0
    database.rows(text("UPDATE thoughts SET status = 'completed', finished_at = now() RETURNING id"))
    assert side.ended() == 5
