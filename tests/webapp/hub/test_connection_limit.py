"""The limits of open streams, in total and for each user."""

from uuid import uuid4

from tests.eventually import eventually
from tests.webapp.conftest import MAX_STREAMS
from tests.webapp.web_processes import WebProcess
from webapp.hub.connection_limit import ConnectionLimiter


def test_the_limiter_limits_streams_in_total_and_for_each_user() -> None:
    limiter, user, other = ConnectionLimiter(3, 2), uuid4(), uuid4()
    assert [limiter.try_acquire(user) for _ in range(3)] == [True, True, False]
    assert [limiter.try_acquire(other) for _ in range(2)] == [True, False]
    limiter.release(user)
    assert (limiter.open_connections, limiter.try_acquire(other), limiter.try_acquire(user)) == (2, True, False)


def test_the_web_rejects_streams_above_the_limit_until_one_closes(fast_web: WebProcess) -> None:
    first, *others = [fast_web.open_stream(uuid4()) for _ in range(MAX_STREAMS)]
    assert {stream.response.status for stream in (first, *others)} == {200}
    rejected = fast_web.open_stream(uuid4()).response
    assert (rejected.status, rejected.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(rejected.headers["Retry-After"]) > 0
    assert fast_web.post("still accepted", uuid4())
    first.close()
    eventually(lambda: fast_web.open_stream(uuid4()).response.status == 200)


def test_one_user_cannot_occupy_all_streams(web: WebProcess) -> None:
    user = uuid4()
    assert [web.open_stream(user).response.status for _ in range(21)] == [200] * 20 + [503]
    assert web.open_stream(uuid4()).response.status == 200
