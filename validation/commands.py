"""The command of `python -m validation`."""

import logging
import sys
import time
from typing import Final
from urllib.parse import urlsplit

import click

from bridge.kafka.config import require_usable_config
from contracts.cli import with_settings
from contracts.settings import Settings
from validation.runner import run_steps
from validation.site import Site, open_site
from validation.steps.catalogue import STEPS

DEFAULT_BASE_URL: Final = "http://127.0.0.1:8000"
DEFAULT_SECONDS: Final = 120.0


def _check_url(context: click.Context, parameter: click.Parameter, value: str) -> str:  # noqa: ARG001 - click's signature
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.BadParameter("write the address of the page, such as http://127.0.0.1:8000")
    return value


@click.command()
@click.option(
    "--base-url", default=DEFAULT_BASE_URL, show_default=True, callback=_check_url, help="The address of the page."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_SECONDS,
    show_default=True,
    help="How long a thought may take to be analysed; raise it for slow models.",
)
@with_settings
def validate(settings: Settings, *, base_url: str, seconds: float) -> int:
    """Check a running installation in ten steps, and print what was seen in each.

    The addresses of the servers come from the environment, as for every process. The exit status is 0 only if all steps
    passed.
    """
    if not settings.consumes_kafka:
        raise SystemExit(
            "Cannot validate: with KAFKA_ENABLED=false or KAFKA_MODE=false thoughts wait for the nightly batch. "
            "Start the installation with both unset."
        )
    require_usable_config(settings)
    logging.disable()  # the clients' log lines say what the steps say
    started_at = time.monotonic()
    with open_site(settings, base_url, seconds) as site:
        passed = _print_steps(site)
    state = "All ten steps passed" if passed == len(STEPS) else f"{len(STEPS) - passed} of {len(STEPS)} steps failed"
    _print_error(f"{state} in {time.monotonic() - started_at:.1f} s.")
    return 0 if passed == len(STEPS) else 1


def _print_steps(site: Site) -> int:
    """Print the outcome of each step, and return how many passed. The thoughts are deleted also after a Ctrl-C."""
    passed = 0
    try:
        for outcome in run_steps(site, STEPS):
            sys.stdout.write(f"{outcome.line()}\n")
            sys.stdout.flush()
            passed += outcome.passed
    finally:
        _delete_thoughts(site)
    return passed


def _delete_thoughts(site: Site) -> None:
    deleted, left = site.visitor.delete_thoughts()
    if deleted:
        _print_error(f"Deleted the {len(deleted)} thoughts of this run.")
    if left:
        paths = ", ".join(f"/thoughts/{thought}" for thought in left)
        _print_error(f"Not deleted, because the web did not do it: {paths}. Send DELETE when it is back.")


def _print_error(line: str) -> None:
    """Print a line that is not one of the ten to standard error."""
    sys.stderr.write(f"{line}\n")
