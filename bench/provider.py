"""Measures the processor time of the layer that calls a model, and the memory of a worker with and without it.

The server runs in a process of its own and answers at once, so what is measured is the work of this project and of the
libraries: the prompt, the request, HTTP, the answer, its validation and its price.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Final

from agents.catalogue import CATALOGUE
from agents.interface import AgentInput, CallContext, PartialOutput, ignore_progress
from agents.models.configuration import read_configuration
from agents.models.provider import ModelProvider
from bench.figures import print_machine, spread
from bench.model_service import AGENT, EVENTS
from bench.worker_memory import worker_megabytes
from contracts.model_settings import ModelSettings

MODEL: Final = "a-model"


def measure(*, calls: int, threads: int, rounds: int) -> None:
    """Print the processor time of a call, alone and beside others, whole and streamed; then the memory of a worker."""
    print(f"{calls} calls per round, of the agent {AGENT.name}; a stream has {EVENTS} events")
    print_machine()
    with _service() as url, closing(_provider(url)) as provider:
        for name, watched in (("whole", False), ("streamed", True)):
            for workers in (1, threads):
                _run(provider, threads, workers, watched)
                values = [_run(provider, calls, workers, watched) for _ in range(rounds)]
                print(f"{name}, {workers} at a time: {spread(values, '.1f')} ms of processor time per call", flush=True)
        with_model = worker_megabytes({"AI_PROVIDER": "openai-compatible", "AI_MODEL": MODEL, "OPENAI_BASE_URL": url})
    print(f"memory of a worker: {worker_megabytes({}):.0f} MB with the offline rules, {with_model:.0f} MB with a model")
    print_machine()


def _provider(url: str) -> ModelProvider:
    settings = ModelSettings(ai_provider="openai-compatible", ai_model=MODEL, openai_base_url=url)
    return ModelProvider(read_configuration(settings, CATALOGUE.names))


def _run(provider: ModelProvider, calls: int, workers: int, watched: bool) -> float:
    """Make calls, and return the milliseconds of processor time that this process spent on each."""
    with ThreadPoolExecutor(workers) as pool:
        started_at = time.process_time()
        for _ in pool.map(lambda _: _call(provider, watched), range(calls)):
            pass
        return (time.process_time() - started_at) * 1000 / calls


def _call(provider: ModelProvider, watched: bool) -> None:
    agent_input = AgentInput("", "", "Should I learn to play the cello this winter?")
    on_progress = _watch if watched else ignore_progress
    provider.run(AGENT.name, agent_input, CallContext("", 1, 60, threading.Event(), "", on_progress=on_progress))


def _watch(_: PartialOutput) -> None:
    """Watch the progress, which makes the request a streaming one."""


@contextmanager
def _service() -> Iterator[str]:
    """Run the server and yield its address."""
    command = [sys.executable, "-m", "bench.model_service"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip() if process.stdout else ""
    finally:
        process.communicate()  # closes its input, which ends it
