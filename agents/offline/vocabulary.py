"""Lists the words that the rules know. The meaning of each list is defined by the rule that uses it."""

from collections.abc import Mapping

from agents.classification import Tone
from agents.offline.word_sets import phrase_set, word_set

TASK_VERBS = word_set(
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

TASK_PREFIXES = word_set("please also then urgent urgently asap todo")
"""Words that may precede such a verb."""

TASK = phrase_set(
    """
    remind me to, remember to, don't forget, i need to, i have to, i must, i've got to, we need to, we have to, todo,
    to do
    """
)
PROBLEM = phrase_set(
    """
    problem, problems, broken, stuck, can't, cannot, doesn't work, don't work, not working, fails, failing, failed,
    error, errors, issue, issues, bug, bugs, struggle, struggling, keeps crashing
    """
)
IDEA_OPENINGS = phrase_set("what if, how about")
IDEA = phrase_set("idea, maybe we could, maybe i could, we could, i could, imagine, it would be")
FEELING = phrase_set("i feel, i'm feeling, i am feeling, i felt, makes me feel")

TONES: Mapping[Tone, frozenset[str]] = {
    "overwhelmed": phrase_set("overwhelmed, overwhelming, too much, burned out, burnt out, drowning, can't cope"),
    "anxious": phrase_set("anxious, worried, worry, worries, nervous, afraid, scared, panic, dread"),
    "frustrated": phrase_set("frustrated, frustrating, annoyed, annoying, angry, fed up, sick of, furious"),
    "excited": phrase_set("excited, exciting, can't wait, thrilled, amazing, delighted"),
    "hopeful": phrase_set("hope, hopeful, hoping, looking forward, optimistic"),
    "curious": phrase_set("curious, wonder, wondering, fascinated, intrigued"),
}
"""Ordered from the strongest feeling: the earlier tone wins when two have the same number of cues."""

I_AM = phrase_set("i'm, i am, i was, i've been")
OTHER_FEELINGS = word_set("sad happy lonely tired exhausted upset proud")

IMMEDIATE = phrase_set("asap, urgent, urgently, immediately, right now, right away, emergency, overdue, at once")
SOON = phrase_set("soon, shortly, deadline, in the next few days")
NEVER = phrase_set("never mind, nevermind, forget it, no need to, not worth it")
