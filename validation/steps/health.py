"""Step 4: the web says that it, and all it needs, work."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from validation.outcome import StepFailedError
from validation.site import Site
from validation.web_client import Answer, describe_problem

PATH: Final = "/health/ready"
NOT_OURS_CURE: Final = (
    "check --base-url: another program may listen on this port; or run this on the machine of the web, or with its "
    "METRICS_TOKEN, because the web shows its checks to no other client"
)


def check_health(site: Site) -> str:
    """Ask the web for each check."""
    return judge_health(f"GET {site.web.base_url}{PATH}", site.web.get_figures(PATH))


def judge_health(request: str, answer: Answer) -> str:
    """Return the status and the checks that are ok. Raises StepFailedError when the status is not `ok`."""
    status, checks = answer.body.get("status"), answer.body.get("checks")
    if not isinstance(status, str) or not isinstance(checks, Mapping):
        raise StepFailedError(f"{request} was answered with {describe_problem(answer)}, without checks", NOT_OURS_CURE)
    bad = {name: check for name, check in checks.items() if not check.get("ok")}
    if answer.status != HTTPStatus.OK or status != "ok" or bad:
        names = ", ".join(_describe(name, check) for name, check in bad.items()) or "no check"
        raise StepFailedError(
            f"{request}: {answer.status} {status}; not ok: {names}",
            f"repair {', '.join(bad) or 'the web'}; docs/validation.md says for each one what to look at",
        )
    return f"{request}: {answer.status} {status} in {answer.milliseconds} ms; ok: {', '.join(checks)}"


def _describe(name: str, check: Mapping[str, Any]) -> str:
    """Return a check's name, its problem and its effect."""
    sentences = " ".join(str(check[member]) for member in ("problem", "effect") if member in check)
    return f"{name} ({sentences})" if sentences else name
