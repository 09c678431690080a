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
    Scope.WRITE: (
        "write: submit, retry, cancel and delete thoughts, change your profile, test and delete webhooks, delete "
        "tokens, and, only together with read, create and enable webhooks"
    ),
    Scope.STREAM: (
        "stream: watch your thoughts live, which shows their texts and results: as events, and, when a program "
        "connects again, also those of your latest thoughts"
    ),
    Scope.EXPORT: "export: everything that you have here, in one file",
}
