"""`.env` in any encoding is read or refused in one line."""

from pathlib import Path

import pytest

from contracts.settings import SettingsError, load_settings

TEXT = "DATABASE_URL=postgresql://x/y\nREDIS_URL=redis://x\nKAFKA_BOOTSTRAP_SERVERS=x:1\nAI_MODEL=größe\n"
NAMES = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "AI_MODEL")


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of `.env` in the working directory, with an environment that sets none of its names."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


@pytest.mark.parametrize("content", [TEXT.encode(), TEXT.encode("utf-8-sig"), TEXT.replace("\n", "\r\n").encode()])
def test_utf_8_is_read_with_and_without_a_mark_and_with_any_line_ends(env_file: Path, content: bytes) -> None:
    env_file.write_bytes(content)
    settings = load_settings()
    assert (settings.ai_model, settings.redis_url) == ("größe", "redis://x")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((TEXT, encoding) for encoding in ("latin-1", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp037")),
        *(("MEMORY=true", encoding) for encoding in ("utf-16", "utf-16-le", "utf-16-be")),
    ],
)
def test_another_encoding_is_refused_in_one_line(env_file: Path, text: str, encoding: str) -> None:
    env_file.write_bytes(text.encode(encoding))
    with pytest.raises(SettingsError, match=r"^\.env: [^\n]*save it as UTF-8[^\n]*$"):
        load_settings()


def test_a_folder_in_the_place_of_the_file_is_like_no_file(env_file: Path) -> None:
    env_file.mkdir()
    with pytest.raises(SettingsError, match="DATABASE_URL: missing"):
        load_settings()
