"""The commands of `python -m bench`: the stack that each benchmark needs, and its options."""

import os

import click

from bench import backlog, dispatch, live, memory, offline, partials, ratio
from bench.stack import RunningStack, running_stack
from contracts.settings import load_settings

NO_PROCESSES = "web=0,relay=0,bridge=0,worker=0,beat=0,flower=0"
BACKLOG_PARTITIONS = 9
"""Partitions of the backlog benchmark: their windows together hold more users than there are slots."""

DISPATCH_DATABASE = 5
"""The Redis database of the dispatch benchmark; no process of the stack uses it."""

CONCURRENCY = click.option("--concurrency", type=int, default=40, show_default=True, help="Threads of each worker.")


@click.group()
def bench() -> None:
    """Measure the system on a separate stack."""


@bench.command("ratio")
@click.option("--thoughts", type=int, default=400, show_default=True, help="Thoughts per round.")
@click.option("--users", type=int, default=100, show_default=True, help="Authors of the thoughts.")
@click.option("--delay-ms", type=int, default=0, show_default=True, help="How long each agent takes.")
@CONCURRENCY
@click.option("--rounds", type=int, default=3, show_default=True, help="Measured rounds.")
def ratio_command(*, thoughts: int, users: int, delay_ms: int, concurrency: int, rounds: int) -> None:
    """Compare the throughput of the whole path with Celery alone."""
    settings = {"SCRIPTED_DELAY_MS": str(delay_ms), "WORKER_CONCURRENCY": str(concurrency)}
    with running_stack(settings, "web=1,relay=1,bridge=1,worker=1,beat=0,flower=0") as stack:
        _use(stack, settings)
        ratio.compare(stack, ratio.Load(thoughts, users, delay_ms, concurrency, rounds))


@bench.command("dispatch")
@click.option(
    "--batches", type=int, default=20, show_default=True, help="Full batches that the bridge sends per round."
)
@click.option("--chains", type=int, default=1000, show_default=True, help="Chains that apply_async sends per round.")
@click.option("--rounds", type=int, default=5, show_default=True, help="Measured rounds.")
def dispatch_command(*, batches: int, chains: int, rounds: int) -> None:
    """Compare the bridge's dispatch with `chain.apply_async`."""
    with running_stack({"KAFKA_ENABLED": "false"}, NO_PROCESSES) as stack:
        _use(stack, {"CELERY_BROKER_URL": f"{stack.redis_url.rpartition('/')[0]}/{DISPATCH_DATABASE}"})
        dispatch.compare(load_settings(), batches, chains, rounds)


@bench.command("live")
@click.option("--users", type=int, default=60, show_default=True, help="Authors, each with an open stream.")
@click.option("--thoughts", type=int, default=4, show_default=True, help="Thoughts of each author per round.")
@click.option("--delay-ms", type=int, default=1000, show_default=True, help="How long each agent takes.")
@click.option("--workers", type=int, default=3, show_default=True, help="Worker processes.")
@CONCURRENCY
@click.option("--rounds", type=int, default=3, show_default=True, help="Measured rounds.")
def live_command(*, users: int, thoughts: int, delay_ms: int, workers: int, concurrency: int, rounds: int) -> None:
    """Measure the throughput, and the delay of progress events."""
    settings = {"SCRIPTED_DELAY_MS": str(delay_ms), "WORKER_CONCURRENCY": str(concurrency)}
    with running_stack(settings, f"web=1,relay=1,bridge=1,worker={workers},beat=0,flower=0") as stack:
        _use(stack, settings)
        live.measure(str(stack.web_url), load_settings(), users=users, thoughts=thoughts, rounds=rounds)


@bench.command("backlog")
@click.option("--thoughts", type=int, default=6000, show_default=True, help="Thoughts that wait.")
@click.option("--users", type=int, default=3000, show_default=True, help="Their authors.")
@click.option("--delay-ms", type=int, default=4000, show_default=True, help="How long each agent takes.")
@click.option("--workers", type=int, default=3, show_default=True, help="Worker processes.")
@click.option("--concurrency", type=int, default=200, show_default=True, help="Slots of each worker.")
@click.option("--spread", type=float, default=0.0, show_default=True, help="How much a step may vary, 0 to 1.")
def backlog_command(*, thoughts: int, users: int, delay_ms: int, workers: int, concurrency: int, spread: float) -> None:
    """Compare how thoughts finish under a backlog, with and without the rules for it."""
    settings = {
        "AI_PROVIDER": "scripted",
        "ALLOW_SCRIPTED": "true",
        "MEMORY": "false",
        "KAFKA_PARTITIONS": str(BACKLOG_PARTITIONS),
    }
    with running_stack(settings, "web=0,relay=1,bridge=0,worker=0,beat=0,flower=0") as stack:
        _use(stack, settings)
        backlog.compare(stack, backlog.Load(thoughts, users, workers, concurrency, delay_ms, spread))


@bench.command("partials")
@click.option("--streams", type=int, default=200, show_default=True, help="Open streams.")
@click.option("--calls", type=int, default=40, show_default=True, help="Calls that write at once, one of each author.")
@click.option("--seconds", type=float, default=20.0, show_default=True, help="How long each round is measured.")
@click.option("--rounds", type=int, default=3, show_default=True, help="Measured rounds.")
def partials_command(*, streams: int, calls: int, seconds: float, rounds: int) -> None:
    """Measure what it costs to show what models are writing."""
    settings = {"SCRIPTED_DELAY_MS": "0", "WORKER_CONCURRENCY": str(calls)}
    with running_stack(settings, "web=1,relay=1,bridge=1,worker=1,beat=0,flower=0") as stack:
        partials.measure(stack, partials.Load(streams, calls, seconds, rounds))


@bench.command("memory")
@click.option("--users", type=int, default=200, show_default=True, help="Authors, each with an open stream.")
@click.option("--thoughts", type=int, default=5, show_default=True, help="Thoughts of each author.")
@click.option("--characters", type=int, default=2000, show_default=True, help="Length of a thought.")
def memory_command(*, users: int, thoughts: int, characters: int) -> None:
    """Measure the memory of every process under load, with the offline agents."""
    settings = {"AI_PROVIDER": "offline", "MEMORY": "true"}
    with running_stack(settings, "web=1,relay=1,bridge=3,worker=2,beat=1,flower=1") as stack:
        memory.measure(stack, users=users, thoughts=thoughts, characters=characters)


@bench.command("offline")
@click.option("--thoughts", type=int, default=200, show_default=True, help="Thoughts per round.")
@click.option("--rounds", type=int, default=5, show_default=True, help="Measured rounds.")
def offline_command(*, thoughts: int, rounds: int) -> None:
    """Measure what the offline agents cost."""
    offline.measure(thoughts=thoughts, rounds=rounds)


@bench.command("provider")
@click.option("--calls", type=int, default=200, show_default=True, help="Calls per round.")
@click.option("--threads", type=int, default=40, show_default=True, help="Calls at the same time in the second part.")
@click.option("--rounds", type=int, default=5, show_default=True, help="Measured rounds.")
def provider_command(*, calls: int, threads: int, rounds: int) -> None:
    """Measure the processor time of a call of a model, and the memory of a worker."""
    from bench import provider  # only this benchmark needs `make install-models`

    provider.measure(calls=calls, threads=threads, rounds=rounds)


def _use(stack: RunningStack, settings: dict[str, str]) -> None:
    """Set the stack's addresses and settings in the environment of this process, which the bare worker inherits."""
    os.environ.update(stack.environment() | settings)
