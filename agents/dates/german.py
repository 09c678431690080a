"""The words for dates in German."""

from typing import Final

from agents.dates.lexicon import Lexicon

_END = r"(?=\s*(?:$|[,;:!?)\n\u2013\u2014+&]|\.(?:\s|$))|\s+(?:{})\b)"
_FUNCTION = (
    "und|oder|aber|ist|war|sind|waren|wird|werden|muss|müssen|soll|sollen|kann|können|kommt|kommen|um|mit|bei|in|zum|zur"
    "|geht|gehen|hat|haben|habe|fahren|fährt|noch|schon|dann|für|wegen|von|vom|nach|weil|wenn|ob|dass|sonst|denn|also|da"
    "|ich|wir|er|sie|es|ihr|du|will|steht|läuft|endet|beginnt|fängt|abgeben|abholen|anrufen|einreichen|zahlen|früh|abends"
    "|morgens|mittags|nicht|auch|nur|wieder|erst|fällig|los|ab|dabei|alles|alle|gibt|zurück|spätestens|im|am|an|auf|das"
    "|der|die|den|mein|meine|ein|eine|bekomme|bekommen|fällt|feiern|treffen|hin|weg|gilt|so"
)

_TOMORROW = (
    r"(?<!guten\s)(?<!jeden\s)(?<!am\s)(?<!eines\s)(?<!der\s)(?<!den\s)(?<!diesen\s)(?<!jeder\s)(?<!ganzen\s)morgen"
    r"(?:\s(?:früh|vormittag|mittag|nachmittag|abend|nacht))?"
)
"""Not the noun: "guten Morgen"."""

GERMAN: Final = Lexicon(
    weekdays={
        "montag": 0, "dienstag": 1, "mittwoch": 2, "donnerstag": 3, "freitag": 4, "samstag": 5, "sonnabend": 5,
        "sonntag": 6,
    },
    doubtful_weekdays={"mo": 0, "di": 1, "mi": 2, "do": 3, "fr": 4, "sa": 5, "so": 6},
    weekday_lead=r"(?:am|bis|ab|vor|seit|nächsten|diesen|letzten|kommenden)\s",
    months={
        "januar": 1, "jänner": 1, "jan": 1, "februar": 2, "feber": 2, "feb": 2, "märz": 3, "maerz": 3, "mrz": 3,
        "april": 4, "apr": 4, "mai": 5, "juni": 6, "jun": 6, "juli": 7, "jul": 7, "august": 8, "aug": 8,
        "september": 9, "sept": 9, "sep": 9, "oktober": 10, "okt": 10, "november": 11, "nov": 11, "dezember": 12,
        "dez": 12,
    },
    doubtful_months=frozenset(),
    numbers={
        "einem": 1, "einer": 1, "ein": 1, "eine": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6,
        "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12, "vierzehn": 14,
    },
    days={
        r"überübermorgen": 3, r"(?:übermorgen|uebermorgen)": 2, r"vorgestern": -2,
        r"(?:heute?)(?:\s(?:morgen|früh|vormittag|mittag|nachmittag|abend|nacht))?": 0,
        r"gestern(?:\s(?:morgen|früh|vormittag|mittag|nachmittag|abend|nacht))?": -1,
        _TOMORROW: 1,
    },
    part=r"\s?(?:vormittag|mittag|nachmittag|abend|nacht|morgen|früh)",
    month_dates=(r"<day>\.?\s?<month>\b\.?(?:\s<year>)?", r"(?P<last_day>letzte[rnm]?\stag\sim)\s<month>"),
    weekday_link=r",?\s(?:(?:den|dem|der)\s)?",
    ordinal=r"<day>\.(?![0-9])",
    lone_days=(
        r"(?:am|zum|vom|vor\sdem|ab\sdem|bis\szum|nach\sdem|seit\sdem|bis|ab)\s(?P<quote><day>\.)",
        r"(?:der|den)\s(?P<quote><day>\.)",
        r"am\s(?P<quote>(?P<first_day>ersten)(?=\s?(?:$|[,;!?]|fällig)))",
        r"(?:am|bis\szum)\s(?P<quote><day>)(?=\s?(?:$|[,;!?]))",
    ),
    lone_day_leads=(),
    lone_day_end=_END.format(_FUNCTION),
    weekday_shifts=(
        (r"<weekday>\s(?:in\seiner\swoche|in\s8\stagen|in\sacht\stagen)", "week_after"),
        (r"<weekday>\sin\s(?:zwei|2)\swochen", "two_weeks_after"),
        (r"<weekday>\s(?:nächste|kommende)r?\swoche", "next"), (r"nächste\swoche\s<weekday>", "next"),
        (r"übernächsten\s<weekday>", "after_next"), (r"nächste[nr]\s<weekday>", "next"),
        (r"kommende[nr]\s<weekday>", "coming"), (r"diese[nr]\s<weekday>", "this"),
        (r"(?:letzte|vergangene|vorige)[nr]\s<weekday>", "last"),
    ),
    distances=(
        (r"in\s<number>\s<unit>", 1), (r"(?:heute|morgen)\sin\s<number>\s<unit>", 1), (r"vor\s<number>\s<unit>", -1),
    ),
    units={"tag": 1, "tage": 1, "tagen": 1, "woche": 7, "wochen": 7},
    not_before_distance=r"(?:mal|erst|fertig|erste\smal|nur|alles|schon|fester)\s$",
    repeated_before=(
        r"\b(?:jede[nrms]?|alle|immer|ersten|zweiten|dritten|letzten|manchen|irgendein(?:en|em)?|ein(?:en|em)?|am\sersten"
        r"|kein(?:en)?|guten|guter|der|dem\sganzen|zum)\s(?:zweiten\s|dritten\s)?$"
    ),
    repeated_after=r"s\b|-?(?:abende|morgende)\b",
    between=r"\bzwischen\s$",
    range_link=r"\s?(?:-|\u2013|\u2014|bis)\s?(?:zum\s)?",
    holidays={
        r"neujahr(?:stag)?": "new_year", r"(?:heilige\s)?drei\s?könige?": "epiphany", r"dreikönig(?:stag)?": "epiphany",
        r"valentinstag": "valentine", r"rosenmontag": "rose_monday", r"faschingsdienstag": "shrove_tuesday",
        r"aschermittwoch": "ash_wednesday", r"palmsonntag": "palm_sunday", r"gründonnerstag": "maundy_thursday",
        r"karfreitag": "good_friday", r"ostersonntag|ostern": "easter", r"ostermontag": "easter_monday",
        r"tag\sder\sarbeit": "may_day", r"(?:christi\s)?himmelfahrt|vatertag": "ascension", r"muttertag": "mothers_day",
        r"pfingstsonntag|pfingsten": "pentecost", r"pfingstmontag": "whit_monday", r"fronleichnam": "corpus_christi",
        r"mariä\shimmelfahrt": "assumption", r"tag\sder\sdeutschen\seinheit": "german_unity",
        r"reformationstag": "reformation", r"halloween": "halloween", r"allerheiligen": "all_saints",
        r"allerseelen": "all_souls", r"sankt\smartin|martinstag": "martin", r"nikolaus(?:tag|abend)?": "nicholas",
        r"(?:1\.|erster|ersten)\sadvent": "advent_1", r"(?:2\.|zweiter|zweiten)\sadvent": "advent_2",
        r"(?:3\.|dritter|dritten)\sadvent": "advent_3", r"(?:4\.|vierter|vierten)\sadvent": "advent_4",
        r"heiligabend|heilig\sabend|heiliger\sabend": "christmas_eve", r"weihnachten": "christmas",
        r"(?:1\.|ersten?r?)\sweihnachts(?:feier)?tag": "christmas",
        r"(?:2\.|zweiten?r?)\sweihnachts(?:feier)?tag|stephanitag": "second_christmas",
        r"silvester": "new_years_eve",
    },
    not_before_holiday=r"(?:\b(?:jede[sn]?|frohe|schöne|nächstes|letztes|über)\s|[-/])$",
    holiday_end=r"(?![-\w])",
    past_lead=r"\b(?:seit|schon\sseit|von|vom)\s(?:dem\s)?$",
    future_lead=r"\b(?:bis|bis\szum|spätestens|vor)\s(?:dem\s|den\s)?$",
    perhaps_future_lead=r"\b(?:ab|für|zum|am\skommenden)\s(?:dem\s|den\s)?$",
    future_opening=r"^\W*(?:soll|sollen|kann|können|darf|muss|will|wollen|wer|bitte)\b",
    past_verbs=(
        r"\b(?!(?:gern|genau|gegen|gestern|geht|gehen|geben|gerade|gesund|gelb|gemeinsam|geburt|gesamt|gewicht|gericht|gebet"
        r"|gebühren|geschenk|gut|gehört|geehrt|geschichten|gärten|garten|gesten)\b)(?:(?:\w{2,5})?ge[a-zäöüß]{2,}(?:t|en)"
        r"|war|waren|warst|hatte|hatten|wurde|wurden|kam|kamen|ging|gab|stand|sagte|meinte|rief|fand|wollte|sollte|konnte"
        r"|musste|blieb|lief|bekam|verpasst|vergessen|bekommen|verloren|erzählt|bezahlt|überwiesen|verschickt|erledigt"
        r"|besucht|versprochen|passiert|verstanden)\b"
    ),
    other_verbs=(
        r"\b(?:wird|werden|werde|muss|müssen|soll|sollen|will|wollen|kann|können|möchte|kommt|kommen|ist|sind|fährt|fahren"
        r"|geht|gehen|hab|bin|endet|beginnt|anrufen|abholen|abgeben|schreiben|zahlen|kaufen|machen|holen|bringen|braucht"
        r"|probe|termin|fällig|gilt|steht|dürfen|darf|zu\s\w+en|solls)\b"
    ),
    periods={
        "woche": "week", "wochenende": "weekend", "we": "weekend", "monat": "month", "monats": "month",
        "quartal": "quarter", "quartals": "quarter", "jahr": "year", "jahres": "year", "frühling": "spring",
        "frühjahr": "spring", "sommer": "summer", "herbst": "autumn", "winter": "winter",
    },
    period_shifts=(
        (r"(?:ende|zum\sende)\s(?:der|des|dieser|dieses)\s<period>", "end"), (r"ende\s<month>", "end"),
        (r"diese[nrsm]?\s<period>", "this"), (r"(?:nächste|kommende)[nrsm]?\s<period>", "next"),
        (r"am\s(?P<period>wochenende|we)", "this"), (r"im\s(?P<period>frühling|frühjahr|sommer|herbst|winter)", "this"),
        (r"nächsten\s<month>", "next"),
    ),
    in_month=r"(?:im|bis|ab|anfang|mitte|seit)\s",
    long_distances=(r"in\s<number>\s<long_unit>", r"(?:innerhalb\svon|binnen)\s<number>\s<unit>"),
    long_units={
        "minute": "minute", "minuten": "minute", "min": "minute", "stunde": "hour", "stunden": "hour", "std": "hour",
        "monat": "month", "monaten": "month", "monate": "month", "jahr": "year", "jahren": "year", "jahre": "year",
    },
)  # fmt: skip
