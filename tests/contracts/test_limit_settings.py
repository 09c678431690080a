"""The settings of limits are read by the library that will count them, before a process starts."""

import pytest

from contracts.settings import Settings, SettingsError, load_settings

ADDRESSES = {"database_url": "postgresql://x/x", "redis_url": "redis://x", "kafka_bootstrap_servers": "x:1"}


def load(value: str) -> Settings:
    return load_settings(_env_file=None, **ADDRESSES, limit_thoughts_per_account=value)


@pytest.mark.parametrize("value", ["off", "5/minute", "5 per minute; 100/day", "1/second,2/10minutes"])
def test_a_limit_is_accepted(value: str) -> None:
    assert load(value).limit_thoughts_per_account == value


@pytest.mark.parametrize(
    "value", ["many", "5", "5/fortnight", "5/minute,", "-1/day", "0/minute", "1/2years", "1/minute off"]
)
def test_a_wrong_limit_is_refused_with_what_to_write(value: str) -> None:
    with pytest.raises(SettingsError, match=r"LIMIT_THOUGHTS_PER_ACCOUNT: must .*"):
        load(value)
