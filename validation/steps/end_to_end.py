"""Step 10: a thought from the request to its JSON, watched in the live stream; then a dead letter and its replay."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from validation.event_sequence import names_of
from validation.live_stream import read_until_end
from validation.outcome import StepFailedError
from validation.site import Site
from validation.steps.dead_letter import SCRIPTED, check_dead_letter
from validation.steps.pubsub import judge_events
from validation.waiting import milliseconds_since
from validation.web_client import Answer, describe_problem

TEXT: Final = "Validation: should I call my sister on Sunday?"
WITHOUT_DEAD_LETTER: Final = "dead letter and replay not tried, because only scripted agents fail on request"


def check_end_to_end(site: Site) -> str:
    """Open the stream, submit a thought, wait for its last event, and read the thought as a program does."""
    user_id = site.visitor.user_id
    if user_id is None:
        raise StepFailedError("no thought was accepted, so there is no user", "repair the step `producer` first")
    with site.web.open_stream(f"/thoughts/stream/{user_id}", site.seconds) as lines:
        thought = site.visitor.submit(TEXT)
        events = read_until_end(lines, thought.id, thought.sent_at + site.seconds)
        stream = judge_events("live stream", names_of(events, thought.id), milliseconds_since(thought.sent_at))
    agents = completed_agents(site.web.get(f"/thoughts/{thought.id}"))
    is_scripted = all(agent.get("provider") == SCRIPTED for agent in agents)
    letter = check_dead_letter(site) if is_scripted else WITHOUT_DEAD_LETTER
    return f"{stream}; GET /thoughts/{thought.id}: completed, {len(agents)} agents; {letter}"


def completed_agents(answer: Answer) -> list[Mapping[str, Any]]:
    """Return the agents of a completed thought's JSON. Raises StepFailedError when it is not completed."""
    agents: list[Mapping[str, Any]] = answer.body.get("agents", [])
    unfinished = [agent["name"] for agent in agents if agent["status"] != "completed"]
    if answer.status != HTTPStatus.OK or answer.body.get("status") != "completed" or unfinished:
        raise StepFailedError(
            f"the stream says completed, but the thought's JSON {describe_problem(answer)} "
            f"{answer.body.get('status', '')}, without a result of: {', '.join(unfinished) or '-'}",
            "run `python -m bridge audit`, and compare the DATABASE_URL of all web processes",
        )
    return agents
