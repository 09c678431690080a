"""Decides whether a text shows anything to a reader, and prepares texts of people and models to be shown as plain text.

A text of zero-width characters, format characters or lone combining marks looks empty. Python's tables of Unicode are
older than some texts: an unassigned character counts as visible, because the next version of Unicode may assign it to a
letter or an emoji.
"""

import unicodedata
from typing import Final

_ALWAYS_INVISIBLE: Final = frozenset({"Cc", "Cs", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"})
"""General categories that show nothing alone: controls, surrogates, combining marks and spaces."""

_IGNORABLE: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Unicode's property Default_Ignorable_Code_Point, which the standard library does not know."""

_BLANK: Final = frozenset({0x2800, 0xFFFC, 0x13441, 0x13442, 0x1D159})
"""Letters and symbols whose glyph is blank, or stands for an object that plain text cannot hold: the empty Braille
pattern, the object replacement character, the Egyptian blanks and the null notehead."""

_VISIBLE_FORMATS: Final = frozenset({*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD})
"""Unicode's property Prepended_Concatenation_Mark: the only format characters (Cf) that show something."""

BIDI_CONTROLS: Final = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Characters that set the direction of the text around them."""


def is_visible(character: str) -> bool:
    """Return whether a character shows something to a reader when nothing stands beside it."""
    code, category = ord(character), unicodedata.category(character)
    if category in _ALWAYS_INVISIBLE or code in _BLANK or _is_noncharacter(code):
        return False
    if category == "Cf":
        return code in _VISIBLE_FORMATS
    return not any(first <= code <= last for first, last in _IGNORABLE)


def has_visible_character(text: str) -> bool:
    """Return whether a text shows anything to a reader."""
    return any(map(is_visible, text))


def plain_line(text: str) -> str:
    """Return a text on one line, for a title or an attribute, where no markup can isolate its direction.

    Characters that set a direction are left out, and control characters become spaces. What joins an emoji or the
    letters of a word is kept.
    """
    return " ".join("".join(map(_plain, text)).split())


def escape_control_chars(text: str) -> str:
    """Escape unprintable characters, so that a foreign text cannot move a terminal's cursor, turn or start a line."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _plain(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cs"}:
        return " "
    return "" if character in BIDI_CONTROLS else character


def _is_noncharacter(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
