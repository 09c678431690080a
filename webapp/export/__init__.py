"""Writes everything that is stored about a person into one file, as JSON or as Markdown."""
