"""Finds words that say that somebody may come to harm by a person's own hand. They are never an action of a plan.

The wordings are few and plain, so that "kill the process" and "this traffic kills me" are none of them.
"""

import re
from typing import Final

_WISH: Final = (
    r"(?:want|wants|going|gonna|plan|planning|try|tried|trying|thinking\sof|think\sof|think\sabout|thinking\sabout"
    r"|thought\sof|feel\slike|rather|might|could|will|i['\u2019]ll|urge|ready|wish\si\scould)\s(?:to\s|about\s)?"
)
_HARM: Final = re.compile(
    rf"(?<!\w)(?:kill(?:ing)?\smyself|end(?:ing)?\smy\s(?:own\s)?life|tak(?:e|ing)\smy\sown\slife|end\sit\sall|suicid(?:e|al)"
    rf"|{_WISH}(?:hurt(?:ing)?|cut(?:ting)?|harm(?:ing)?)\smyself|self-?harm(?:ing)?"
    rf"|{_WISH}(?:kill|hurt|stab|shoot|strangle|poison)\s(?:him|her|them|somebody|someone|my\s\w+)"
    r"|(?:i\s)?(?:just\s|really\s)?(?:want|wish)\sto\s(?:die|be\sdead)|(?:let\sme|rather)\sdie"
    r"|(?:wish|wished)\si\s(?:was|were)\sdead|don['\u2019]?t\swant\sto\s(?:be\salive|be\shere\sanymore|live|wake\sup)"
    r"|(?:no|without\sa)\sreason\sto\slive|better\soff\s(?:dead|without\sme)|(?:take|swallow)\sall\s(?:the|my|these|those)\s(?:pills|tablets)"
    r"|mich\sumbringen|mir\sdas\sleben\snehmen|(?:selbst|frei)mord|suizid\w*|nicht\smehr\sleben|mich\s(?:ritzen|verletzen)"
    r"|(?:will|möchte)\s(?:nur\snoch\s)?sterben|alle\s(?:tabletten|pillen)\s(?:nehmen|schlucken)"
    r"|me\stuer|me\ssuicider|suicide|envie\sde\smourir|veux\smourir|plus\senvie\sde\svivre|en\sfinir\savec\sla\svie|me\sfaire\sdu\smal"
    r"|matarme|suicidarme|suicidio|quitarme\sla\svida|quiero\smorir(?:me)?|no\squiero\svivir|hacerme\sdaño|cortarme\slas\svenas"
    r"|me\smatar|suic[íi]dio|tirar\sa\sminha\svida|quero\smorrer|não\squero\smais\sviver|me\scortar|me\smachucar)(?!\w)",
    re.IGNORECASE,
)


def harm(text: str) -> str | None:
    """Return the words of a text that say so, unchanged, or None."""
    found = _HARM.search(text)
    return found.group() if found else None
