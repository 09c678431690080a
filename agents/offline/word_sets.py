"""Splits a text into a set of words, for the lists of words that the finders of names use."""


def word_set(text: str) -> frozenset[str]:
    """Return the words of the text, which white space separates."""
    return frozenset(text.split())
