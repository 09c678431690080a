"""`python -m agents check` and `try` work with the settings of the models alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from agents.catalogue import CATALOGUE
from agents.models.provider import Check
from agents.models.schema import schema_text
from tests.agents.models.fake_service import FakeService, Reply, Request, fake_service, json_reply, refusing_address
from tests.agents.models.providers import KEY, always, valid_text
from tests.agents.models.wires import MODEL_OF, WIRES, Written
from tests.stores import ROOT

ANSWERS = {schema_text(agent.output): valid_text(agent.name) for agent in CATALOGUE.agents} | {
    schema_text(Check): '{"ok": true}'
}
"""The end of the instructions -> what the model answers."""


def run_agents(tmp_path: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in an empty directory, with these settings and no others."""
    environment = {"PYTHONPATH": str(ROOT), **{name.upper(): value for name, value in settings.items()}}
    command = [sys.executable, "-m", "agents", *arguments]
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def openai_service(request: Request) -> Reply:
    instructions = str(request.body["messages"][0]["content"])
    [text] = [answer for end, answer in ANSWERS.items() if instructions.endswith(end)]
    return WIRES["openai"].reply(request, Written(text))


def openai_settings(service: FakeService, **settings: str) -> dict[str, str]:
    base = {"ai_provider": "openai", "ai_model": MODEL_OF["openai"], "openai_api_key": KEY}
    return {**base, "openai_base_url": f"{service.url}/v1", **settings}


def test_check_says_how_a_model_works_and_what_it_cost(tmp_path: Path) -> None:
    with fake_service(openai_service) as service:
        process = run_agents(tmp_path, "check", **openai_settings(service))
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("openai:gpt-5-mini: works, output mode native, ")
    assert process.stdout.endswith(" s, 1000 tokens in, 200 out, 0.0006 USD\n")
    assert len(service.requests) == 1


def test_check_says_the_cure_for_each_model_that_does_not_work(tmp_path: Path) -> None:
    refusal = json_reply({"error": {"message": f"{KEY} is wrong"}}, 401)
    with fake_service(always(refusal)) as service, refusing_address() as url:
        settings = openai_settings(service, ai_fallback="ollama:llama3.2", ollama_base_url=url)
        process = run_agents(tmp_path, "check", **settings)
    assert process.returncode == 1
    assert process.stdout.splitlines() == [
        "openai:gpt-5-mini: does not work. OpenAI refuses the key in OPENAI_API_KEY (401).",
        f"ollama:llama3.2: does not work. Ollama cannot be reached at {url}/v1: start it, or correct OLLAMA_BASE_URL.",
    ]
    assert process.stderr == ""


def test_check_needs_no_model_when_the_rules_answer(tmp_path: Path) -> None:
    process = run_agents(tmp_path, "check")
    assert (process.returncode, process.stderr) == (0, "")
    assert "AI_PROVIDER=offline calls no model" in process.stdout


@pytest.mark.parametrize("command", [["check"], ["try", "a thought"]])
def test_a_wrong_setting_ends_a_command_with_one_line(tmp_path: Path, command: list[str]) -> None:
    process = run_agents(tmp_path, *command, ai_provider="openai", ai_model="gpt-5")
    assert process.returncode == 1
    assert process.stderr.splitlines() == [
        "Cannot start. OPENAI_API_KEY: missing; AI_MODEL selects a model of OpenAI, which needs a key"
    ]


def test_try_prints_the_results_of_all_agents_and_their_cost(tmp_path: Path) -> None:
    with fake_service(openai_service) as service:
        process = run_agents(tmp_path, "try", "Learn Rust", **openai_settings(service))
    assert process.returncode == 0, process.stderr
    assert all(f"{agent.title}\n" in process.stdout for agent in CATALOGUE.agents)
    assert "Final recommendation: Scripted: a made-up result" in process.stdout
    last = process.stdout.splitlines()[-1]
    assert last.startswith("openai:gpt-5-mini: 5 results, ")
    assert last.endswith("5000 tokens in, 1000 out, 0.0032 USD")


def test_try_runs_the_rules_without_any_setting(tmp_path: Path) -> None:
    process = run_agents(tmp_path, "try", "Call the dentist tomorrow")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines()[-1].startswith("offline:rules: 5 results, ")


def test_try_uses_the_next_model_when_the_first_does_not_answer(tmp_path: Path) -> None:
    with fake_service(openai_service) as service, refusing_address() as url:
        settings = openai_settings(service, ai_fallback="openai:gpt-5-mini") | {
            "ai_provider": "ollama",
            "ai_model": "llama3.2",
            "ollama_base_url": url,
        }
        process = run_agents(tmp_path, "try", "Learn Rust", **settings)
    assert process.returncode == 0
    assert "ollama:llama3.2 does not answer, the next model is tried" in process.stderr
    assert process.stdout.splitlines()[-1].startswith("openai:gpt-5-mini: 5 results")


def test_try_says_which_agent_failed_and_why(tmp_path: Path) -> None:
    with fake_service(always(json_reply({"error": {"message": "no such model"}}, 404))) as service:
        process = run_agents(tmp_path, "try", "Learn Rust", **openai_settings(service))
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith("Classification failed: OpenAI at ")
    assert "correct AI_MODEL" in process.stderr


def test_nothing_that_a_model_writes_controls_the_terminal(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        reply = openai_service(request)
        [body] = reply.body
        return Reply(body=[body.replace(b"Scripted: a made-up", b"\\\\u001b[2J\\\\u0007 made-up")])

    with fake_service(answer) as service:
        process = run_agents(tmp_path, "try", "Learn Rust", **openai_settings(service))
    assert process.returncode == 0, process.stderr
    assert "[2J  made-up" in process.stdout
    assert "\x1b" not in process.stdout
