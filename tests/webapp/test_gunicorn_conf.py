"""The start of gunicorn."""

import subprocess
from uuid import uuid4

import redis

from contracts.installation import installation_key
from contracts.settings import Settings
from tests.stores import ROOT
from tests.webapp.web_processes import GUNICORN, environment, find_free_port


def test_invalid_settings_end_the_process_with_one_line_each(settings: Settings) -> None:
    variables = environment(settings, SECRET_KEY="", SSE_MAX_CONNECTIONS="none")
    command = [*GUNICORN, "--bind", f"127.0.0.1:{find_free_port()}", "webapp:create_app()"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "SSE_MAX_CONNECTIONS: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Booting worker" not in done.stderr
    del variables["SSE_MAX_CONNECTIONS"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "SECRET_KEY: missing" in done.stderr


def test_the_prefix_of_another_installation_ends_the_process_with_one_line(
    settings: Settings, redis_client: redis.Redis
) -> None:
    others = settings.model_copy(update={"redis_sse_prefix": f"{settings.redis_sse_prefix}-of-another"})
    redis_client.set(installation_key(others.redis_prefix), (another := str(uuid4())))
    command = [*GUNICORN, "--bind", f"127.0.0.1:{find_free_port()}", "webapp:create_app()"]
    variables = environment(others)
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert f"Cannot start. REDIS_SSE_PREFIX: another installation ({another})" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Booting worker" not in done.stderr
