"""The words that the rules know. Lists only: what a word leads to stands with the rule that uses it."""

from collections.abc import Mapping

from agents.classification import Tone


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _wordings(text: str) -> frozenset[str]:
    """Cues of several words, between commas."""
    return frozenset(" ".join(wording.split()) for wording in text.split(","))


FUNCTION_WORDS = _words(
    """
    a about after all also am an and any are as at be because been before but by can can't could did do does doesn't
    don't for from get had has have he her his how i i'd i'll i'm i've if in into is isn't it it's its just let let's
    like me more my need no not now of off on one or our out over should shouldn't so some than that that's the their
    them then there they this to today tomorrow too up us was we we're were what what's when where which who why will
    with won't would you your
    """
)
"""Everyday words; enough of them make a text English."""

SHARED_WORDS = _words("a am an as do has he her his in me no on or so was will")
"""English words that other languages write alike: no evidence for English."""

FOREIGN_WORDS = _words(
    """
    ich und der das ist nicht ein eine mit den ik het een niet van dat jag och att det jeg ikke je le la les des est une
    pas que qui el los las por para una il che non di per sono de em um uma com nie jest jak
    """
)
"""Everyday words of neighbouring languages: as many of them as English ones, and the text is not English."""

FILLERS = _words(
    """
    being every make most much only other really still such thing things think very want well while year years
    """
)
"""Words that two texts may share without being about the same matter."""

STARTERS = _words(
    """
    add answer apply arrange ask attend bake book bring build buy call cancel change check clean collect complete cook
    create cut decide deliver discuss do download draft email feed file fill find finish fix follow get give go help
    hire install invite join learn look make meet move order organise organize pack paint pay phone pick plan post
    practice practise prepare print publish read register renew repair reply research reserve return review save
    schedule sell send set sign sort start stop study submit switch take talk tell test text thank tidy try update
    upgrade visit wash water write
    """
)
"""Verbs that begin a task when they begin a sentence."""

BEFORE_A_TASK = _words("please also then urgent urgently asap todo")
"""Words that may stand before such a verb."""

TASK = _wordings(
    """
    remind me to, remember to, don't forget, i need to, i have to, i must, i've got to, we need to, we have to, todo,
    to do
    """
)
PROBLEM = _wordings(
    """
    problem, problems, broken, stuck, can't, cannot, doesn't work, don't work, not working, fails, failing, failed,
    error, errors, issue, issues, bug, bugs, struggle, struggling, keeps crashing
    """
)
IDEA_OPENINGS = _wordings("what if, how about")
IDEA = _wordings("idea, maybe we could, maybe i could, we could, i could, imagine, it would be")
FEELING = _wordings("i feel, i'm feeling, i am feeling, i felt, makes me feel")

TONES: Mapping[Tone, frozenset[str]] = {
    "overwhelmed": _wordings("overwhelmed, overwhelming, too much, burned out, burnt out, drowning, can't cope"),
    "anxious": _wordings("anxious, worried, worry, worries, nervous, afraid, scared, panic, dread"),
    "frustrated": _wordings("frustrated, frustrating, annoyed, annoying, angry, fed up, sick of, furious"),
    "excited": _wordings("excited, exciting, can't wait, thrilled, amazing, delighted"),
    "hopeful": _wordings("hope, hopeful, hoping, looking forward, optimistic"),
    "curious": _wordings("curious, wonder, wondering, fascinated, intrigued"),
}
"""The stronger feeling first: it wins where two have as many cues."""

I_AM = _wordings("i'm, i am, i was, i've been")
OTHER_FEELINGS = _words("sad happy lonely tired exhausted upset proud")

IMMEDIATE = _wordings("asap, urgent, urgently, immediately, right now, right away, emergency, overdue, at once")
SOON = _wordings("soon, shortly, deadline, in the next few days")
NEVER = _wordings("never mind, nevermind, forget it, no need to, not worth it")

KIN = _words(
    """
    mother mom mum father dad parents sister brother siblings wife husband partner girlfriend boyfriend son daughter
    kids children child baby grandmother grandma grandfather grandpa aunt uncle cousin niece nephew boss manager
    colleague colleagues friend friends neighbour neighbor landlord teacher doctor dentist therapist
    """
)
KIN_AS_NAMES = _words("Mom Mum Dad Grandma Grandpa mom mum dad grandma grandpa")
TO_PERSON = _wordings(
    """
    call, phone, ask, tell, meet, invite, thank, email, text, remind, talk to, speak to, write to, listen to, lunch
    with, dinner with, coffee with
    """
)
TO_PLACE = _wordings(
    """
    move to, moving to, moved to, travel to, travelling to, fly to, flying to, flight to, drive to, driving to, trip
    to, train to, go to, going to, visit, visiting, live in, living in
    """
)
COMMON_PLACES = _wordings(
    """
    home, work, school, the office, the gym, the hospital, the airport, the station, the library, the bank, the
    supermarket, the garden
    """
)
TO_TOPIC = _words("learn learning study studying practise practice research improve understand about")
CALENDAR = _words(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december
    """
)

VALUES: Mapping[str, frozenset[str]] = {
    "economic": _words(
        """
        money salary pay paid cost costs price budget buy sell invest investment job income rent mortgage debt
        customer customers business savings tax taxes bank contract
        """
    ),
    "relational": _words(
        """
        family friend friends friendship mother mom mum father dad parents sister brother wife husband partner
        girlfriend boyfriend son daughter kids children colleague colleagues team relationship marriage neighbour
        neighbor
        """
    ),
    "legacy": _words("legacy heritage grandchildren generations mentor mentoring memoir archive charity volunteer"),
    "health": _words(
        """
        health healthy sleep tired exhausted exercise gym running doctor dentist pain sick illness stress stressed
        diet rest therapy therapist anxious anxiety overwhelmed burnout
        """
    ),
    "growth": _words(
        """
        learn learning study studying course practise practice skill skills improve training language university
        degree lesson lessons
        """
    ),
}
BODY = _words("exercise gym running doctor dentist pain sick illness diet")
MIND = _words("stress stressed therapy therapist anxious anxiety overwhelmed burnout")
