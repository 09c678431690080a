"""Directives are parsed from a thought's text, and everything else is plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import CATALOGUE
from agents.scripted.directives import Script, read_script
from tests.agents.calls import WITHOUT_DEADLINE


@pytest.mark.parametrize("kind", ["transient", "permanent", "nonsense", "memory", "crash", "hang"])
def test_a_fail_directive_fails_its_number_of_calls(kind: str) -> None:
    script = read_script(f"Hello [[fail:analysis:{kind}:2]] world", "analysis")
    assert [script.failure_of(call) for call in (1, 2, 3, 4)] == [kind, kind, None, None]


def test_a_star_fails_all_calls() -> None:
    assert read_script("[[fail:priority:transient:*]]", "priority").failure_of(10**6) == "transient"


def test_zero_fails_no_call() -> None:
    assert read_script("[[fail:priority:transient:0]]", "priority").failure_of(1) is None


def test_a_directive_applies_only_to_its_agent() -> None:
    text = "[[fail:analysis:permanent:1]][[delay:priority:250]]"
    assert read_script(text, "analysis") == Script((("permanent", 1),), None)
    assert read_script(text, "priority") == Script((), 250)
    assert read_script(text, "classification") == Script()


def test_several_fail_directives_of_one_agent_apply_in_sequence() -> None:
    script = read_script("[[fail:analysis:transient:2]] then [[fail:analysis:permanent:1]]", "analysis")
    assert [script.failure_of(call) for call in (1, 2, 3, 4)] == ["transient", "transient", "permanent", None]


def test_the_last_of_several_delays_applies() -> None:
    assert read_script("[[delay:analysis:10]][[delay:analysis:20]]", "analysis").delay_ms == 20


def test_a_write_directive_applies_beside_a_delay() -> None:
    text = "[[write:analysis:1500]][[delay:analysis:20]][[write:priority:1]]"
    assert read_script(text, "analysis") == Script((), 20, 1500)


@pytest.mark.parametrize(
    "text",
    [
        "[[fail:analysis:transient]]",
        "[[fail:analysis:sometimes:1]]",
        "[[fail:analysis:transient:-1]]",
        "[[fail:analysis:transient:1.5]]",
        "[[fail:analysis:transient:\u0663]]",
        "[[fail: analysis:transient:1]]",
        "[[FAIL:analysis:transient:1]]",
        "[fail:analysis:transient:1]",
        "[[fail:analysis:transient:1",
        "[[fail:unknown_agent:transient:1]]",
        "[[fail:analysis:transient:99999999999]]",
        "[[delay:analysis]]",
        "[[delay:analysis:1s]]",
        "[[delay:analysis:*]]",
        "[[delay:analysis:-5]]",
        "[[write:analysis]]",
        "[[write:analysis:*]]",
    ],
)
def test_a_malformed_directive_is_plain_text(text: str) -> None:
    assert all(read_script(text, agent_name) == Script() for agent_name in CATALOGUE.names)


@WITHOUT_DEADLINE
@given(st.text(alphabet="[]:faildey*0123456789 nsto_"))
def test_read_script_never_raises(text: str) -> None:
    read_script(f"[[{text}", "analysis").failure_of(1)
