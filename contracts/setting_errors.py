"""The error of everything that checks settings."""


class SettingsError(Exception):
    """Raised when settings are missing or wrong. The message has one line per setting and says what to change."""
