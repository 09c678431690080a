"""Without TRUST_USER_ID, because accounts mean nothing with it."""

from typing import Any

import pytest


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"trust_user_id": False}
