"""What the property tests share: any JSON that Python can hold, and no bounds on speed."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
"""A noisy machine makes no test fail; and a test may use one database for all its examples."""

any_text = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x00\ud800\udc00\ufffe\u2028"))
"""NUL and surrogates too, which Python's text holds and PostgreSQL's does not."""

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=5,
)
