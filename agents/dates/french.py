"""The words for dates in French."""

from typing import Final

from agents.dates.lexicon import Lexicon

_END = r"(?=\s*(?:$|[.,;:!?)\n\u2013\u2014+&])|\s+(?:{})(?!\w))"
_FUNCTION = (
    "et|ou|mais|à|au|avec|chez|pour|avant|après|c'est|ce|je|j'ai|on|il|elle|nous|ils|elles|si|sinon|dans|sans|en|sur|par"
    "|matin|midi|soir|car|parce|donc|puis|dernier|dernière|qui|que|quand|au|aux|de|du|est|sera|était|le|la|les|l'|d'abord"
    "|plutôt|pas|ne|n'|se|tout|tous|prévenir|rendre|payer|rappeler|appeler|apporter|au\\splus|max|rdv"
)
_EVENT = (
    r"(?:réunion|visite|rdv|rendez-vous|fête|soirée|concert|match|examen|commission|échéance|inauguration|conseil|audience"
    r"|cours|partie|mariage|réunions|entretien|facture|prélèvement|repas|anniversaire|déjeuner|dîner|train|vol)"
)

FRENCH: Final = Lexicon(
    weekdays={
        "lundi": 0, "mardi": 1, "mercredi": 2, "jeudi": 3, "vendredi": 4, "samedi": 5, "dimanche": 6,
    },
    doubtful_weekdays={"lun": 0, "mer": 2, "jeu": 3, "ven": 4, "sam": 5, "dim": 6},
    weekday_lead=r"(?:rdv|dès)\s",
    months={
        "janvier": 1, "janv": 1, "jan": 1, "février": 2, "fevrier": 2, "févr": 2, "fév": 2, "fev": 2, "mars": 3,
        "avril": 4, "avr": 4, "mai": 5, "juin": 6, "juillet": 7, "juil": 7, "août": 8, "aout": 8, "septembre": 9,
        "sept": 9, "octobre": 10, "oct": 10, "novembre": 11, "nov": 11, "décembre": 12, "decembre": 12, "déc": 12,
        "dec": 12,
    },
    doubtful_months=frozenset(),
    numbers={
        "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9,
        "dix": 10, "onze": 11, "douze": 12, "quinze": 15,
    },
    days={
        r"(?:après-demain|apres-demain|après\sdemain|apres\sdemain)": 2, r"(?:avant-hier|avant\shier)": -2,
        r"aujourd'?hui|auj": 0,
        r"(?:ce|c)\s(?:matin|midi|soir)": 0,
        r"cet?\s?(?:te)?\s(?:après-midi|apres-midi|aprem|aprèm)": 0,
        r"cette\snuit": 0, r"demain": 1, r"hier": -1,
    },
    part=r"\s(?:matin|midi|soir|après-midi|apres-midi|aprem)",
    month_dates=(r"(?:<day>|(?P<first_day>1er))\s<month>\.?(?:\s<year>)?", r"(?P<last_day>dernier\sjour\sde)\s<month>"),
    weekday_link=r",?\s(?:le\s)?",
    ordinal=r"(?:<day>|(?P<first_day>1er))(?!\s?(?:h|heures?|€|euros?|min|%|fois|ans)\b)(?!h[0-9])",
    lone_days=(
        r"(?P<quote>le\s(?:<day>|(?P<first_day>1er))(?=\s(?:ou|et)\s(?:le\s)?[0-3]?[0-9]\s<month>))",
        r"(?:avant|pour|jusqu'au|dès|depuis)\s(?P<quote>(?:le\s)?(?:<day>|(?P<first_day>1er)))",
        rf"{_EVENT}\s(?:du|au)\s(?P<quote><day>)",
        r"(?:jusqu'au|à\spartir\sdu|avant\sle)\s(?P<quote><day>)",
        r"(?P<quote>le\s(?:<day>|(?P<first_day>1er)))",
    ),
    lone_day_leads=(),
    lone_day_end=_END.format(_FUNCTION),
    weekday_shifts=(
        (r"<weekday>\sen\shuit", "week_after"), (r"<weekday>\sen\squinze", "two_weeks_after"),
        (r"<weekday>\sde\sla\ssemaine\sprochaine", "next"), (r"<weekday>\sprochain", "next"),
        (r"<weekday>\squi\svient", "coming"), (r"<weekday>\s(?:dernier|passé)", "last"), (r"ce\s<weekday>", "this"),
    ),
    distances=((r"(?:dans|d'ici)\s<number>\s<unit>", 1), (r"il\sy\sa\s<number>\s<unit>", -1)),
    units={"jour": 1, "jours": 1, "semaine": 7, "semaines": 7},
    not_before_distance=r"(?:fois|fini|tout)\s$",
    repeated_before=(
        r"\b(?:chaque|tous\sles|les|le|un|du|au|aucun|premier|deuxième|troisième|dernier|des|quel|mes|ses|tes|nos)\s"
        r"(?:premier\s|deuxième\s|dernier\s)?$"
    ),
    repeated_after=r"s\b|\sfériés?\b",
    between=r"\bentre\s(?:le\s)?$",
    range_link=r"\s?(?:-|\u2013|\u2014|au|à|jusqu'au|jusqu'à)\s?",
    holidays={
        r"(?:jour\sde\sl'an|nouvel\san)": "new_year",
        r"épiphanie": "epiphany",
        r"saint-valentin|st-valentin": "valentine",
        r"chandeleur": "candlemas", r"mardi\sgras": "shrove_tuesday", r"mercredi\sdes\scendres": "ash_wednesday",
        r"rameaux": "palm_sunday", r"vendredi\ssaint": "good_friday", r"lundi\sde\spâques": "easter_monday",
        r"pâques|paques": "easter", r"fête\sdu\stravail": "may_day", r"ascension": "ascension",
        r"lundi\sde\spentecôte": "whit_monday", r"pentecôte": "pentecost", r"fête\sdes\smères": "mothers_day",
        r"fête\sdes\spères": "fathers_day", r"saint-jean": "midsummer_john", r"fête\snationale": "bastille",
        r"assomption": "assumption", r"halloween": "halloween", r"toussaint": "all_saints", r"armistice": "armistice",
        r"saint-nicolas": "nicholas", r"(?:réveillon\sde\snoël|veille\sde\snoël)": "christmas_eve",
        r"noël|noel": "christmas",
        r"saint-sylvestre|st-sylvestre|réveillon\sdu\s(?:jour\sde\sl'an|nouvel\san)": "new_years_eve",
    },
    not_before_holiday=r"(?:\b(?:c'est|(?<!repas\s)(?<!jour\s)de|d'|père|papa|joyeux|chaque|du|les)\s|[-/]|d'|de\sl'|vacances\sde\sla\s)$",
    holiday_end=r"(?![-\w])",
    past_lead=r"\b(?:depuis|(?:est|sont|date|datent)\sde)\s(?:le\s|la\s|l')?$",
    future_lead=r"\b(?:avant|jusqu'à|jusqu'au|d'ici|d'ici\sà|au\splus\stard)\s(?:le\s|la\s)?$",
    perhaps_future_lead=r"\b(?:pour|dès|à\spartir\sde|à)\s(?:le\s|la\s)?$",
    future_opening=r"^\W*(?:rappeler|appeler|[a-zéè]{3,}(?:er|ir|re))\b",
    past_verbs=(
        r"\b(?:(?:j'ai|ai|as|a|avons|avez|ont|suis|sommes|êtes|m'a|t'a|l'a|s'est|c'était|étais|était|étaient)\s"
        r"(?:(?:pas|déjà|bien|encore|tout|toute|mal|trop|enfin|été|tellement)\s)?[\w']*(?:é|ée|és|ées|i|is|ie|it|u|us|ue|ert)"
        r"|c'était|était|étais|étaient|avais|avait|avaient|fut|fus|[a-zé]{3,}(?:aient|ait)|reçu|passé|raté|oublié|vu)(?!\w)"
    ),
    other_verbs=(
        r"\b(?:est|sont|faut|doit|dois|vais|va|vont|veut|veux|peut|peux|arrive|arrivent|passe|[a-zé]{3,}(?:era|erai|ra|ront)"
        r"|appeler|rappeler|envoyer|payer|rendre|prendre|acheter|poster|passer|faire|demander|finir|reste|ferme|part|c'est"
        r"|fait|emmener|apporter|attend|revienne|tombe)(?!\w)"
    ),
    periods={
        "semaine": "week", "week-end": "weekend", "weekend": "weekend", "mois": "month", "trimestre": "quarter",
        "année": "year", "an": "year", "printemps": "spring", "été": "summer", "automne": "autumn", "hiver": "winter",
    },
    period_shifts=(
        (r"(?:la\s)?fin\s(?:de\sla|du|de\sl'|de\scette|d')\s?<period>", "end"), (r"fin\s<month>", "end"),
        (r"(?:ce|cet|cette)\s<period>", "this"), (r"<period>\s(?:prochain|prochaine|qui\svient)", "next"),
    ),
    in_month=r"(?:en|début|mi-|courant|avant|au\smois\sde|d'ici)\s?",
    long_distances=(r"dans\s<number>\s<long_unit>", r"sous\s<number>\s<unit>"),
    long_units={
        "minute": "minute", "minutes": "minute", "min": "minute", "heure": "hour", "heures": "hour", "mois": "month",
        "an": "year", "ans": "year",
    },
)  # fmt: skip
