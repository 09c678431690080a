"""Events reach webhooks: from the outbox, signed, until they are accepted, and no longer than a day."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.webhooks.deliveries import PAUSES_SECONDS, Attempt, Deliveries
from bridge.webhooks.payload import payload
from bridge.webhooks.sender import WebhookSender, background_webhooks
from contracts.database import Database
from contracts.events import thought_completed, thought_created, thought_failed
from contracts.settings import Settings
from tests.bridge.running_relays import add_outbox_row, idle_relay, pending_ids
from tests.bridge.thoughts import add_thought, add_user
from tests.bridge.webhooks.receiver import Receiver, running_receiver, status
from tests.eventually import eventually

SECRET = b"k" * 32


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"webhook_loopback": True}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def sender(settings: Settings, database: Database) -> WebhookSender:
    return WebhookSender(settings, database, threading.Event())


def add_webhook(database: Database, user: UUID, url: str, **columns: Any) -> UUID:
    """Add a webhook of this user for all events."""
    webhook = uuid4()
    parameters = {"events": ["thought_completed", "thought_failed"], "with_text": False} | columns
    statement = text("""
        INSERT INTO webhooks (id, user_id, url, secret, events, with_text)
        VALUES (:id, :user, :url, CAST(:secret AS bytea), CAST(:events AS text[]), :with_text)
    """)
    database.rows(statement, id=webhook, user=user, url=url, secret=SECRET, **parameters)
    return webhook


def add_delivery(database: Database, webhook: UUID, event: Any = None) -> None:
    """Queue an event that is due now."""
    sent = event or thought_completed(uuid4(), uuid4(), 1.5)
    statement = text("""
        INSERT INTO webhook_deliveries (webhook_id, event_type, event) VALUES (:id, :type, CAST(:event AS jsonb))
    """)
    database.rows(statement, id=webhook, type=sent.event_type, event=sent.to_bytes().decode())


def webhook_row(database: Database, webhook: UUID) -> Any:
    return database.rows(text("SELECT * FROM webhooks WHERE id = :id"), id=webhook)[0]


def delivery_rows(database: Database) -> list[Any]:
    return database.rows(text("SELECT * FROM webhook_deliveries ORDER BY created_at, id"))


def make_due(database: Database) -> None:
    """Let the pauses pass."""
    database.rows(text("UPDATE webhook_deliveries SET next_attempt_at = now()"))


def send_due(sender: WebhookSender, database: Database) -> None:
    """Send everything that is due, in this thread."""
    for attempt in Deliveries(database).claim(8, []):
        sender.send(attempt)


@pytest.mark.usefixtures("topics")
def test_the_relay_gives_each_end_of_a_thought_once_to_the_webhooks_that_ask_for_it(
    settings: Settings, database: Database
) -> None:
    user, other, thought = add_user(database), add_user(database), uuid4()
    both = add_webhook(database, user, "https://a.example")
    failures = add_webhook(database, user, "https://b.example", events=["thought_failed"])
    disabled = add_webhook(database, user, "https://c.example")
    database.rows(text("UPDATE webhooks SET disabled_at = now() WHERE id = :id"), id=disabled)
    add_webhook(database, other, "https://d.example")
    completed = thought_completed(user, thought, 1.5)
    failed = thought_failed(user, thought, 2, agent="analysis", kind="lost", message="m", attempts=4)
    for event in (thought_created(user, thought, "a text"), completed, failed):
        add_outbox_row(database, settings.kafka_events_topic, event.to_bytes(), key=str(user), turn=1)
    add_outbox_row(database, settings.kafka_topic, completed.to_bytes(), key=str(user), turn=1)
    for key, value in (("anna", completed.to_bytes()), (str(other), completed.to_bytes()), (str(user), b"no event")):
        add_outbox_row(database, settings.kafka_events_topic, value, key=key)
    with idle_relay(settings) as relay:
        eventually(lambda: relay.run_pass() > 0 and not pending_ids(database))
    rows = delivery_rows(database)
    assert sorted((str(row.webhook_id), row.event_type) for row in rows) == sorted(
        [(str(both), "thought_completed"), (str(both), "thought_failed"), (str(failures), "thought_failed")]
    )
    assert next(row.event for row in rows if row.event_type == "thought_completed") == completed.to_dict()


def test_an_accepted_event_is_signed_and_sent_once(
    sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    webhook = add_webhook(database, add_user(database), receiver.url)
    event = thought_completed(uuid4(), uuid4(), 1.5)
    add_delivery(database, webhook, event)
    (row,) = delivery_rows(database)
    for _ in range(2):
        send_due(sender, database)
    (request,) = receiver.received
    message_id, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    assert message_id == f"msg_{row.id.hex}"
    digest = hmac.new(SECRET, f"{message_id}.{timestamp}.".encode() + request.body, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    data = json.loads(request.body)["data"]
    assert (data["thought_id"], data["links"]["page"]) == (str(event.thought_id), f"/t/{event.thought_id}")
    assert (delivery_rows(database), webhook_row(database, webhook).failing_since) == ([], None)
    assert webhook_row(database, webhook).last_result == "Accepted with status 204."


def test_only_a_webhook_that_asks_for_it_gets_the_text_and_the_message(
    sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    user = add_user(database)
    thought = add_thought(database, user, text="a private text")
    of_another_user = add_thought(database, add_user(database), text="another text")
    for with_text in (False, True):
        webhook = add_webhook(database, user, receiver.url, with_text=with_text)
        for one in (thought, of_another_user) if with_text else (thought,):
            add_delivery(
                database, webhook, thought_failed(user, one, 1, agent="a", kind="lost", message="m", attempts=1)
            )
    for _ in range(3):
        send_due(sender, database)
    without, *others = [json.loads(request.body)["data"] for request in receiver.received]
    assert ("text" in without, "error_message" in without["event"], without["event"]["error_kind"]) == (
        False,
        False,
        "lost",
    )
    texts = {data["thought_id"]: data.get("text") for data in others}
    assert texts == {str(thought): "a private text", str(of_another_user): None}


def test_a_failed_attempt_is_repeated_with_the_same_id_after_growing_pauses_and_then_given_up(
    sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    webhook = add_webhook(database, add_user(database), receiver.url)
    add_delivery(database, webhook)
    receiver.answers = [status(503)]
    pauses = []
    for number in range(1, len(PAUSES_SECONDS) + 1):
        send_due(sender, database)
        send_due(sender, database)
        assert len(receiver.received) == number, "it is not due again before its pause has passed"
        pauses += [(row.next_attempt_at - webhook_row(database, webhook).last_sent_at).total_seconds()
                   for row in delivery_rows(database)]  # fmt: skip
        make_due(database)
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert [round(pause, -1) for pause in pauses] == [round(pause, -1) for pause in PAUSES_SECONDS[:-1]]
    assert sum(PAUSES_SECONDS) > 86_400
    assert delivery_rows(database) == [], "it was given up"
    assert webhook_row(database, webhook).last_result == "Refused with status 503."


def test_a_webhook_that_has_failed_for_a_day_is_disabled_and_gets_nothing_more(
    sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    webhook = add_webhook(database, add_user(database), receiver.url)
    receiver.answers = [status(500)]
    for _ in range(2):
        add_delivery(database, webhook)
    send_due(sender, database)
    assert webhook_row(database, webhook).disabled_at is None
    database.rows(text("UPDATE webhooks SET failing_since = failing_since - interval '1 day'"))
    send_due(sender, database)
    assert webhook_row(database, webhook).disabled_at is not None
    make_due(database)
    send_due(sender, database)
    assert len(receiver.received) == 2


def test_a_success_ends_the_time_of_failures(sender: WebhookSender, database: Database, receiver: Receiver) -> None:
    webhook = add_webhook(database, add_user(database), receiver.url)
    receiver.answers = [status(500), status(200)]
    add_delivery(database, webhook)
    send_due(sender, database)
    assert webhook_row(database, webhook).failing_since is not None
    make_due(database)
    send_due(sender, database)
    assert (webhook_row(database, webhook).failing_since, delivery_rows(database)) == (None, [])


def test_a_server_that_says_it_is_gone_disables_its_webhook(
    sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    webhook = add_webhook(database, add_user(database), receiver.url)
    receiver.answers = [status(410)]
    add_delivery(database, webhook)
    send_due(sender, database)
    assert webhook_row(database, webhook).disabled_at is not None


@pytest.mark.parametrize("overrides", [{"webhook_loopback": False}])
def test_without_the_setting_for_development_this_machine_is_not_reached(
    settings: Settings, database: Database, receiver: Receiver
) -> None:
    webhook = add_webhook(database, add_user(database), receiver.url)
    encrypted = add_webhook(database, add_user(database), receiver.url.replace("http://127.0.0.1", "https://localhost"))
    for one in (webhook, encrypted):
        add_delivery(database, one)
    send_due(WebhookSender(settings, database, threading.Event()), database)
    assert receiver.received == []
    assert webhook_row(database, webhook).last_result == "Not sent: its address must begin with https://."
    result = webhook_row(database, encrypted).last_result
    assert result == "Not sent: its host name stands for an address that is not public."


def test_a_slow_server_does_not_delay_the_webhooks_of_others(
    settings: Settings, database: Database, receiver: Receiver
) -> None:
    release, stop = threading.Event(), threading.Event()
    slow = add_webhook(database, add_user(database), receiver.url)
    receiver.answers = [lambda handler: (release.wait(20), status(204)(handler))[1]]
    for _ in range(20):
        add_delivery(database, slow)
    with running_receiver() as quick_receiver, background_webhooks(settings, stop):
        eventually(lambda: receiver.received)
        quick = add_webhook(database, add_user(database), quick_receiver.url)
        add_delivery(database, quick)
        eventually(lambda: quick_receiver.received)
        assert len(receiver.received) == 1, "one request at a time to each webhook"
        release.set()
        eventually(lambda: not delivery_rows(database))
        stop.set()
    assert len(receiver.received) == 20


def test_an_attempt_is_claimed_by_one_of_two_senders_and_again_when_its_sender_is_killed(database: Database) -> None:
    webhook = add_webhook(database, add_user(database), "https://a.example")
    add_delivery(database, webhook)
    deliveries = Deliveries(database)
    first, second = deliveries.claim(8, []), deliveries.claim(8, [])
    assert (len(first), second) == (1, [])
    make_due(database)
    (again,) = deliveries.claim(8, [])
    assert (again.delivery_id, again.number) == (first[0].delivery_id, 2)
    assert deliveries.failed(first[0], "late") is False, "an attempt that was replaced stores nothing"
    assert webhook_row(database, webhook).failing_since is None
    deliveries.succeeded(again, "done")
    assert delivery_rows(database) == []


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
def test_nothing_is_sent_for_an_account_that_is_disabled_or_deleted(database: Database, column: str) -> None:
    user = add_user(database)
    add_delivery(database, add_webhook(database, user, "https://a.example"))
    database.rows(text(f"UPDATE users SET {column} = now() WHERE id = :user"), user=user)
    assert Deliveries(database).claim(8, []) == []
    database.rows(text(f"UPDATE users SET {column} = NULL WHERE id = :user"), user=user)
    assert len(Deliveries(database).claim(8, [])) == 1


def test_deleting_a_webhook_deletes_what_waits_for_it(database: Database) -> None:
    webhook = add_webhook(database, add_user(database), "https://a.example")
    add_delivery(database, webhook)
    database.rows(text("DELETE FROM webhooks WHERE id = :id"), id=webhook)
    assert delivery_rows(database) == []


def test_a_test_event_says_only_that_it_is_one() -> None:
    assert json.loads(payload("ping", {"timestamp": "2026-11-30T12:00:00Z"}, None)) == {
        "type": "ping",
        "timestamp": "2026-11-30T12:00:00Z",
        "data": {},
    }


def test_an_attempt_does_not_show_its_secret(database: Database) -> None:
    webhook = add_webhook(database, add_user(database), "https://a.example")
    add_delivery(database, webhook)
    (attempt,) = Deliveries(database).claim(1, [])
    assert isinstance(attempt, Attempt)
    assert "kkkk" not in repr(attempt)
