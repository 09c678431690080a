"""What shows no life is replaced; what lives, starts, stops or slept with its machine is left alone."""

import os
import signal
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.stack import load
from devstack.supervisor import client, pid_records
from devstack.supervisor.liveness import CHECK_INTERVAL_SECONDS, STARTUP_FACTOR, Heartbeat, LivenessTimer
from tests.devstack.stacks import pids, toy
from tests.eventually import eventually

BEATS = 'while :; do touch "$HEARTBEAT_FILE"; sleep 0.1; done'
SILENT = 'touch "$HEARTBEAT_FILE"; while :; do sleep 0.05; done'
BOUND = 10.0
HIM = 42


def start(home: StackDir, *names: str) -> None:
    client.start(home, [load(home).named(name)[0] for name in names])


def restarts(home: StackDir, name: str) -> int:
    record = pid_records.read(home, name)
    return record.restarts if record else 0


def until_condemned(*signs: Heartbeat, every: float = CHECK_INTERVAL_SECONDS) -> int | None:
    """How many looks it takes, the last sign being seen again and again; None for more than a thousand."""
    silence = LivenessTimer(BOUND, 0.0)
    for number in range(1, 1001):
        sign = signs[min(number, len(signs)) - 1]
        if silence.is_expired(sign, number * every):
            return number
    return None


def test_the_same_sign_for_too_long_is_too_long() -> None:
    assert until_condemned(Heartbeat(HIM, 1.0)) == BOUND + 1


def test_each_new_sign_of_life_begins_anew() -> None:
    assert until_condemned(*(Heartbeat(HIM, float(number)) for number in range(900))) == 900 + BOUND


def test_who_has_not_yet_beaten_may_take_longer() -> None:
    assert until_condemned(Heartbeat(HIM, None)) == BOUND * STARTUP_FACTOR + 1


def test_a_successor_is_not_judged_by_what_its_predecessor_left() -> None:
    assert until_condemned(*[Heartbeat(HIM, 1.0)] * 9, Heartbeat(HIM + 1, 1.0)) == 10 + BOUND


def test_a_machine_that_slept_condemns_nobody() -> None:
    silence = LivenessTimer(BOUND, 0.0)
    assert [silence.is_expired(Heartbeat(HIM, 1.0), now) for now in (1.0, 100_000.0, 100_001.0)] == [False] * 3


@pytest.mark.parametrize("name", ["relay.1", "worker.1"])
def test_a_process_that_is_stopped_or_hangs_is_started_again_and_counted(tmp_path: Path, name: str) -> None:
    with toy(tmp_path, {name: BEATS}, silence=2.0) as home:
        start(home, name)
        eventually(home.heartbeat(name).exists)
        before = pids(tmp_path)[name]
        os.kill(before, signal.SIGSTOP)
        eventually(lambda: pids(tmp_path).get(name, before) != before, timeout=40)
        assert restarts(home, name) == 1
        assert f"{name} shows no life and is replaced" in home.log("manager").read_text()


def test_one_that_does_not_even_hear_the_stop_signal_is_killed(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": f"trap '' TERM; {SILENT}"}, silence=1.0) as home:
        start(home, "relay.1")
        eventually(lambda: restarts(home, "relay.1") == 1, timeout=40)


def test_who_beats_and_who_has_no_heartbeat_to_give_run_on(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": BEATS, "web.1": SILENT, "relay.2": SILENT}, silence=3.0) as home:
        start(home, "relay.1", "web.1", "relay.2")
        before = pids(tmp_path)
        eventually(lambda: restarts(home, "relay.2") == 2, timeout=40)
        assert {name: pids(tmp_path)[name] for name in ("relay.1", "web.1")} == {
            name: before[name] for name in ("relay.1", "web.1")
        }


def test_who_is_being_stopped_has_all_its_patience(tmp_path: Path) -> None:
    lasting = f"trap 'while [ ! -e \"$TOYS/go\" ]; do sleep 0.05; done; exit 0' TERM; {SILENT}"
    with toy(tmp_path, {"worker.1": lasting, "relay.1": SILENT}, patience=60, silence=2.0) as home:
        start(home, "worker.1", "relay.1")
        eventually(home.heartbeat("worker.1").exists)
        with pytest.raises(DevstackError, match="does not answer"):
            client.command(home, "stop_processes", timeout=0.5, names=["worker.1"])
        before = pids(tmp_path)["worker.1"]
        eventually(lambda: restarts(home, "relay.1") == 2, timeout=40)
        assert pids(tmp_path)["worker.1"] == before
        (tmp_path / "go").touch()
        eventually(lambda: "worker.1" not in pids(tmp_path))
