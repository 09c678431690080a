"""Errors that the command line prints; each message says what happened and what the person can do."""


class DevstackError(Exception):
    """Raised when a command fails; its message goes to standard error and the exit status is 1."""


class NotUp(DevstackError):  # noqa: N818 - a state of the stack, not a fault
    """Raised when a command needs a running stack and the directory has none."""
