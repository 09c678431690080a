"""The states of the models are shared through Redis, and survive its absence in each process."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import redis
from pydantic import SecretStr

from contracts.model_state import ModelState, Outage, read_states, state_key
from contracts.progress import connect_redis
from contracts.settings import Settings
from tasks.admission.state_store import LOCAL_SECONDS, Change, SharedStates, StatesWithFallback
from tasks.admission.transitions import released
from tasks.worker import Worker
from tests.tcp_proxy import TcpProxy

MODEL = "openai:a-model"
OUTAGE = Outage(since=1.0, cause="outage", message="", cure="", probe_at=2.0, probe_interval=5.0)


def add_call(name: str) -> Change[float]:
    """Return a change that adds a call and answers with the time."""

    def change(state: ModelState, now: float) -> tuple[ModelState, float]:
        return replace(state, calls={**state.calls, name: (now, now)}), now

    return change


def shared(settings: Settings, url: str = "") -> SharedStates:
    return SharedStates(connect_redis(url or settings.redis_url), settings.redis_prefix)


@pytest.fixture
def redis_proxy(settings: Settings) -> Iterator[TcpProxy]:
    proxy = TcpProxy.for_url(settings.redis_url)
    yield proxy
    proxy.close()


def test_a_change_of_one_worker_is_seen_by_the_others_and_by_the_web(settings: Settings) -> None:
    shared(settings).change(MODEL, add_call("a"))
    before, after, _ = shared(settings).change(MODEL, add_call("b"))
    assert set(before.calls) == {"a"}
    assert read_states(redis.Redis.from_url(settings.redis_url), settings.redis_prefix) == {MODEL: after}


def test_no_change_of_many_concurrent_workers_is_lost(settings: Settings) -> None:
    start = Barrier(4)

    def work(worker: int) -> None:
        states = shared(settings)
        start.wait()
        for number in range(10):
            states.change(MODEL, add_call(f"{worker}-{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    _, after, _ = shared(settings).change(MODEL, add_call("last"))
    assert len(after.calls) == 41


def test_many_threads_that_change_a_state_all_the_time_all_change_it_in_redis(settings: Settings) -> None:
    start = Barrier(16)

    def work(worker: int) -> None:
        states = shared(settings)
        start.wait()
        for number in range(40):
            states.change(MODEL, add_call(f"{worker}-{number % 2}"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))


def test_the_time_is_that_of_redis(settings: Settings, redis_client: redis.Redis) -> None:
    seconds, microseconds = redis_client.time()
    _, _, now = shared(settings).change(MODEL, add_call("a"))
    assert 0 <= now - (seconds + microseconds / 1e6) < 60


def test_a_state_that_a_later_release_extended_keeps_its_outage(settings: Settings, redis_client: redis.Redis) -> None:
    values = json.loads(replace(ModelState(), outage=OUTAGE).to_json())
    later = values | {"outage": values["outage"] | {"region": "eu"}, "queue": [1]}
    redis_client.hset(state_key(settings.redis_prefix), MODEL, json.dumps(later))
    before, _, _ = shared(settings).change(MODEL, add_call("a"))
    assert before.outage == OUTAGE


NO_CALLS, NO_LIMIT = '{"outage":null,"failures":[],"calls":[]}', '{"outage":null,"failures":[],"calls":{},"limit":null}'


OTHER_RELEASES = [NO_CALLS, NO_LIMIT, "", "{", "[]", "17", '{"outage": {"since": 1}}', '{"unknown": 1}']


def odd_state(**odd: object) -> str:
    """Return the JSON of a state with these values."""
    return json.dumps(json.loads(ModelState().to_json()) | odd)


ODD_OUTAGE = json.loads(replace(ModelState(), outage=OUTAGE).to_json())["outage"]
JUNK = {
    "no UTF-8": b"\xff\xfe",
    "deeply nested arrays": b"[" * 100_000,
    "a limit of 400 digits": odd_state(limit=10**400),
    "a limit that is no number": odd_state(limit=float("nan")),
    "a limit that is infinite": odd_state(limit=float("-inf")),
    "an outage since a text": odd_state(outage=ODD_OUTAGE | {"since": "yesterday"}),
    "an outage since no date": odd_state(outage=ODD_OUTAGE | {"since": 1e300}),
    "an outage whose message is a list": odd_state(outage=ODD_OUTAGE | {"message": ["x"]}),
    "calls without times": odd_state(calls={"a": []}),
}


@pytest.mark.parametrize(
    "stored", [*OTHER_RELEASES, *JUNK.values()], ids=[*map(str, range(len(OTHER_RELEASES))), *JUNK.keys()]
)
def test_a_state_of_another_release_or_of_another_client_counts_as_available(
    settings: Settings, redis_client: redis.Redis, stored: str | bytes
) -> None:
    redis_client.hset(state_key(settings.redis_prefix), MODEL, stored)
    before, _, _ = shared(settings).change(MODEL, add_call("a"))
    assert before == ModelState()
    assert set(read_states(redis_client, settings.redis_prefix)[MODEL].calls) == {"a"}


def test_while_redis_is_unavailable_a_process_goes_on_with_the_last_state_it_has_seen(
    settings: Settings, redis_proxy: TcpProxy
) -> None:
    now = 1000.0
    states = StatesWithFallback(shared(settings, redis_proxy.proxied_url(settings.redis_url)), lambda: now)
    states.change(MODEL, add_call("shared"))
    redis_proxy.refuse()
    _, alone, _ = states.change(MODEL, add_call("alone"))
    assert set(alone.calls) == {"shared", "alone"}
    redis_proxy.accept()
    now += LOCAL_SECONDS
    _, after, _ = states.change(MODEL, add_call("back"))
    assert set(after.calls) == {"shared", "back"}


def test_calls_and_probes_that_end_while_redis_is_unavailable_give_back_their_places_afterwards(
    settings: Settings, redis_proxy: TcpProxy
) -> None:
    now = 1000.0
    states = StatesWithFallback(shared(settings, redis_proxy.proxied_url(settings.redis_url)), lambda: now)
    states.change(MODEL, add_call("a"))
    states.change(MODEL, add_call("b"))
    states.change(MODEL, lambda state, _: (replace(state, outage=replace(OUTAGE, prober="c")), None))
    redis_proxy.refuse()
    states.change(MODEL, lambda state, _: (released(released(state, "a"), "c"), None))
    redis_proxy.accept()
    now += LOCAL_SECONDS
    _, after, _ = states.change(MODEL, add_call("back"))
    assert set(after.calls) == {"b", "back"}
    assert after.outage == OUTAGE


def test_a_message_of_a_service_with_half_a_character_keeps_its_outage(
    settings: Settings, redis_client: redis.Redis
) -> None:
    outage = replace(OUTAGE, message="down \ud83d")
    shared(settings).change(MODEL, lambda state, _: (replace(state, outage=outage), None))
    state = read_states(redis_client, settings.redis_prefix)[MODEL]
    assert state.outage == replace(OUTAGE, message="down ?")


def test_a_name_that_is_no_text_is_no_model_and_is_forgotten(settings: Settings, redis_client: redis.Redis) -> None:
    redis_client.hset(state_key(settings.redis_prefix), b"\xff", b"\xff")
    assert read_states(redis_client, settings.redis_prefix) == {}
    assert Worker(settings).runner
    assert redis_client.hlen(state_key(settings.redis_prefix)) == 0


def test_a_worker_forgets_the_models_that_its_settings_name_no_more(
    settings: Settings, redis_client: redis.Redis
) -> None:
    changed = settings.model_copy(
        update={"ai_provider": "openai", "ai_model": "new", "openai_api_key": SecretStr("a-key-for-tests")}
    )
    for model in ("openai:old", "openai:new"):
        shared(settings).change(model, lambda state, _: (replace(state, outage=OUTAGE), None))
    assert Worker(changed).runner
    assert set(read_states(redis_client, settings.redis_prefix)) == {"openai:new"}
