"""The commands: which stack each measurement needs, and what of it can be chosen."""

import argparse
import os

from bench import dispatch, live, ratio
from bench.stack import RunningStack, running_stack
from contracts.settings import load_settings

NO_PROCESSES = "web=0,relay=0,bridge=0,worker=0,beat=0,flower=0"
DISPATCH_DATABASE = 5
"""Of Redis; none of the stack's processes reads there."""


def run() -> None:
    """Do what the command line asks for."""
    chosen = _parser().parse_args()
    chosen.run(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="measurement", required=True)
    _add_ratio(commands.add_parser("ratio", help="the whole path beside Celery alone"))
    _add_dispatch(commands.add_parser("dispatch", help="the bridge's sending of chains beside chain.apply_async"))
    _add_live(commands.add_parser("live", help="thoughts a minute, and how late progress is seen"))
    return parser


def _add_ratio(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--thoughts", type=int, default=400)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--delay-ms", type=int, default=0, help="how long each agent waits")
    parser.add_argument("--concurrency", type=int, default=40, help="threads of the one worker on each side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.set_defaults(run=_ratio)


def _add_dispatch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batches", type=int, default=20, help="full batches that the bridge sends a round")
    parser.add_argument("--chains", type=int, default=1000, help="chains that chain.apply_async sends a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.set_defaults(run=_dispatch)


def _add_live(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--thoughts", type=int, default=4, help="of each user, a round")
    parser.add_argument("--delay-ms", type=int, default=1000, help="how long each agent works")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=40, help="threads of each worker")
    parser.add_argument("--rounds", type=int, default=3)
    parser.set_defaults(run=_live)


def _ratio(chosen: argparse.Namespace) -> None:
    settings = {"SCRIPTED_DELAY_MS": str(chosen.delay_ms), "WORKER_CONCURRENCY": str(chosen.concurrency)}
    load = ratio.Load(chosen.thoughts, chosen.users, chosen.delay_ms, chosen.concurrency, chosen.rounds)
    with running_stack(settings, "web=1,relay=1,bridge=1,worker=1,beat=0,flower=0") as stack:
        _enter(stack, settings)
        ratio.compare(stack, load)


def _dispatch(chosen: argparse.Namespace) -> None:
    with running_stack({"KAFKA_ENABLED": "false"}, NO_PROCESSES) as stack:
        _enter(stack, {"CELERY_BROKER_URL": f"{stack.redis_url.rpartition('/')[0]}/{DISPATCH_DATABASE}"})
        dispatch.compare(load_settings(), chosen.batches, chosen.chains, chosen.rounds)


def _live(chosen: argparse.Namespace) -> None:
    settings = {"SCRIPTED_DELAY_MS": str(chosen.delay_ms), "WORKER_CONCURRENCY": str(chosen.concurrency)}
    with running_stack(settings, f"web=1,relay=1,bridge=1,worker={chosen.workers},beat=0,flower=0") as stack:
        _enter(stack, settings)
        live.measure(
            str(stack.web_url), load_settings(), users=chosen.users, thoughts=chosen.thoughts, rounds=chosen.rounds
        )


def _enter(stack: RunningStack, settings: dict[str, str]) -> None:
    """Let this process, and the bare worker that inherits it, have the stack's addresses and settings."""
    os.environ.update(stack.environment() | settings)
