"""Finds full names of works, brands, figures of fiction and famous people: nobody in the writer's life."""

import re
from functools import lru_cache
from importlib.resources import files


def famous_spans(text: str) -> list[tuple[int, int]]:
    """Return where such names stand in a text."""
    straight = text.lower().replace("\u2019", "'")
    return [match.span() for match in _pattern().finditer(straight)] if len(straight) == len(text) else []


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    data = files("agents.offline").joinpath("data/famous_names.txt").read_text(encoding="utf-8")
    names = (line for line in data.splitlines() if line and not line.startswith("#"))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")
