"""Splits a text into a set of words or phrases, for the lists that the rules use."""


def word_set(text: str) -> frozenset[str]:
    """Return the words of the text, which white space separates."""
    return frozenset(text.split())


def phrase_set(text: str) -> frozenset[str]:
    """Return the phrases of the text, which commas separate. A phrase may have several words."""
    return frozenset(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())
