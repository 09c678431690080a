"""What a power failure or a person did to the files of a stack is reported in one line."""

from pathlib import Path

import pytest

from tests.devstack.stacks import devstack, script_stack


@pytest.mark.parametrize("content", ["", '{"AI_MODEL": "hidd', '["hidden"]', '{"AI_MODEL": ["hidden"]}', "\0\0\0"])
def test_damaged_saved_settings_are_reported_in_one_line_without_their_values(tmp_path: Path, content: str) -> None:
    with script_stack(tmp_path, {"web.1": "exec sleep 600"}) as stack_dir:
        stack_dir.settings_file.write_text(content)
        result = devstack("run", "--dir", str(tmp_path), "tasks", "--help")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "settings.json is damaged" in result.stderr
    assert "hidd" not in result.stderr
