"""Says whether a text may name a time, by words of many languages. It understands none of them.

A word too many costs a call on another day; one that is missing could tell somebody on Friday that Friday is far away.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from agents.evidence import fold

_WORDS: Final = """
now today tonight tonite tomorrow tomorow tmr tmrw 2moro yesterday ago last this next coming soon sooner later lately
recently already yet still since until till immediately asap eod cob eow overnight
(?:mon|tues|wednes|thurs|fri|satur|sun)days? days? weeks? wks? fortnights? weekends? months? years? yrs? hours? hrs?
minutes? mins? seconds? secs? mornings? evenings? nights? afternoons? noon midday midnight deadlines? quarters? terms?
semesters? seasons? spring summer autumn fall winter birthdays? anniversary eve
january february april june july august september october november december
(?:in|by|until|till|before|after|since|from|of|mid|early|late)\\s(?:may|march)
heute \\w*morgens? \\w*gestern jetzt bald gleich sofort kurzlich neulich demnachst kurze heuer nachst\\w* letzt\\w*
diese\\w* \\w*tags? \\w*tage[ns]? \\w*woche\\w* \\w*monat\\w* \\w*jahr\\w* \\w*abends? \\w*nachts? \\w*stunden?
minuten? sekunden? \\w*frist\\w* mittwochs? sommer\\w* winter\\w* herbst\\w* fruhling\\w* fruhjahr\\w* quartal\\w*
januar janner februar marz mai juni juli oktober dezember
aujourd\\w* demain hier maintenant bientot prochaine?s? derniere?s? cette? lundi mardi mercredi jeudi vendredi samedi
dimanche jours? journee semaines? mois ans? annees? soirs? soirees? matins? matinees? heures? minutes? secondes? midi
minuit veille trimestres? saison printemps ete automne hiver anniversaire tantot
janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre
hoy manana ayer \\w*ayer ahora pronto luego proxim[oa]s? pasad[oa]s? est[ea]s? lunes martes miercoles jueves viernes
sabados? domingos? dias? semanas? finde mes(?:es)? anos? noches? anoche tardes? horas? minutos? segundos? mediodia
medianoche plazos? trimestres? primavera verano otono invierno cumpleanos
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
hoje amanha \\w*ontem agora logo segunda terca quarta quinta sexta noites? manhas? meia-noite prazos? verao outono
inverno aniversario janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro
oggi domani dopodomani ieri stasera stamattina stanotte adesso settiman[ae] giorn[oi] lunedi martedi mercoledi giovedi
venerdi sabato domenica
vandaag \\w*gisteren overmorgen maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
idag i\\sdag imorgon imorgen igar ikveld ikvall jutro dzis dzisiaj wczoraj pojutrze yarin bugun dun zitra dnes vcera
huomenna tanaan eilen holnap tegnap maine azi ieri besok kemarin sutra danas jucer
"""
"""Without accents, in English, German, French, Spanish and Portuguese; the last lines are of other languages."""

_OTHER_SCRIPT: Final = re.compile(r"[^\W\d_a-z\u00df\u00e6\u00f0\u00f8\u00fe\u0111\u0131\u0142\u0153]")
"""A letter of a script other than Latin, whose words are not read here, or that looks like a Latin one."""


@cache
def _time() -> re.Pattern[str]:
    """Return the pattern of all words. Compiling it takes 0.2 s, which a process that reads no text does not spend."""
    return re.compile(rf"\d|(?<!\w)(?:{'|'.join(_WORDS.split())})(?!\w)")


def may_name_time(text: str) -> bool:
    """Return whether a word or a number of the text may name a time, or is not in Latin script."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", fold(text)) if not unicodedata.combining(char))
    return _time().search(plain) is not None or _OTHER_SCRIPT.search(plain) is not None
