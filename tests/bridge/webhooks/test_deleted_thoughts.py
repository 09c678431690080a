"""No webhook is given what quotes a thought that was deleted."""

import pytest

from contracts.database import Database
from contracts.events import thought_failed
from contracts.settings import Settings
from tests.bridge.running_relays import add_outbox_row, idle_relay, pending_ids
from tests.bridge.thoughts import add_thought, add_user
from tests.bridge.webhooks.test_sender import add_webhook, delivery_rows
from tests.eventually import eventually
from webapp import deletion


@pytest.mark.usefixtures("topics")
def test_the_end_of_a_thought_that_was_deleted_while_its_event_waited_is_given_to_no_webhook(
    settings: Settings, database: Database
) -> None:
    user = add_user(database)
    add_webhook(database, user, "https://a.example")
    kept, deleted = add_thought(database, user), add_thought(database, user)
    for thought in (kept, deleted):
        event = thought_failed(user, thought, 1, agent="a", kind="lost", message="quoted words", attempts=1)
        add_outbox_row(database, settings.kafka_events_topic, event.to_bytes(), key=str(user), turn=1)
    deletion.delete(database, deleted)
    with idle_relay(settings) as relay:
        eventually(lambda: relay.run_pass() > 0 and not pending_ids(database))
    assert [row.event["thought_id"] for row in delivery_rows(database)] == [str(kept)]
