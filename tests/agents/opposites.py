"""Pairs of texts whose words are nearly the same and whose meanings are opposite or different."""

from typing import Final

OPPOSITES: Final = (
    ("We spend more than we earn", "We earn more than we spend"),
    ("I want to quit my job", "I do not want to quit my job"),
    ("Anna should apologise to Tom", "Tom should apologise to Anna"),
    ("Lend Maria 200 euros", "Lend Maria 2000 euros"),
    ("I trust my brother", "I don't trust my brother"),
    ("The tests passed before the release", "The release passed before the tests"),
    ("I am not afraid of flying any more", "I am afraid of flying, not any more of driving"),
    ("Buy the red car and sell the blue one", "Buy the blue car and sell the red one"),
    ("I can afford the flat", "I can't afford the flat"),
    ("Let us move from Berlin to Hamburg", "Let us move from Hamburg to Berlin"),
    ("She left me", "I left her"),
    ("Nobody told me about the party", "Somebody told me about the party"),
    ("I should drink less and sleep more", "I should sleep less and drink more"),
    ("Dad lent me the money", "I lent Dad the money"),
    ("Ich will umziehen", "Ich will nicht umziehen"),
    ("Work more, play less", "Play more, work less"),
    ("Tell Sam that I said yes", "Tell Sam that I said no"),
    ("Should I stay?", "I should stay."),
    ("The US team helps us", "The us team helps US"),
    ("I resign.", "I resign..."),
)
