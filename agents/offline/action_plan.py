"""Makes the offline action plan from a few templates per type of thought, filled only with quotes of the thought."""

import re
from collections.abc import Callable, Mapping

from agents.action_plan import ActionPlan, MainAction, QuickWin
from agents.classification import ThoughtType, Urgency
from agents.fields import MAX_PHRASE_LENGTH
from agents.offline.english import excerpt
from agents.offline.reading import Reading
from agents.profile import energy_peaks

_TIMING: Mapping[Urgency, str] = {
    "immediate": "today",
    "soon": "in the next few days",
    "eventually": "when it suits you",
    "never": "only if it comes up again",
}
_DECISION = re.compile(r"(?<!\w)(?:should|shall) (?:i|we)(?!\w)|(?<!\w)whether(?!\w)", re.IGNORECASE)
_LEARNING = re.compile(r"(?<!\w)(?:learn|study|practi[sc]e)(?!\w)", re.IGNORECASE)


def plan(reading: Reading) -> ActionPlan:
    """Return a short plan for the thought's type, or an empty plan when the text is not English."""
    if not reading.is_english:
        return _nothing()
    if reading.classification.type == "question" and _DECISION.search(reading.text):
        return _decision(reading)
    return _TEMPLATES[reading.classification.type](reading)


def _nothing() -> ActionPlan:
    return _plan()


def _decision(reading: Reading) -> ActionPlan:
    weigh = _win(reading, "Write down one reason for and one against.", "You see what the decision depends on.")
    decide = _main(
        reading, "Set a day by which you will decide, and note what would change your mind.", "about 15 minutes"
    )
    return _plan([weigh, *_trial(reading)], [decide], metrics=["The decision is made by the day you set."])


def _trial(reading: Reading) -> list[QuickWin]:
    """Return a small trial when the decision is about learning something that the thought names."""
    topics = reading.classification.entities.topics[:1]
    if not _LEARNING.search(reading.text):
        return []
    action = "Give {} one hour as a trial, and note how it went."
    return [_win(reading, action.format(topic), "You decide from experience.", "about 1 hour") for topic in topics]


def _question(reading: Reading) -> ActionPlan:
    shape = _win(
        reading,
        "Write down what a good answer would have to tell you.",
        "You recognise a good answer when you find it.",
    )
    search = _main(reading, "Look in one source that you trust, or ask one person who may know.", "about 30 minutes")
    return _plan([shape], [search], metrics=["The question is answered, or at least narrower."])


def _task(reading: Reading) -> ActionPlan:
    start = _win(reading, f"Do the first small part of \u201c{excerpt(reading.text)}\u201d.", "You have started.")
    finish = _main(reading, "Set aside one undisturbed stretch of time and finish it.", "depends on the task")
    return _plan([start], [finish], metrics=["It is done and off your list."])


def _problem(reading: Reading) -> ActionPlan:
    record = _win(
        reading, "Write down when it last happened and what you have tried.", "You have the facts in one place."
    )
    change = _main(reading, "Change one thing at a time, starting with the likeliest cause.", "about 1 hour")
    return _plan(
        [record], [change], ["Changing several things at once."], ["It no longer happens, or you know the cause."]
    )


def _idea(reading: Reading) -> ActionPlan:
    sentence = _win(
        reading, "Write in one sentence whom it would help, and how.", "You can explain the idea to others."
    )
    trial = _main(reading, "Make the smallest version that can be tried, and try it.", "about 2 hours")
    return _plan([sentence], [trial], ["Building more before the first trial."], ["One person has tried it."])


def _emotion(reading: Reading) -> ActionPlan:
    name = _win(
        reading,
        "Write one sentence on what set the feeling off.",
        "You know what caused the feeling.",
        "about 5 minutes",
    )
    return _plan([name], avoid=["Large decisions while the feeling is strong."])


def _observation(reading: Reading) -> ActionPlan:
    keep = _win(
        reading, "Add one line on why it caught your eye.", "You can see later why it mattered.", "about 2 minutes"
    )
    return _plan([keep])


_TEMPLATES: Mapping[ThoughtType, Callable[[Reading], ActionPlan]] = {
    "question": _question,
    "task": _task,
    "problem": _problem,
    "idea": _idea,
    "emotion": _emotion,
    "observation": _observation,
}


def _plan(
    wins: list[QuickWin] | None = None,
    actions: list[MainAction] | None = None,
    avoid: list[str] | None = None,
    metrics: list[str] | None = None,
) -> ActionPlan:
    return ActionPlan(
        quick_wins=wins or [],
        main_actions=actions or [],
        delegation_opportunities=[],
        avoid=avoid or [],
        success_metrics=metrics or [],
    )


def _win(reading: Reading, action: str, outcome: str, duration: str = "about 10 minutes") -> QuickWin:
    return QuickWin(action=action, duration=duration, timing=_TIMING[reading.classification.urgency], outcome=outcome)


def _main(reading: Reading, action: str, duration: str) -> MainAction:
    return MainAction(
        action=action,
        duration=duration,
        prerequisites=[],
        obstacles=[],
        mitigation="Not assessed.",
        timing=_timing(reading),
    )


def _timing(reading: Reading) -> str:
    """Return when to do the main action: at the time of day with most energy, if the profile names one."""
    when = _TIMING[reading.classification.urgency]
    peaks = energy_peaks(reading.agent_input.profile)
    return f"{when}, at your best time ({peaks[0]})"[:MAX_PHRASE_LENGTH] if peaks else when
