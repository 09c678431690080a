"""The application factory."""

from datetime import timedelta

from flask import Flask

from contracts.settings import Settings, SettingsError, load_settings_or_exit
from contracts.visible_text import plain_line
from webapp import (
    access_check,
    api_version,
    canonical_host,
    csrf,
    health,
    identity,
    monitoring,
    problems,
    refusal_log,
    security,
    static_files,
)
from webapp.account_pages import routes as account_routes
from webapp.account_pages import security_log
from webapp.admin_pages import routes as admin_routes
from webapp.api import docs, exports, thought_actions, thoughts, tokens
from webapp.api import profile as profile_api
from webapp.api import webhooks as webhooks_api
from webapp.limits import limiter
from webapp.metrics import metrics
from webapp.pages import routes
from webapp.profile import page as profile_page
from webapp.services import make_services
from webapp.session import VisitorCookie, cookie_name
from webapp.stream.blueprint import StreamBlueprint
from webapp.tolerant_request import Request
from webapp.webhooks import page as webhooks_page

MAX_BODY_BYTES = 256 * 1024
"""Limits a request body. A thought of 10,000 characters takes up to 120 kB when each is escaped or percent-encoded."""


def make_app(settings: Settings | None) -> Flask:
    """Assemble the application. Raises SystemExit when the settings are invalid."""
    app = Flask("webapp", static_folder="static", static_url_path="/static")
    settings = settings or load_settings_or_exit()
    try:
        _configure(app, settings.require_secret_key())
        services = make_services(settings)
    except SettingsError as error:
        raise SystemExit(f"Cannot start. {error}") from None
    app.extensions["services"] = services
    app.register_blueprint(thoughts.blueprint)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(thought_actions.blueprint)
    app.register_blueprint(StreamBlueprint(services), url_prefix="/thoughts/stream")
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(account_routes.blueprint)
    app.register_blueprint(security_log.blueprint)
    app.register_blueprint(admin_routes.blueprint)
    app.register_blueprint(tokens.blueprint)
    app.register_blueprint(exports.blueprint)
    app.register_blueprint(profile_api.blueprint)
    app.register_blueprint(profile_page.blueprint)
    app.register_blueprint(webhooks_api.blueprint)
    app.register_blueprint(webhooks_page.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    identity.register(app)
    problems.register(app)
    metrics.count_requests(app)
    refusal_log.register(app)
    static_files.register(app)
    security.register(app)
    limiter.register(app, services)
    access_check.register(app)
    csrf.register(app)
    monitoring.register(app)
    canonical_host.register(app)
    api_version.register(app)
    return app


def _configure(app: Flask, secret_key: str) -> None:
    app.secret_key = secret_key
    app.session_interface = VisitorCookie()
    app.request_class = Request
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        SESSION_COOKIE_NAME=cookie_name(secret_key),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=365),
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.add_template_filter(plain_line)
