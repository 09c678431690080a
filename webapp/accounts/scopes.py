"""What an API token may do. Its person chooses the scopes when they create it; none includes another."""

from enum import StrEnum


class Scope(StrEnum):
    """A part of the API. `webapp.access_rules` says which calls belong to it."""

    READ = "read"
    WRITE = "write"
    STREAM = "stream"
    EXPORT = "export"

    @property
    def description(self) -> str:
        """What the page of the tokens says about it."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Scope.READ: "read: your thoughts with their results, your profile, what you used, and your webhooks",
    Scope.WRITE: "write: submit, retry, cancel and delete thoughts, change profile and webhooks, and delete tokens",
    Scope.STREAM: "stream: watch the progress of your thoughts",
    Scope.EXPORT: "export: everything that you have here, in one file",
}
