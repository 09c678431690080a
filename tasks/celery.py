"""The entry point of `celery -A tasks`."""

from agents.errors import ProviderConfigError
from contracts.settings import SettingsError, load_settings_or_exit
from tasks.application import create_app

try:
    app = create_app(load_settings_or_exit())
except (SettingsError, ProviderConfigError) as error:
    raise SystemExit(f"Cannot start. {error}") from None
