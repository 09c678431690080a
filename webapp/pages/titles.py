"""Makes the title of a thought: the beginning of its text, for lists, the title of the window and announcements."""

from itertools import islice
from typing import Final

from wcwidth import iter_graphemes

from contracts.visible_text import has_visible_character, plain_line

TITLE_LENGTH: Final = 80
"""Characters as readers see them: a letter with its marks, or a joined emoji, is one and is never cut."""

MAX_CODE_POINTS: Final = 4 * TITLE_LENGTH
"""Bounds a title whose characters have many marks each."""

MAX_SCANNED: Final = 2_000
"""Characters of a text of which a title is made, because a list has many titles."""

NO_VISIBLE_TEXT: Final = "(no visible text)"
"""The title of a thought that an earlier version accepted although it shows nothing."""


def shorten(text: str) -> str:
    """Return the beginning of a text on one line, cut between words.

    It stands in places without markup, so it holds no control character and nothing that sets a direction.
    """
    line = plain_line(text[:MAX_SCANNED])
    if not has_visible_character(line):
        return NO_VISIBLE_TEXT
    beginning = "".join(islice(iter_graphemes(line[:MAX_CODE_POINTS]), TITLE_LENGTH))
    is_whole = len(beginning) == len(line) and len(text) <= MAX_SCANNED
    return line if is_whole else f"{beginning.rsplit(' ', 1)[0]} …"
