"""`up` waits until /health/ready finds each part of the stack at work, also when only a token opens its details."""

from pathlib import Path

from contracts.settings import load_settings
from devstack.commands.app_processes import app_processes
from devstack.commands.readiness import stack_problems
from devstack.spec.layout import StackDir
from devstack.spec.ports import Ports
from devstack.spec.process_kinds import parse_scale
from devstack.spec.stack import Stack
from tests.agreements.test_compose_and_code import ADDRESSES
from tests.figures_server import figures_server

TOKEN = "a-token-of-the-monitoring"


def make_stack(directory: Path, web_url: str) -> Stack:
    settings = load_settings(_env_file=None, **ADDRESSES)
    processes = app_processes(StackDir(directory), Ports(8000), parse_scale([]), settings)
    return Stack(
        request={}, port_base=8000, web_url=web_url, flower_url=None, kafka_bootstrap=None, kafka=None, redis_url="",
        database_url="", processes=processes, detached=False,
    )  # fmt: skip


def test_the_token_of_the_stack_opens_the_details(tmp_path: Path) -> None:
    checks = {"relay": {"ok": True}, "bridge": {"ok": False, "problem": "No bridge was seen lately."}}
    with figures_server(TOKEN, checks) as url:
        stack = make_stack(tmp_path, url)
        assert stack_problems(stack, TOKEN) == ["No bridge was seen lately."]
        [problem] = stack_problems(stack, None)
    assert "/health/ready" in problem
