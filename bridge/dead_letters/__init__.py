"""Lists, replays and discards dead letters, and restores the index from the topic or the topic from the index."""
