"""The access log, for an operator who turns it on. It never holds the secret of an address.

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


class AccessLogger(Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """gunicorn's logger, which masks the paths of mailed links."""

    def atoms(self, *arguments: Any) -> dict[str, Any]:
        """Return what the format may use of a request."""
        atoms: dict[str, Any] = super().atoms(*arguments)
        return atoms | {"U": masked(str(atoms["U"]))}
