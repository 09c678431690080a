"""What can go wrong for the person at the terminal; each message is one line that says what to do."""


class DevstackError(Exception):
    """Raised when a command cannot do what was asked; the message goes to standard error and the exit status is 1."""


class NotUp(DevstackError):  # noqa: N818 - a state of the stack, not a fault
    """Raised when a command needs a running stack and the directory has none."""
