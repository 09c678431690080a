"""The words for dates in Portuguese."""

from typing import Final

from agents.dates.lexicon import Lexicon

_END = r"(?=\s*(?:$|[.,;:!?)\n\u2013\u2014+&])|\s+(?:{})(?!\w))"
_FUNCTION = (
    "e|ou|mas|a|à|às|ao|com|em|para|pra|pro|antes|depois|é|era|será|tem|tenho|temos|vem|que|se|senão|quando|porque|por|de"
    "|do|da|cedo|sem|me|não|nao|já|ja|meu|minha|o|os|as|até|ate|no|na|vence|fecha|começa|acaba|chega|vou|vamos|vai|no\\smáximo"
    "|nem|mesmo|agora|eu|ele|ela|nós|gente|manhã|noite|tarde"
)

_CLAUSE_END = r"(?=\s*(?:[?.!,;]|$))"
_ORDINAL_NAMES = {"segunda": 0, "quarta": 2, "quinta": 3, "sexta": 4}
"""Weekdays whose short names are also ordinals: at the end of a clause a weekday is meant."""

PORTUGUESE: Final = Lexicon(
    weekdays={
        "segunda-feira": 0, "segunda feira": 0, "terça-feira": 1, "terca-feira": 1, "terça feira": 1, "terça": 1,
        "quarta-feira": 2, "quarta feira": 2, "quinta-feira": 3, "quinta feira": 3, "sexta-feira": 4, "sexta feira": 4,
        "sábado": 5, "sabado": 5, "domingo": 6,
        **{rf"{name}{_CLAUSE_END}": number for name, number in _ORDINAL_NAMES.items()},
    },
    doubtful_weekdays={"segunda": 0, "terca": 1, "quarta": 2, "quinta": 3, "sexta": 4, "seg": 0, "ter": 1, "qua": 2,
                       "qui": 3, "sex": 4, "sáb": 5, "dom": 6},
    weekday_lead=(
        r"(?:(?:na|até|ate|até\sa|nesta|nessa|pra|para|desta|dessa|próxima|da|desde|só|antes\sde|esta|essa)\s|^|\n|,\s)"
    ),
    months={
        "janeiro": 1, "jan": 1, "fevereiro": 2, "fev": 2, "março": 3, "marco": 3, "mar": 3, "abril": 4, "abr": 4,
        "maio": 5, "mai": 5, "junho": 6, "jun": 6, "julho": 7, "jul": 7, "agosto": 8, "ago": 8, "setembro": 9,
        "set": 9, "outubro": 10, "out": 10, "novembro": 11, "nov": 11, "dezembro": 12, "dez": 12,
    },
    doubtful_months=frozenset(),
    numbers={
        "um": 1, "uma": 1, "dois": 2, "duas": 2, "três": 3, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7,
        "oito": 8, "nove": 9, "dez": 10, "quinze": 15,
    },
    days={
        r"depois\sde\s(?:amanhã|amanha)": 2, r"(?:anteontem|antes\sde\sontem)": -2, r"ontem": -1,
        r"(?:hoje|hj)(?:\smesmo)?": 0, r"est[ae]\s(?:noite|tarde|manhã)": 0, r"(?:amanhã|amanha|amnh)(?:\scedo)?": 1,
    },
    part=r"\s(?:(?:de|à|a|da|pela|na)\s(?:manhã|manha|tarde|noite)|cedo|ao\smeio-dia)",
    month_dates=(
        r"(?:dia\s)?<day>º?\s(?:de\s)?<month>\b\.?(?:\s(?:de\s)?<year>)?",
        r"(?P<last_day>último\sdia\sde)\s<month>",
    ),
    weekday_link=r",?\s(?:dia\s)?",
    ordinal=r"<day>(?!\s?(?:h|horas?|reais|euros?|€|min|%|vezes|anos|a)(?!\w))(?!h[0-9])",
    lone_days=(r"(?P<quote>dia\s<day>)",),
    lone_day_leads=(),
    lone_day_end=_END.format(_FUNCTION),
    weekday_shifts=(
        (r"<weekday>\sda\s(?:semana\sque\svem|próxima\ssemana|outra\ssemana)", "next"),
        (r"(?:próxim|proxim)[ao]\s<weekday>", "next"), (r"<weekday>\sque\svem", "coming"),
        (r"<weekday>\spassad[ao]", "last"), (r"(?:últim|ultim)[ao]\s<weekday>", "last"),
        (r"(?:n?est[ae]|n?ess[ae])\s<weekday>", "this"),
    ),
    distances=(
        (r"(?:em|daqui\sa|dentro\sde|daqui)\s<number>\s<unit>", 1),
        (r"(?:há\s|faz\s)?<number>\s<unit>\satrás", -1),
    ),
    units={"dia": 1, "dias": 1, "semana": 7, "semanas": 7},
    not_before_distance=r"(?:vez|vezes|tudo|só)\s$",
    repeated_before=(
        r"\b(?:cada|todos\sos|todas\sas|toda|todo|num|numa|as|os|às|aos|um|uma|algum|alguma|nenhum|primeir[ao]|outr[ao]|a|de)\s$"
    ),
    repeated_after=r"s\b|s-feiras\b|\s(?:vez|opção|parte|versão|etapa|tentativa|chance|via|mão|linha|série|turma|fase|dose)\b",
    between=r"\bentre\s(?:a\s|o\s|os\sdias\s)?$",
    range_link=r"\s?(?:-|\u2013|\u2014|a|à|até)\s?(?:o\s|a\s)?",
    holidays={
        r"ano\snovo|réveillon|reveillon": "new_year", r"dia\sde\sreis": "epiphany", r"carnaval": "carnival",
        r"quarta-feira\sde\scinzas": "ash_wednesday", r"domingo\sde\sramos": "palm_sunday",
        r"sexta-feira\ssanta|sexta\ssanta": "good_friday", r"(?:domingo\sde\s)?páscoa": "easter",
        r"tiradentes": "tiradentes", r"dia\sdo\strabalho|dia\sdo\strabalhador": "may_day",
        r"dia\sdas\smães": "mothers_day", r"dia\sdos\spais": "fathers_day", r"dia\sdos\snamorados": "lovers_br",
        r"corpus\schristi": "corpus_christi", r"são\sjoão": "midsummer_john", r"halloween": "halloween",
        r"finados|dia\sde\sfinados": "all_souls", r"véspera\sde\snatal": "christmas_eve", r"natal": "christmas",
        r"véspera\sde\sano\snovo": "new_years_eve",
    },
    not_before_holiday=r"(?:\b(?:de|feliz|cada|por|em|todo|pai|do)\s|[-/])$",
    holiday_end=r"(?![-\w])(?!\s(?:de|da|do)\b)",
    past_lead=r"\b(?:desde|desde\sa|desde\so)\s(?:a\s|o\s)?$",
    future_lead=r"\b(?:antes\sde|antes\sda|antes\sdo|até|ate)\s(?:a\s|o\s)?$",
    perhaps_future_lead=r"\b(?:para|pra|pro|a\spartir\sde|a\spartir\sda)\s(?:a\s|o\s)?$",
    future_opening=r"^\W*[a-zç]{2,}(?:ar|er|ir)(?:-lhe|-lo|-la|-me)?\b",
    past_verbs=(
        r"\b(?:[a-zç]{2,}(?:ou|aram|eram|iram|ava|avam|ei|eu|iu)(?<!\bmeu)(?<!\bseu)(?<!\beu)(?<!\bteu)|foi|fui|fomos|foram|era|eram"
        r"|estava|esteve|teve|tive|tinha|fez|fiz|disse|vi|viu|veio|vim|pôs|trouxe|pude|quis|soube|deu|dei|saiu|caiu)(?!\w)"
    ),
    other_verbs=(
        r"\b(?:é|são|está|tá|tem|tenho|temos|quer|quero|pode|posso|vou|vai|vamos|vem|deve|devo|preciso|precisa|fecha|vence"
        r"|começa|chega|sai|ligar|pagar|comprar|mandar|enviar|levar|dizer|ir|pegar|buscar|fazer|pedir|perguntar|marcar|avisar"
        r"|[a-zç]{2,}(?:arei|erei|irei|ará|erá|irá|ar|er|ir))(?!\w)"
    ),
    periods={
        "semana": "week", "fim de semana": "weekend", "fds": "weekend", "mês": "month", "mes": "month",
        "trimestre": "quarter", "ano": "year", "primavera": "spring", "verão": "summer", "outono": "autumn",
        "inverno": "winter",
    },
    period_shifts=(
        (r"(?:fim|final)\s(?:da|do|de|desta|deste|dessa|desse)\s<period>", "end"),
        (r"(?:fim|final)\sde\s<month>", "end"),
        (r"n?ess?t?[ae]\s<period>", "this"),
        (r"(?:próxim|proxim)[oa]\s<period>", "next"),
        (r"<period>\sque\svem", "next"),
    ),
    in_month=r"(?:em|até|para|pra|antes\sde|no\scomeço\sde)\s",
    long_distances=(r"(?:em|daqui\sa|dentro\sde)\s<number>\s<long_unit>",),
    long_units={
        "minuto": "minute", "minutos": "minute", "min": "minute", "hora": "hour", "horas": "hour", "mês": "month",
        "meses": "month", "ano": "year", "anos": "year",
    },
)  # fmt: skip
