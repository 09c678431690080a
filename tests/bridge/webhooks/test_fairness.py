"""Slow servers and slow name servers of some accounts do not delay the webhooks of others."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import text

from bridge.webhooks import sender as sender_module
from bridge.webhooks.deliveries import Deliveries
from bridge.webhooks.request import DeliveryError, post
from bridge.webhooks.sender import SENDERS, WebhookSender, background_webhooks
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.thoughts import add_user
from tests.bridge.webhooks.receiver import Receiver, running_receiver, status
from tests.bridge.webhooks.test_sender import add_delivery, add_webhook, delivery_rows
from tests.eventually import eventually

HOST: Final = "hanging.example"
LATE: Final = "Not sent: its name server did not answer within 2 s."
UNKNOWN: Final = "Not sent: its host name has no address."


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"webhook_loopback": True}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


class HangingNameServer:
    """Answers nothing about hosts of HOST until it is released, and then that they do not exist."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.may_answer = threading.Event()
        self._real = socket.getaddrinfo

    def getaddrinfo(self, host: Any, *arguments: Any, **options: Any) -> Any:
        if not str(host).endswith(HOST):
            return self._real(host, *arguments, **options)
        self.asked[host] += 1
        self.may_answer.wait(60)
        raise socket.gaierror("unknown")


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingNameServer]:
    server = HangingNameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.may_answer.set()


def add_account(database: Database, url: str, *, webhooks: int = 1, deliveries: int = 1) -> list[UUID]:
    """Add an account whose webhooks have this address and due deliveries; return their ids."""
    user = add_user(database)
    ids = [add_webhook(database, user, url) for _ in range(webhooks)]
    for webhook in ids * deliveries:
        add_delivery(database, webhook)
    return ids


def threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def results(database: Database) -> Counter[str | None]:
    """Count the latest results of the webhooks."""
    return Counter(row.last_result for row in database.rows(text("SELECT last_result FROM webhooks")))


def test_two_accounts_whose_servers_are_slow_do_not_delay_a_third_one(
    settings: Settings, database: Database, receiver: Receiver
) -> None:
    release, stop = threading.Event(), threading.Event()
    receiver.answers = [lambda handler: (release.wait(20), status(204)(handler))[1]]
    for _ in range(2):
        add_account(database, receiver.url, webhooks=5, deliveries=2)
    with running_receiver() as quick, background_webhooks(settings, stop):
        eventually(lambda: len(receiver.received) == 2)
        add_account(database, quick.url)
        eventually(lambda: quick.received)
        assert len(receiver.received) == 2, "one request at a time for each account"
        release.set()
        eventually(lambda: not delivery_rows(database))
        stop.set()
    assert len(receiver.received) == 20


def test_the_accounts_take_turns_whatever_waits_for_them(database: Database) -> None:
    """Each attempt fails, as with a slow server; the one with most deliveries was first."""
    names: dict[UUID, str] = {}
    for name, webhooks, number in (("many", 2, 3), ("one", 1, 1), ("two", 1, 2)):
        added = add_account(database, "https://a.example", webhooks=webhooks, deliveries=number)
        names |= dict.fromkeys(added, name)
    deliveries, order, of_many = Deliveries(database), list[str](), list[UUID]()
    for _ in range(9):
        (attempt,) = deliveries.claim(1, [])
        deliveries.failed(attempt, "slow")
        order.append(names[attempt.webhook_id])
        of_many += [attempt.webhook_id] if order[-1] == "many" else []
    assert order == ["many", "one", "two", "many", "two", "many", "many", "many", "many"]
    assert [webhook == of_many[0] for webhook in of_many] == [True, False] * 3, "so do the webhooks of an account"


def test_an_account_that_is_busy_gets_no_second_attempt(database: Database) -> None:
    add_account(database, "https://a.example", webhooks=5)
    add_account(database, "https://b.example", webhooks=5)
    first, second = Deliveries(database).claim(SENDERS, [])
    assert first.user_id != second.user_id
    assert Deliveries(database).claim(SENDERS, [first.user_id, second.user_id]) == []


def test_a_name_server_that_never_answers_ends_an_attempt_at_the_deadline(name_server: HangingNameServer) -> None:
    with pytest.raises(DeliveryError, match=r"its name server did not answer within 0\.3 s"):
        post(f"https://{HOST}/", b"{}", {}, allow_loopback=False, seconds=0.3)
    assert name_server.asked[HOST] == 1
    name_server.may_answer.set()
    with pytest.raises(DeliveryError, match="its host name has no address"):
        post(f"https://{HOST}/", b"{}", {}, allow_loopback=False, seconds=20)


def test_a_lookup_counts_into_the_time_of_its_attempt() -> None:
    """The name is found when no time is left, so the connection is not tried."""
    with running_receiver() as receiver:
        port = int(receiver.url.split("/")[2].split(":")[1])

        def late(*_: Any) -> Any:
            threading.Event().wait(0.05)
            return [(2, 1, 6, "", ("127.0.0.1", port))]

        with pytest.raises(DeliveryError, match="did not answer"):
            post(receiver.url, b"{}", {}, allow_loopback=True, resolve=late, seconds=0.01)
    assert receiver.received == []


def test_name_servers_that_never_answer_do_not_delay_the_webhooks_of_others(
    settings: Settings, database: Database, receiver: Receiver, name_server: HangingNameServer
) -> None:
    """As many accounts as there are senders have five webhooks each, and one lookup each is begun."""
    for number in range(SENDERS):
        add_account(database, f"https://{number}.{HOST}/", webhooks=5)
    stop = threading.Event()
    sender = WebhookSender(settings, database, stop, seconds=2.0)
    thread = threading.Thread(target=sender.run)
    thread.start()
    try:
        eventually(lambda: len(name_server.asked) == SENDERS)
        add_account(database, receiver.url)
        eventually(lambda: results(database) == {LATE: SENDERS, "Accepted with status 204.": 1, None: SENDERS * 4})
        assert set(name_server.asked.values()) == {1}, "an account is busy until its lookup has ended"
        name_server.may_answer.set()
        eventually(lambda: results(database)[UNKNOWN] == SENDERS * 4)
    finally:
        stop.set()
        thread.join(20)


def test_threads_of_lookups_that_hang_do_not_pile_up(
    settings: Settings, database: Database, receiver: Receiver, name_server: HangingNameServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sender_module, "MAX_BUSY", SENDERS + 2)
    for number in range(SENDERS + 5):
        add_account(database, f"https://{number}.{HOST}/", deliveries=2)
    before = threads("lookup")
    sender = WebhookSender(settings, database, threading.Event(), seconds=2.0)
    eventually(lambda: (sender.begin_due(), results(database)[LATE] == SENDERS + 2)[1])
    assert not sender.begin_due()
    assert threads("lookup") - before == SENDERS + 2
    add_account(database, receiver.url)
    name_server.may_answer.set()
    eventually(lambda: (sender.begin_due(), receiver.received)[1])
    eventually(lambda: not sender.begin_due() and threads("lookup") <= before and not threads("webhook"))
