"""While Redis is unavailable or hangs, everybody can read and write, and nobody can guess passwords."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy, proxy_for
from tests.webapp.accounts.browsers import send
from tests.webapp.conftest import CountRows, MakeApp
from tests.webapp.limits.clients import client_at, post_thought, sign_in, sign_up, statuses
from tests.webapp.redis_server import RedisServer

EMAIL = "ada@example.org"


@pytest.fixture
def proxy(own_redis: RedisServer) -> Iterator[TcpProxy]:
    with proxy_for(own_redis.url) as proxy:
        yield proxy


def visitor_of(make_app: MakeApp, redis_url: str, **settings: str) -> FlaskClient:
    client = client_at(make_app(trust_user_id=False, redis_url=redis_url, **settings), "192.0.2.1")
    client.get("/")
    return client


def assert_closed(client: FlaskClient) -> None:
    for path in ("/account/sign-in", "/account/sign-up"):
        response = send(client, path, email=EMAIL, password="a long enough password")
        assert response.status_code == 503
        assert "Retry-After" in response.headers
        assert "cannot be counted" in response.text
        assert EMAIL in response.text, "what was written is kept"
        assert client.get(path).status_code == 200


def test_a_killed_redis_stops_sign_ins_but_neither_reading_nor_writing(
    make_app: MakeApp, own_redis: RedisServer, count_rows: CountRows
) -> None:
    client = visitor_of(make_app, own_redis.url)
    own_redis.kill()
    assert post_thought(client).status_code == 201
    assert client.get("/").status_code == 200
    assert client.get("/thoughts").status_code == 200
    assert_closed(client)
    own_redis.start()
    eventually(lambda: sign_in(client, EMAIL).status_code == 422)
    assert count_rows("users") == 1


def test_a_redis_that_hangs_stops_sign_ins_but_neither_reading_nor_writing(make_app: MakeApp, proxy: TcpProxy) -> None:
    client = visitor_of(make_app, f"redis://{proxy.address}/0")
    proxy.stall()
    assert post_thought(client).status_code == 201
    assert client.get("/thoughts").status_code == 200
    assert_closed(client)
    proxy.resume()
    eventually(lambda: sign_in(client, EMAIL).status_code == 422)


def test_a_redis_that_was_never_reachable_is_no_reason_to_refuse_a_thought(make_app: MakeApp) -> None:
    client = visitor_of(make_app, "redis://127.0.0.1:1/0")
    assert post_thought(client).status_code == 201
    assert_closed(client)


def test_without_redis_each_process_counts_by_itself(make_app: MakeApp, own_redis: RedisServer) -> None:
    client = visitor_of(make_app, own_redis.url, limit_thoughts_per_anonymous_user="2/hour")
    assert post_thought(client).status_code == 201
    own_redis.kill()
    assert statuses(*(post_thought(client) for _ in range(3))) == [201, 201, 429]
    own_redis.start()
    eventually(lambda: post_thought(client).status_code == 201)


def test_who_is_signed_in_stays_signed_in_without_redis(make_app: MakeApp, own_redis: RedisServer) -> None:
    client = visitor_of(make_app, own_redis.url)
    sign_up(client, EMAIL)
    own_redis.kill()
    assert EMAIL in client.get("/account/").text


def test_a_redis_that_is_slow_does_not_delay_a_request_for_each_of_its_limits(
    make_app: MakeApp, proxy: TcpProxy
) -> None:
    """The time for all counters together is over before the last one is asked, so the used up limit is not seen."""
    client = visitor_of(make_app, f"redis://{proxy.address}/0", limit_thoughts_per_anonymous_user="1/hour")
    assert statuses(post_thought(client), post_thought(client)) == [201, 429]
    proxy.answer_delay = 1.2
    assert post_thought(client).status_code == 201
    proxy.answer_delay = 0
    eventually(lambda: post_thought(client).status_code == 429)
