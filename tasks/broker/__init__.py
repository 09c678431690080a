"""What a worker reads from the broker's lists: it drops what is no message of this application."""
