"""Gives Java paths of ASCII letters, digits and a few signs, by links to folders whose own paths have others.

Java decodes paths with the encoding of the locale, and Kafka's settings, the class path and log4j each split or
interpret others of the signs `, : % # \\` and space. A link avoids all of these formats at once.
"""

import hashlib
import locale
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from devstack.spec.layout import StackDir

PLAIN: Final = re.compile(r"[A-Za-z0-9/._+@-]+")

UTF8_LOCALES: Final = ("C.UTF-8", "C.utf8", "en_US.UTF-8", "en_US.utf8")


def plain_path(stack_dir: StackDir, folder: Path) -> Path:
    """Return the path of a folder, or that of a link to it if the path is not plain.

    The links are in a private temporary directory, which belongs to the stack.
    """
    if PLAIN.fullmatch(str(folder)):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    link = stack_dir.ensure_temporary_directory("links") / name
    with suppress(FileExistsError):
        link.symlink_to(folder, target_is_directory=True)
    return link


def utf8_locale() -> dict[str, str]:
    """Return LC_ALL with a locale in which Java reads every file name; nothing when the system has none."""
    current = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in UTF8_LOCALES:
            with suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, name)
                return {"LC_ALL": name}
    finally:
        locale.setlocale(locale.LC_CTYPE, current)
    return {}
