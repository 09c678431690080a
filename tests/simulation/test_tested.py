"""Guards that no history misses have a test of their own, which fails when the guard is taken out of the code."""

import json
import os
import subprocess
import sys

import pytest

from tests.simulation.tested import TESTED
from tests.stores import ROOT, Stores


@pytest.mark.timeout(600)
def test_the_tests_that_show_a_guard_fail_without_it(stores: Stores) -> None:
    """Run by a process of their own: there the guards are taken out, one after the other."""
    told = {
        "database_url": stores.database_url,
        "redis_url": stores.redis_url,
        "kafka_bootstrap": stores.kafka_bootstrap,
    }
    tests = sorted({f"tests/{shown.file}::{shown.function}" for shown in TESTED.values()})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.simulation.without", "-q", "--tb=line", *tests],
        cwd=ROOT,
        env=os.environ | {"THOUGHTS_TEST_STORES": json.dumps(told)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
