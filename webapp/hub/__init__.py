"""One Redis subscription for each process, and the server-sent events that it distributes to the open streams."""
