"""One Redis subscription a process, and the server-sent events that it spreads over the open streams."""
