"""The entry point of `celery -A tasks`."""

from agents.errors import ProviderConfigError
from contracts.settings import SettingsError, load_settings_or_exit, prepare_celery_variables
from tasks.application import create_app

try:
    prepare_celery_variables()
    app = create_app(load_settings_or_exit())
except (SettingsError, ProviderConfigError) as error:
    raise SystemExit(f"Cannot start. {error}") from None
