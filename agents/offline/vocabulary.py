"""Lists the words that the rules know. The meaning of each list is defined by the rule that uses it."""

from collections.abc import Mapping

from agents.classification import Tone


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _cues(text: str) -> frozenset[str]:
    """Split a text at its commas into cues, which may have several words."""
    return frozenset(" ".join(cue.split()) for cue in text.split(","))


FUNCTION_WORDS = _words(
    """
    a about after all also am an and any are as at be because been before but by can can't could did do does doesn't
    don't for from get had has have he her his how i i'd i'll i'm i've if in into is isn't it it's its just let let's
    like me more my need no not now of off on one or our out over should shouldn't so some than that that's the their
    them then there they this to today tomorrow too up us was we we're were what what's when where which who why will
    with won't would you your
    """
)
"""Everyday English words. A text with enough of them is English."""

FILLERS = _words(
    """
    being every make most much only other really still such thing things think very want well while year years
    """
)
"""Words that two texts may share without being about the same subject."""

TASK_VERBS = _words(
    """
    add answer apply arrange ask attend bake book bring build buy call cancel change check clean collect complete cook
    create cut decide deliver discuss do download draft email feed file fill find finish fix follow get give go help
    hire install invite join learn look make meet move order organise organize pack paint pay phone pick plan post
    practice practise prepare print publish read register renew repair reply research reserve return review save
    schedule sell send set sign sort start stop study submit switch take talk tell test text thank tidy try update
    upgrade visit wash water write
    """
)
"""Verbs that mark a task when they start a sentence."""

TASK_PREFIXES = _words("please also then urgent urgently asap todo")
"""Words that may precede such a verb."""

TASK = _cues(
    """
    remind me to, remember to, don't forget, i need to, i have to, i must, i've got to, we need to, we have to, todo,
    to do
    """
)
PROBLEM = _cues(
    """
    problem, problems, broken, stuck, can't, cannot, doesn't work, don't work, not working, fails, failing, failed,
    error, errors, issue, issues, bug, bugs, struggle, struggling, keeps crashing
    """
)
IDEA_OPENINGS = _cues("what if, how about")
IDEA = _cues("idea, maybe we could, maybe i could, we could, i could, imagine, it would be")
FEELING = _cues("i feel, i'm feeling, i am feeling, i felt, makes me feel")

TONES: Mapping[Tone, frozenset[str]] = {
    "overwhelmed": _cues("overwhelmed, overwhelming, too much, burned out, burnt out, drowning, can't cope"),
    "anxious": _cues("anxious, worried, worry, worries, nervous, afraid, scared, panic, dread"),
    "frustrated": _cues("frustrated, frustrating, annoyed, annoying, angry, fed up, sick of, furious"),
    "excited": _cues("excited, exciting, can't wait, thrilled, amazing, delighted"),
    "hopeful": _cues("hope, hopeful, hoping, looking forward, optimistic"),
    "curious": _cues("curious, wonder, wondering, fascinated, intrigued"),
}
"""Ordered from the strongest feeling: the earlier tone wins when two have the same number of cues."""

I_AM = _cues("i'm, i am, i was, i've been")
OTHER_FEELINGS = _words("sad happy lonely tired exhausted upset proud")

IMMEDIATE = _cues("asap, urgent, urgently, immediately, right now, right away, emergency, overdue, at once")
SOON = _cues("soon, shortly, deadline, in the next few days")
NEVER = _cues("never mind, nevermind, forget it, no need to, not worth it")
