"""GET /health: can this web accept thoughts? GET /health/ready: is everything there that an accepted thought needs?

Both answer from the last outcomes of background checks, so neither waits for a dependency that hangs.
"""

from flask import Blueprint, Response, jsonify

from webapp.monitoring import may_read_figures
from webapp.readiness.report import accept_report, ready_report
from webapp.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> tuple[Response, int]:
    """Tell a load balancer whether this web can store a thought in PostgreSQL: 200 `ok`, or 503 `down`."""
    report = accept_report(services().readiness.postgres())
    return jsonify(report), 200 if report["status"] == "ok" else 503


@blueprint.get("/health/ready")
def ready() -> tuple[Response, int]:
    """Return one status, each problem with its effect, each check, and the backlog.

    `down` (503): no thought can be accepted. `degraded` (200): thoughts are accepted, but something that they need does
    not work. A check of Redis that fails makes the checks of processes and models `unknown`.

    A client that may not read the figures (`webapp.monitoring`) gets only the status, which a load balancer needs.
    """
    parts = services()
    findings = parts.readiness.findings()
    report = ready_report(parts.settings, parts.readiness.postgres(), findings)
    code = 503 if report["status"] == "down" else 200
    if not may_read_figures():
        return jsonify({"status": report["status"]}), code
    report["backlog"] = parts.readiness.backlog().value
    return jsonify(report), code
