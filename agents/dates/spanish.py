"""The words for dates in Spanish."""

from typing import Final

from agents.dates.lexicon import Lexicon

_END = r"(?=\s*(?:$|[.,;:!?)\n\u2013\u2014+&])|\s+(?:{})(?!\w))"
_FUNCTION = (
    "y|o|u|pero|a|al|con|en|para|pa|antes|después|despues|es|era|será|sera|hay|tengo|tenemos|viene|vienen|juega|que|si"
    "|sino|cuando|porque|por|de|del|temprano|tarde|noche|sin|me|te|se|nos|le|lo|la|el|no|ya|mi|su|a\\slas|cierra|vence"
    "|empieza|termina|llega|llegan|toca|voy|vamos|va|hasta|desde|como|máximo|maximo|sale|cumple|quedamos|subimos"
)
_EVENT = (
    r"(?:partido|reunión|reunion|quincena|cita|boda|examen|fiesta|pago|entrega|concierto|visita|cena|comida|vuelo|tren|juicio"
    r"|excursión|claustro|factura|recibo|evaluación|función|viaje|antes|después|despues|a\spartir)"
)

_TOMORROW = (
    r"(?<!la\s)(?<!una\s)(?<!las\s)(?<!cada\s)(?<!media\s)(?:mañana|manana)(?!\ssiguiente)"
    r"(?:\stemprano|\smismo)?"
)
"""Not the noun: "por la mañana"."""

SPANISH: Final = Lexicon(
    weekdays={
        "lunes": 0, "martes": 1, "miércoles": 2, "miercoles": 2, "jueves": 3, "viernes": 4, "sábado": 5, "sabado": 5,
        "domingo": 6,
    },
    doubtful_weekdays={"lun": 0, "mié": 2, "mie": 2, "jue": 3, "vie": 4, "sáb": 5, "sab": 5, "dom": 6},
    weekday_lead=r"(?:el|este|próximo|hasta\sel)\s",
    months={
        "enero": 1, "ene": 1, "febrero": 2, "feb": 2, "marzo": 3, "mar": 3, "abril": 4, "abr": 4, "mayo": 5, "may": 5,
        "junio": 6, "jun": 6, "julio": 7, "jul": 7, "agosto": 8, "ago": 8, "septiembre": 9, "setiembre": 9, "sept": 9,
        "sep": 9, "octubre": 10, "oct": 10, "noviembre": 11, "nov": 11, "diciembre": 12, "dic": 12,
    },
    doubtful_months=frozenset(),
    numbers={
        "un": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9,
        "diez": 10, "once": 11, "doce": 12, "quince": 15,
    },
    days={
        r"pasado\s(?:mañana|manana)": 2, r"(?:antier|anteayer|antes\sde\sayer)": -2, r"ayer": -1, r"anoche": -1,
        r"hoy(?:\smismo)?": 0, r"est[ae]\s(?:noche|tarde|mañana|manana|mediodía|mediodia)": 0,
        _TOMORROW: 1,
    },
    part=r"\s(?:(?:por|en|a)\s(?:la|el)\s(?:mañana|manana|tarde|noche|mediodía|mediodia)|a\smediod[ií]a|temprano)",
    month_dates=(
        r"(?:el\s)?<day>º?\s(?:de\s)?<month>\b\.?(?:\s(?:de\s|del\s)?<year>)?",
        r"(?P<last_day>último\sd[ií]a\sde)\s<month>",
    ),
    weekday_link=r",?\s(?:el\s|dia\s|día\s)?",
    ordinal=r"<day>(?!\s?(?:h|horas?|pesos|euros?|€|min|%|veces|años)(?!\w))",
    lone_days=(
        r"(?P<quote>d[ií]a\s<day>)",
        rf"{_EVENT}\sdel\s(?P<quote><day>)",
        r"(?P<quote>el\s<day>)",
    ),
    lone_day_leads=(),
    lone_day_end=_END.format(_FUNCTION),
    weekday_shifts=(
        (r"<weekday>\sde\sla\s(?:otra|próxima|proxima)\ssemana", "next"),
        (r"<weekday>\sde\sla\ssemana\s(?:que\s(?:viene|entra)|próxima|proxima)", "next"),
        (r"(?:próximo|proximo)\s<weekday>", "next"), (r"<weekday>\s(?:próximo|proximo)", "next"),
        (r"<weekday>\sque\s(?:viene|entra)", "coming"), (r"<weekday>\spasado", "last"),
        (r"pasado\s<weekday>", "last"), (r"este\s<weekday>", "this"),
    ),
    distances=(
        (r"(?:en|dentro\sde)\s<number>\s<unit>", 1), (r"hace\s<number>\s<unit>", -1),
    ),
    units={"día": 1, "días": 1, "dia": 1, "dias": 1, "semana": 7, "semanas": 7},
    not_before_distance=r"(?:vez|veces|todo|sólo|solo|nada)\s$",
    repeated_before=r"\b(?:cada|todos\slos|los|un|algún|algun|ningún|primer|primero|segundo|tercer|de|otro|ni\sun|unos)\s$",
    repeated_after=r"s\b|\s(?:sí|si)\sy\s(?:otro|el\sotro)",
    between=r"\bentre\s(?:el\s)?$",
    range_link=r"\s?(?:-|\u2013|\u2014|a|al|hasta(?:\sel)?)\s?(?:el\s)?",
    holidays={
        r"año\snuevo": "new_year",
        r"(?:día\sde\s)?reyes(?:\smagos)?": "epiphany",
        r"san\svalentín|san\svalentin": "valentine",
        r"miércoles\sde\sceniza": "ash_wednesday",
        r"domingo\sde\sramos": "palm_sunday",
        r"jueves\ssanto": "maundy_thursday",
        r"viernes\ssanto": "good_friday", r"domingo\sde\sresurrección|domingo\sde\spascua": "easter",
        r"lunes\sde\spascua": "easter_monday",
        r"d[ií]a\sdel\strabajo": "may_day",
        r"d[ií]a\sde\sla\smadre": "mothers_day",
        r"d[ií]a\sdel\spadre": "fathers_day", r"corpus(?:\schristi)?": "corpus_christi", r"san\sjuan": "midsummer_john",
        r"d[ií]a\sde\sla\shispanidad": "hispanic_day", r"halloween": "halloween", r"todos\slos\ssantos": "all_saints",
        r"d[ií]a\sde\s(?:los\s)?muertos": "all_souls", r"nochebuena": "christmas_eve", r"navidad": "christmas",
        r"nochevieja|fin\sde\saño": "new_years_eve",
    },
    not_before_holiday=r"(?:\b(?:de|feliz|cada|la|por|las|los|gordo|roscón\sde)\s|[-/])$",
    holiday_end=r"(?![-\w])(?!\s(?:de|del|magos)\b)",
    past_lead=r"\b(?:desde|desde\sel|son\sdel|es\sdel)\s(?:el\s)?$",
    future_lead=r"\b(?:antes\sde|antes\sdel|hasta)\s(?:el\s)?$",
    perhaps_future_lead=r"\b(?:para|pa|a\spartir\sde|a\spartir\sdel)\s(?:el\s)?$",
    future_opening=r"^\W*[a-zñ]{2,}(?:ar|er|ir)(?:le|les|lo|la|me|se)?\b",
    past_verbs=(
        r"\b(?:[a-zñ]{2,}(?:ó|aron|ieron|aste|iste|aba|aban|ábamos)|[a-zñ]{3,}é(?!\w)(?<!café)(?<!porqué)"
        r"|fue|fui|fuimos|fueron|era|eran|estaba|estuvo|estuve|tuvo|tuve|hizo|hice|dijo|dije|vi|vino|vine|puso|puse|trajo"
        r"|había|habia|han|ha|he|hemos|pude|pudo|quiso|supe|dio|di|cayó|leyó|recibí|salí|perdí|comí|olvidé|compré|compre"
        r"|tenía|tenia|quedó)(?!\w)"
    ),
    other_verbs=(
        r"\b(?:es|son|está|están|hay|tengo|tiene|tenemos|quiero|quiere|quieren|puede|puedo|voy|va|vamos|viene|vienen|toca"
        r"|debe|debo|cierra|vence|empieza|llega|sale|abre|juega|llamar|pagar|pagarle|comprar|mandar|enviar|llevar|decirle|ir"
        r"|recoger|hacer|pedir|preguntar|[a-zñ]{2,}(?:aré|eré|iré|ará|erá|irá|arán|emos|ar|er|ir|arle|arlo|arla))(?!\w)"
    ),
    periods={
        "semana": "week", "fin de semana": "weekend", "finde": "weekend", "mes": "month", "trimestre": "quarter",
        "año": "year", "primavera": "spring", "verano": "summer", "otoño": "autumn", "invierno": "winter",
    },
    period_shifts=(
        (r"(?:fin|final|finales)\s(?:de|del|de\sla|de\seste|de\sesta)\s<period>", "end"),
        (r"(?:fin|final|finales)\sde\s<month>", "end"), (r"est[ae]\s<period>", "this"),
        (r"(?:próxim|proxim)[oa]\s<period>", "next"),
        (r"<period>\s(?:que\s(?:viene|entra)|próxim[oa]|proxim[oa])", "next"),
    ),
    in_month=r"(?:en|para|antes\sde|hasta|a\sprincipios\sde|a\smediados\sde)\s",
    long_distances=(r"(?:en|dentro\sde)\s<number>\s<long_unit>",),
    long_units={
        "minuto": "minute", "minutos": "minute", "min": "minute", "hora": "hour", "horas": "hour", "mes": "month",
        "meses": "month", "año": "year", "años": "year",
    },
)  # fmt: skip
