"""The table of the limits, their settings and docs/limits.md agree."""

import re

from contracts.limit_settings import LimitSettings
from tests.stores import ROOT
from webapp.limits.table import LIMITS

DEFAULTS = {name.upper(): field.default for name, field in LimitSettings.model_fields.items()}


def test_every_setting_of_a_limit_has_its_rule() -> None:
    assert sorted(limit.setting.upper() for limit in LIMITS) == sorted(DEFAULTS)


def test_the_document_shows_every_limit_with_its_default() -> None:
    table = re.findall(r"\| `(LIMIT_\w+)` \| (\S+) \|", (ROOT / "docs" / "limits.md").read_text())
    assert dict(table) == DEFAULTS
    assert len(table) == len(DEFAULTS)
