"""The key that signs the visitors' cookies."""

from contracts.settings import Settings, SettingsError


def required_secret_key(settings: Settings) -> str:
    """SECRET_KEY. Raises SettingsError where it is missing: a default would let anybody forge anybody's cookie."""
    if settings.secret_key is None:
        raise SettingsError("SECRET_KEY: missing; the web signs its cookies with it (at least 16 random characters)")
    return settings.secret_key.get_secret_value()
