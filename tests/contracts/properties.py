"""Provides strategies and settings for property tests: arbitrary JSON values, and no limit on the duration."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

without_deadline = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
"""For property tests: a slow machine does not fail them, and all examples of a test may share one database."""

any_text = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x00\ud800\udc00\ufffe\u2028"))
"""Includes NUL and surrogates, which Python's strings can hold and PostgreSQL's text cannot."""

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=5,
)
