"""The window of a lane: how much it may hold before its partition is paused."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Window:
    """The limits: users bound the parallel work, records and bytes the memory of one user's backlog."""

    users: int = 200
    records: int = 20_000
    bytes: int = 32 * 1024 * 1024

    def allows_more(self, users: int, records: int, size: int) -> bool:
        """Whether a lane that holds this much, `size` in bytes, may read more."""
        return users < self.users and records < self.records and size < self.bytes

    def for_users(self, users: int) -> "Window":
        """Return this window, with room for at least this many users."""
        return self if users <= self.users else replace(self, users=users)

    @property
    def resume_limit(self) -> "Window":
        """The window that a full lane must be within before it reads again: four fifths of this one."""
        return Window(self.users * 4 // 5 + 1, self.records * 4 // 5 + 1, self.bytes * 4 // 5 + 1)
