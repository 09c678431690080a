import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import CATALOGUE
from agents.scripted.directives import Script, read_script
from tests.agents.calls import ON_A_BUSY_MACHINE


@pytest.mark.parametrize("kind", ["transient", "permanent", "nonsense", "memory", "crash", "hang"])
def test_a_failure_lasts_for_its_number_of_calls(kind: str) -> None:
    script = read_script(f"Hello [[fail:analysis:{kind}:2]] world", "analysis")
    assert [script.failure_of(call) for call in (1, 2, 3, 4)] == [kind, kind, None, None]


def test_a_star_is_always() -> None:
    assert read_script("[[fail:priority:transient:*]]", "priority").failure_of(10**6) == "transient"


def test_zero_times_is_never() -> None:
    assert read_script("[[fail:priority:transient:0]]", "priority").failure_of(1) is None


def test_a_directive_speaks_to_its_own_agent_only() -> None:
    text = "[[fail:analysis:permanent:1]][[delay:priority:250]]"
    assert read_script(text, "analysis") == Script((("permanent", 1),), None)
    assert read_script(text, "priority") == Script((), 250)
    assert read_script(text, "classification") == Script()


def test_several_failures_of_one_agent_work_one_after_the_other() -> None:
    script = read_script("[[fail:analysis:transient:2]] then [[fail:analysis:permanent:1]]", "analysis")
    assert [script.failure_of(call) for call in (1, 2, 3, 4)] == ["transient", "transient", "permanent", None]


def test_the_last_of_several_delays_counts() -> None:
    assert read_script("[[delay:analysis:10]][[delay:analysis:20]]", "analysis").delay_ms == 20


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
        "[[fail:nobody:transient:1]]",
        "[[fail:analysis:transient:99999999999]]",
        "[[delay:analysis]]",
        "[[delay:analysis:1s]]",
        "[[delay:analysis:*]]",
        "[[delay:analysis:-5]]",
    ],
)
def test_a_malformed_directive_is_plain_text(text: str) -> None:
    assert all(read_script(text, agent_name) == Script() for agent_name in CATALOGUE.names)


@ON_A_BUSY_MACHINE
@given(st.text(alphabet="[]:faildey*0123456789 nsto_"))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_script(f"[[{text}", "analysis").failure_of(1)
