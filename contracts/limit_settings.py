"""Defines the settings of the web's limits: how often an address, a user or all together may do something.

Each value is one or more limits as the library `limits` reads them, such as `60/minute,2000/day`, or `off`.
`webapp/limits/rules.py` says what each of them counts.
"""

from pydantic import BaseModel

from contracts.setting_values import NO_LIMIT, RateLimits


class LimitSettings(BaseModel):
    """The part of the settings that limits the clients of the web. `Settings` inherits it."""

    limit_requests_per_user: RateLimits = "1200/minute"
    limit_requests_per_address: RateLimits = "6000/minute"
    limit_requests_for_all: RateLimits = NO_LIMIT

    limit_thoughts_per_account: RateLimits = "120/minute,3000/day"
    limit_thoughts_per_anonymous_user: RateLimits = "30/minute,500/day"
    limit_thoughts_per_address: RateLimits = "600/minute,10000/day"
    limit_thoughts_for_all: RateLimits = NO_LIMIT

    limit_streams_per_user: RateLimits = "120/minute"
    limit_streams_per_address: RateLimits = "1200/minute"
    limit_streams_for_all: RateLimits = NO_LIMIT

    limit_searches_per_user: RateLimits = "60/minute"
    limit_searches_per_address: RateLimits = "600/minute"
    limit_searches_for_all: RateLimits = NO_LIMIT

    limit_exports_per_user: RateLimits = "10/hour"
    limit_exports_per_address: RateLimits = "100/hour"
    limit_exports_for_all: RateLimits = NO_LIMIT

    limit_webhook_tests_per_user: RateLimits = "10/minute,60/hour"

    limit_sign_ins_per_device: RateLimits = "10/minute,60/hour"
    limit_sign_ins_per_address_and_email: RateLimits = "5/minute,30/hour"
    limit_sign_ins_per_address: RateLimits = "20/minute,200/hour"
    limit_sign_ins_per_email: RateLimits = "60/hour,200/day"
    limit_sign_ins_for_all: RateLimits = "600/minute"

    limit_sign_ups_per_address: RateLimits = "10/minute,60/hour"
    limit_sign_ups_per_email: RateLimits = "10/hour,20/day"
    limit_sign_ups_for_all: RateLimits = "1000/hour"

    limit_resets_per_device: RateLimits = "5/hour"
    limit_resets_per_email: RateLimits = "5/hour"
    limit_resets_per_address: RateLimits = "10/minute,60/hour"
    limit_resets_for_all: RateLimits = "1000/hour"

    limit_password_checks_per_user: RateLimits = "10/minute,60/hour"  # noqa: S105  no password
    limit_email_changes_per_email: RateLimits = "5/hour,10/day"
