"""The view models of the templates."""

from webapp.pages.view_models import format_duration


def test_a_duration_is_formatted_in_a_readable_unit() -> None:
    formatted = [format_duration(seconds) for seconds in (0.0042, 1.25, 59.94, 61.5)]
    assert formatted == ["4 ms", "1.2 s", "59.9 s", "1 min 1 s"]
