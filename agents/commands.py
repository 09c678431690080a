"""The commands of `python -m agents`. Only `embed` needs a server of the system: PostgreSQL."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import click

from agents.agent import Agent
from agents.catalogue import CATALOGUE
from agents.errors import AgentError, ProviderConfigError, ServiceError
from agents.interface import AgentInput, AgentResult, CallContext, Provider
from agents.models.configuration import read_configuration
from agents.models.services import SERVICES
from agents.rendering import printable, render_output, render_spending
from agents.selection import check_provider, make_provider
from contracts.model_settings import ModelSettings
from contracts.settings import SettingsError, load_model_settings, load_settings

if TYPE_CHECKING:
    from agents.models.provider import ModelProvider

FAILED: Final = 1


@click.group()
def agents() -> None:
    """Check the models that the settings select, try the agents without any server, and make missing vectors."""


@agents.command()
def check() -> int:
    """Make one tiny call of each model, and say what works.

    Prints the output mode, duration and cost of each, or what to do. The exit status is 1 when a model does not work.
    """
    settings = _load_settings()
    if settings.ai_provider not in SERVICES:
        click.echo(f"AI_PROVIDER={settings.ai_provider} calls no model, so there is nothing to check.")
        return 0
    from agents.models.provider import ModelProvider  # loads the libraries, which takes seconds

    configuration = read_configuration(settings, CATALOGUE.names)
    with closing(ModelProvider(configuration)) as provider:
        statuses = [_check_model(provider, model) for model in configuration.endpoints]
    return max(statuses)


@agents.command("try")
@click.argument("text")
def try_command(text: str) -> int:
    """Analyse TEXT with all agents and print their results. Nothing is stored."""
    settings = _load_settings()
    provider = make_provider(settings)
    started_at = time.monotonic()
    results: dict[str, AgentResult] = {}
    for agent in CATALOGUE.agents:
        agent_input = AgentInput("", "", text, previous=_outputs(results))
        try:
            results[agent.name] = _run(provider, agent, agent_input, settings.agent_timeout_seconds)
        except AgentError as error:
            click.echo(f"{agent.title} failed: {_explain(error)}", err=True)
            return FAILED
        click.echo(render_output(agent, _outputs(results)[agent.name]))
        if dropped := results[agent.name].dropped_claims:
            click.echo(f"  {dropped} {'claim' if dropped == 1 else 'claims'} without evidence left out")
        click.echo()
    click.echo(_summary([*results.values()], time.monotonic() - started_at))
    return 0


@agents.command()
def embed() -> int:
    """Make the vectors of finished thoughts that are missing, or that another model made.

    Needed after an update with another embedding model, or after a time with MEMORY=false. It may be interrupted and
    repeated, and works beside running workers.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(f"Cannot start. {error}") from None
    from agents.embedding.backfill import run  # loads the library of PostgreSQL, which no other command needs

    return run(settings)


def _load_settings() -> ModelSettings:
    """Return the checked settings. Raises SystemExit with the lines that say what to set."""
    try:
        settings = load_model_settings()
        check_provider(settings)
    except (SettingsError, ProviderConfigError) as error:
        raise SystemExit(f"Cannot start. {error}") from None
    return settings


def _check_model(provider: "ModelProvider", model: str) -> int:
    try:
        examination = provider.examine(model)
    except AgentError as error:
        click.echo(f"{model}: does not work. {_explain(error)}")
        return FAILED
    spent = render_spending(examination.spent.tokens_in, examination.spent.tokens_out, examination.spent.cost_usd)
    click.echo(f"{model}: works, output mode {examination.mode}, {examination.seconds:.1f} s, {spent}")
    return 0


def _run(provider: Provider, agent: Agent, agent_input: AgentInput, deadline_seconds: float) -> AgentResult:
    """Call the first model of an agent whose service answers. Raises AgentError when none does."""
    *others, last = provider.models(agent.name) or [""]
    for model in others:
        try:
            return provider.run(agent.name, agent_input, _context(model, deadline_seconds))
        except ServiceError as error:
            click.echo(f"{model} does not answer, the next model is tried: {_explain(error)}", err=True)
    return provider.run(agent.name, agent_input, _context(last, deadline_seconds))


def _context(model: str, deadline_seconds: float) -> CallContext:
    return CallContext("", 1, deadline_seconds, threading.Event(), "", model)


def _outputs(results: Mapping[str, AgentResult]) -> dict[str, dict[str, Any]]:
    return {name: result.output.model_dump(mode="json") for name, result in results.items()}


def _explain(error: AgentError) -> str:
    """Return what an error means, and for an operator what to do about it."""
    cure = error.cure if isinstance(error, ServiceError) else ""
    return printable(f"{cure}." if cure else str(error))


def _summary(results: Sequence[AgentResult], seconds: float) -> str:
    """Return one line about all calls; a sum is unknown where one of its parts is."""
    models = dict.fromkeys(f"{result.provider}:{result.model}" for result in results)
    spent = render_spending(
        _sum([result.tokens_in for result in results]),
        _sum([result.tokens_out for result in results]),
        _sum([result.cost_usd for result in results]),
    )
    return f"{', '.join(models)}: {len(results)} results, {seconds:.1f} s, {spent}"


def _sum(values: Sequence[Any]) -> Any:
    return None if None in values else sum(values)
