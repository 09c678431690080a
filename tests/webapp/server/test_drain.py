"""The end and the reload of a web process: no connection is reset, and the limits stay."""

import http.client
import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import psutil
import pytest

from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT
from tests.webapp.conftest import StartWeb
from tests.webapp.server.raw_client import UNFINISHED_POST, connect, is_served
from tests.webapp.web_processes import GUNICORN, WebProcess, environment
from webapp.server.capacity import SPARE_CONNECTIONS, raise_descriptor_limit

CLIENTS = 8


class Load:
    """Posts thoughts, each on a new connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_over = threading.Event()
        self.results: Counter[object] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._post_all) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def wait_for_more(self, number: int = 200) -> None:
        goal = self.results.total() + number
        eventually(lambda: self.results.total() >= goal, timeout=60)

    def _post_all(self) -> None:
        user = str(uuid4())
        while not self._is_over.is_set():
            self.results[self._post(user)] += 1

    def _post(self, user: str) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        body = json.dumps({"text": "a thought", "user_id": user})
        try:
            connection.request("POST", "/thoughts", body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        except OSError as error:
            return type(error).__name__
        finally:
            connection.close()


def worker_pids(web: WebProcess) -> set[int]:
    return {child.pid for child in psutil.Process(web.process.pid).children()}


def signal_and_wait(web: WebProcess, number: int, is_done: Callable[[set[int], set[int]], bool]) -> None:
    before = worker_pids(web)
    os.kill(web.process.pid, number)
    eventually(lambda: is_done(before, worker_pids(web)), timeout=30)


def test_no_post_fails_while_one_of_two_webs_restarts_several_times(start_web: StartWeb, settings: Settings) -> None:
    web = start_web()
    command = [*GUNICORN, "--bind", f"127.0.0.1:{web.port}", "webapp:create_app()"]
    load = Load(web.port)
    with load.running():
        for _ in range(4):
            with web.log.open("ab") as output:
                other = subprocess.Popen(
                    command, cwd=ROOT, env=environment(settings), stderr=output, start_new_session=True
                )
            eventually(lambda other=other: psutil.Process(other.pid).children())  # type: ignore[misc]
            load.wait_for_more()
            other.terminate()
            assert other.wait(30) == 0
            load.wait_for_more()
    assert set(load.results) == {201}, load.results


def test_a_new_parent_takes_over_after_sigusr2(start_web: StartWeb) -> None:
    web = start_web()
    load = Load(web.port)
    with load.running():
        signal_and_wait(web, signal.SIGUSR2, lambda _before, now: any(psutil.Process(pid).children() for pid in now))
        [successor] = [child for child in psutil.Process(web.process.pid).children() if child.children()]
        load.wait_for_more()
        web.process.terminate()
        assert web.process.wait(30) == 0
        load.wait_for_more()
    assert set(load.results) == {201}, load.results
    successor.terminate()
    assert not psutil.wait_procs([successor], 30)[1]


def test_a_reload_keeps_the_room_for_connections(start_web: StartWeb) -> None:
    raise_descriptor_limit(1000)  # this process has one end of each connection
    web = start_web(SSE_MAX_CONNECTIONS="1000")
    signal_and_wait(web, signal.SIGHUP, lambda before, now: len(now) == 1 and not now & before)
    eventually(web.is_up)
    with ExitStack() as clients:
        opened = [clients.enter_context(connect(web, UNFINISHED_POST)) for _ in range(SPARE_CONNECTIONS + 50)]
        assert is_served(web)
        opened[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            opened[0].recv(1)


def test_no_post_fails_while_a_web_reloads_or_changes_its_number_of_workers(start_web: StartWeb) -> None:
    web = start_web()
    load = Load(web.port)
    with load.running():
        for _ in range(2):
            signal_and_wait(web, signal.SIGHUP, lambda before, now: len(now) == 1 and not now & before)
            load.wait_for_more()
        signal_and_wait(web, signal.SIGTTIN, lambda _before, now: len(now) == 2)
        load.wait_for_more()
        signal_and_wait(web, signal.SIGTTOU, lambda _before, now: len(now) == 1)
        load.wait_for_more()
    assert set(load.results) == {201}, load.results
