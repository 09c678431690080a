"""gunicorn's logger without the secrets of addresses: in the access log and in the log of level debug, which an
operator may turn on.

The query is left out by the format (`gunicorn_conf`), because it may hold the ticket of a stream; the token of a mailed
link is part of the path.
"""

import re
from typing import Any, Final

from gunicorn.glogging import Logger

_MAILED_LINK: Final = re.compile(r"^/account/(reset|sign-up|email)/.*")


def masked(path: str) -> str:
    """Return the path without the token of a mailed link."""
    return _MAILED_LINK.sub(r"/account/\1/...", path)


class MaskingLogger(Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """gunicorn's logger, which masks the paths of mailed links."""

    def atoms(self, *arguments: Any) -> dict[str, Any]:
        """Return what the format of the access log may use of a request."""
        atoms: dict[str, Any] = super().atoms(*arguments)
        return atoms | {"U": masked(str(atoms["U"]))}

    def debug(self, msg: str, *arguments: Any, **options: Any) -> None:
        """Log a message of level debug: the method and path of each request are one."""
        super().debug(msg, *(masked(part) if isinstance(part, str) else part for part in arguments), **options)
