"""The profile: what a user wrote about themselves, its JSON calls, and the page to edit it."""
