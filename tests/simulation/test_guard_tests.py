"""Guards that no history needs have tests of their own, which fail when the guard is removed from the code."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from tests.simulation.guard_tests import GUARD_TESTS
from tests.stores import ROOT, Stores


@pytest.mark.timeout(600)
def test_each_guard_test_fails_without_its_guard(stores: Stores) -> None:
    """A separate pytest process removes the guards, one after the other."""
    tests = sorted({f"tests/{guard_test.file}::{guard_test.function}" for guard_test in GUARD_TESTS.values()})
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.simulation.guard_removal", "-q", "--tb=line", *tests],
        cwd=ROOT,
        env=os.environ | {"THOUGHTS_TEST_STORES": json.dumps(asdict(stores))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
