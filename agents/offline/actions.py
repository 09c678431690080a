"""Finds what a note says is to be done. Each action consists of words of the note, in their order.

An action begins at a verb in the imperative, or behind the words of an intention ("I'll", "need to", "ich muss"). A
note that is a task without either, such as "dentist appt needs moving" or a shopping list, is its own action.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agents.classification import ResolvedDate, ThoughtType
from agents.offline import action_patterns as patterns
from agents.offline import action_words
from agents.offline.clauses import Dated, When, sentences, shortened, trimmed, without_date
from agents.offline.harm import harm

MAX_ACTIONS: Final = 4
WHOLE_NOTE: Final = "the words of the thought"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a note says is to be done."""

    words: str
    """The verb and its object, in the words of the note."""
    when: When | None = None
    until: str = ""
    """A limit that is no day, such as "before the wind gets up"."""
    condition: str = ""
    """What must be so first, such as "when the ground's soft"."""
    consequence: str = ""
    """What the note says will happen otherwise."""
    duration: str = ""
    takes_minutes: bool = False
    found_by: str = ""

    @property
    def text(self) -> str:
        """The words with a capital letter."""
        return self.words[:1].upper() + self.words[1:]


@dataclass(frozen=True, slots=True)
class Found:
    """What a note says is to be done, and what is not to be done on the way."""

    actions: Sequence[Action]
    forbidden: Sequence[str]


def find_actions(text: str, kind: ThoughtType | None, dates: Sequence[ResolvedDate]) -> Found:
    """Return the actions of a note of this kind, None for a kind that is not known. The days must be still to come.

    A note that speaks of harm to a person has none: no wording of it may become advice.
    """
    if harm(text):
        return Found((), ())
    wanted = list(_wanted(list(sentences(text[:3000]))))
    forbidden = [match["words"] for sentence in wanted if (match := patterns.FORBIDDEN.match(sentence))]
    wanted = [sentence for sentence in wanted if not patterns.FORBIDDEN.match(sentence)]
    said = [action for sentence in wanted for action in _said(without_date(sentence, dates), kind)]
    if not said and kind in ("task", "idea"):
        said = _whole(wanted, kind, dates)
    context = wanted[0] if wanted else ""
    finished = [_finished(_in_context(action, context)) for action in said if action.words]
    actions = [action for action in finished if action.words][:MAX_ACTIONS]
    return Found(_with_only_date(actions, text, dates), [shortened(words, 120) for words in forbidden[:2]])


def _wanted(said: Sequence[str]) -> Iterator[str]:
    """Yield the sentences that are not negated, by their own words or by the answer to a question."""
    for sentence, after in itertools.zip_longest(said, said[1:], fillvalue=""):
        is_answered_no = sentence.endswith("?") and patterns.REFUSAL.match(after) is not None
        if not _is_negated(sentence) and not is_answered_no and not patterns.REFUSAL.fullmatch(sentence):
            yield sentence


def _is_negated(sentence: str) -> bool:
    opening = patterns.OPENING.search(sentence)
    if opening and patterns.NOT_AFTER_OPENING.match(sentence[opening.end() :]):
        return True
    return patterns.NOT_DONE.search(sentence) is not None or patterns.NOT_DONE_AT_START.match(sentence) is not None


def _said(dated: Dated, kind: ThoughtType | None) -> Iterator[Action]:
    """Yield the actions that a sentence names by a verb in the imperative or by an intention."""
    words = dated.words
    if words.endswith("?"):
        return
    start = patterns.PREFIX.match(words)
    rest = words[start.end() :] if start else words
    found_by = ""
    if opening := patterns.OPENING.match(rest):
        rest, found_by = rest[opening.end() :], f"the words \u201c{opening.group()}\u201d"
    elif _may_command(rest, kind):
        found_by = "a verb that asks for something to be done"
    elif own := next((match for match in patterns.OPENING.finditer(rest) if patterns.OWN.search(match.group())), None):
        rest, found_by = rest[own.end() :], f"the words \u201c{own.group()}\u201d"
    elif (doing := patterns.DOING.search(rest)) and (kind == "task" or dated.when):
        rest, found_by = doing["doing"], "what you write that you are doing"
    if not found_by or len(trimmed(rest)) < 3:
        return
    for part in patterns.NEXT.split(rest):
        yield Action(trimmed(part), dated.when, found_by=found_by)


def _may_command(words: str, kind: ThoughtType | None) -> bool:
    """Return whether the words begin with a command. In what is no task only the verbs of contact are trusted."""
    if kind in ("task", "idea"):
        return patterns.STARTS_WITH_VERB.match(words) is not None
    return kind in ("question", "problem") and patterns.MINUTES.match(words) is not None


def _whole(wanted: Sequence[str], kind: ThoughtType, dates: Sequence[ResolvedDate]) -> list[Action]:
    """Return the first sentence with at least two words as the action."""
    long_enough = [sentence for sentence in wanted if len(sentence.split()) > 1]
    usable = [sentence for sentence in long_enough if kind == "idea" or not sentence.endswith("?")] or list(wanted)
    if not usable:
        return []
    dated = without_date(usable[0], dates)
    start = patterns.IDEA.match(dated.words) if kind == "idea" else patterns.PREFIX.match(dated.words)
    words = dated.words[start.end() :] if start else dated.words
    kept = trimmed(words) or dated.words
    return [Action(kept, dated.when, found_by=WHOLE_NOTE)] if kept else []


def _in_context(action: Action, context: str) -> Action:
    """Add the first sentence to an action that is unclear without it, such as "call him"."""
    first_words = {word.strip(",.").lower() for word in action.words.split()[1:4]}
    if not first_words & action_words.UNCLEAR or action.words.lower() in context.lower()[:200]:
        return action
    return replace(action, words=f"{action.words} (\u201c{shortened(context, 60)}\u201d)")


def _finished(action: Action) -> Action:
    """Separate the condition and the limit from an action, and find how long it takes."""
    words, until, condition, consequence = action.words, "", "", ""
    if (otherwise := patterns.CONSEQUENCE.search(words)) and otherwise.start() > 2:
        words, consequence = words[: otherwise.start()], shortened(otherwise["words"], 100)
    words = patterns.REMARK.sub("", words, count=1) if len(patterns.REMARK.sub("", words).split()) > 1 else words
    is_quick = patterns.MINUTES.match(words) is not None or (
        len(words.split()) > 1 and patterns.MINUTES_LAST.search(words) is not None
    )
    if (limit := patterns.LIMIT.search(words)) and limit.start() > 2:
        words, until = words[: limit.start()], shortened(limit["words"], 100)
    if (
        not is_quick
        and action.found_by != WHOLE_NOTE
        and (given := patterns.CONDITION.search(words))
        and len(words[: given.start()].split()) > 1
    ):
        words, condition = words[: given.start()], shortened(given["words"], 100)
    duration = patterns.DURATION.search(action.words)
    return replace(
        action,
        words=shortened(trimmed(words)),
        until=until,
        condition=condition,
        consequence=consequence,
        duration=duration["words"] if duration else "",
        takes_minutes=is_quick,
    )


def _with_only_date(actions: list[Action], text: str, dates: Sequence[ResolvedDate]) -> list[Action]:
    """Give the only date of a note to its first action, when no action's own sentence names one."""
    if not actions or len(dates) != 1 or any(action.when for action in actions):
        return actions
    return [replace(actions[0], when=without_date(text, dates).when), *actions[1:]]
