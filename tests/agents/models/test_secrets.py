"""No log line and no printed object contains a key."""

import logging

import pytest

from agents.errors import AgentError
from tests.agents.calls import make_context, make_input
from tests.agents.models.failing import BY_WIRE, WATCHED, require_no_secret, watch
from tests.agents.models.fake_service import fake_service
from tests.agents.models.providers import KEY, always, in_turn, model_provider, run_once, valid_text, writes
from tests.agents.models.wires import WIRES, Written


@WATCHED
@pytest.mark.parametrize("provider", BY_WIRE)
def test_no_log_line_contains_a_key(provider: str, watched: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Not even those that the libraries write at the level DEBUG, after a success and after a failure."""
    wire = WIRES[provider]
    refusal = wire.error(401, f"{KEY} is not valid", "authentication_error")
    context = make_context(on_progress=watch) if watched else make_context()
    with (
        caplog.at_level(logging.DEBUG),
        fake_service(in_turn(writes(wire, Written(valid_text())), always(refusal))) as service,
        model_provider(provider, service.url) as made,
    ):
        made.run("classification", make_input(), context)
        with pytest.raises(AgentError) as raised:
            made.run("classification", make_input(), context)
        assert KEY not in repr(vars(made))
    require_no_secret(raised.value)
    assert KEY not in caplog.text


def test_a_request_writes_no_line_at_the_level_of_production(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), fake_service(writes(WIRES["openai"], Written(valid_text()))) as service:
        run_once("openai", service.url)
    assert caplog.records == []
