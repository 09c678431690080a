"""The words for dates in English."""

from typing import Final

from agents.dates.lexicon import Lexicon

_END = r"(?=['\u2019]s\b|\s*(?:$|[.,;:!?)\n\u2013\u2014+&/-])|\s+(?:{}|i|we|you|he|she|they|it|i'm|i'll)\b)"
_FUNCTION = (
    "and|or|but|so|is|was|are|were|at|for|with|when|to|if|because|cause|before|after|then|not|unless|now|as|about|by"
    "|from|till|until|until|in|on|which|who|the|my|our|his|her|their|your|this|that|will|would|has|had|can|should"
    "|must|please|latest|morning|afternoon|evening|night|noon|midnight|of|off|instead|already|again|too|only|since"
    "|say|says|and|b4|w|n|me|us|them|him|otherwise|else|straight|next|no"
)

ENGLISH: Final = Lexicon(
    weekdays={
        "monday": 0, "tuesday": 1, "tues": 1, "tue": 1, "wednesday": 2, "weds": 2, "wednsday": 2, "wensday": 2,
        "thursday": 3, "thurs": 3, "thur": 3, "thu": 3, "thrusday": 3, "friday": 4, "fri": 4, "saturday": 5,
        "sunday": 6,
    },
    doubtful_weekdays={"mon": 0, "wed": 2, "sat": 5, "sun": 6},
    weekday_lead=r"(?:on|by|until|till|til|this|next|last|since|before|for|due|from|coming)\s",
    months={
        "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5,
        "june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9,
        "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12,
    },
    doubtful_months=frozenset({"may", "march", "mar"}),
    numbers={
        "a": 1, "an": 1, "one": 1, "two": 2, "a couple of": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
        "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    },
    days={
        r"two\sweeks\sfrom\stomorrow": 15, r"a\sweek\sfrom\stomorrow": 8,
        r"(?:the\s)?day\safter\s(?:tomorrow|tmrw)": 2,
        r"(?:the\s)?day\sbefore\syesterday": -2,
        r"(?:tomorrow|tomorow|tommorow|tommorrow|tomorro|tmrw|tmr|tmw|2moro|2morrow|tomoz|the\smorra)": 1,
        r"(?:today|2day)": 0,
        r"(?:tonight|tonite|2nite)": 0,
        r"this\s(?:morning|mornin|afternoon|evening|arvo|noon|lunchtime|am|pm)": 0,
        r"(?:last\s(?:night|nite)|yesterday|yday|yest)": -1,
    },
    part=r"\s(?:(?:early|late)\s)?(?:morning|afternoon|arvo|evening|night|nite|lunchtime|noon)",
    month_dates=(
        r"<day>(?:st|nd|rd|th)?(?:\sof)?\s<month>\.?(?:,?\s<year>)?",
        r"<month>\.?\s(?:the\s)?<day>(?:st|nd|rd|th)?(?:,?\s<year>)?",
        r"(?:the\s)?(?P<last_day>last\sday\sof)\s<month>",
    ),
    weekday_link=r",?\s(?:the\s)?",
    ordinal=r"<day>(?:st|nd|rd|th)",
    lone_days=(
        r"(?:due|deadline|closes|shuts|ends|expires|by|on)\s(?P<quote><day>(?:st|nd|rd|th))",
        r"(?P<quote>the\s<day>(?:st|nd|rd|th))",
    ),
    lone_day_leads=(
        r"(?:on|by|before|until|till|due)\s(?P<quote>the\s(?P<first_day>first))(?=\s*(?:$|[.,;!?)\n]))",
        r"(?:on|by|before|until|till|til|from|since|after|for|due)\s(?P<quote>the\s<day>(?:st|nd|rd|th))(?!\s(?:floor|birthday"
        r"|anniversary|century|time|times|street|st|ave|avenue|hole|minute|mile|row|attempt|try|page|chapter|grade|place|day"
        r"|week|lap|district|edition|person|level|draft|version|round|year|month|inning|quarter|period|step|fret|note|verse"
        r"|car|bus|line|stop|platform|amendment|season|episode|game|match|song|track|coat|kid|child|baby|of|ward|date|call"
        r"|message|email|reminder|letter|cup|pint|beer|lesson|rep|set|go|night|morning|goal|shift|month|one)\b)",
    ),
    lone_day_end=_END.format(_FUNCTION),
    weekday_shifts=(
        (r"a\sweek\s(?:on|from|after)\s<weekday>", "week_after"),
        (r"(?:two\sweeks|a\sfortnight)\s(?:on|from|after)\s<weekday>", "two_weeks_after"),
        (r"<weekday>\snext\sweek", "next"),
        (r"<weekday>\safter\snext", "week_after"),
        (r"<weekday>\sweek", "week_after"),
        (r"<weekday>\sfortnight", "two_weeks_after"),
        (r"this\scoming\s<weekday>", "coming"),
        (r"this\spast\s<weekday>", "last"),
        (r"this\s<weekday>", "this"),
        (r"coming\s<weekday>", "coming"),
        (r"next\s<weekday>", "next"),
        (r"(?:last|past)\s<weekday>", "last"),
        (r"<weekday>\slast\s(?:week|wk)", "last"),
    ),
    distances=(
        (r"in\s(?:about\s)?<number>\s<unit>(?:'s?\stime)?(?!')", 1),
        (r"<number>\s<unit>\s(?:from\s(?:now|today)|hence)", 1),
        (r"<number>\s<unit>\sago", -1),
    ),
    units={"day": 1, "days": 1, "week": 7, "weeks": 7, "wk": 7, "wks": 7, "fortnight": 14},
    not_before_distance=(
        r"(?:\b(?:times?|once|twice|first|only|best|worst|done|finished|all|back|night|day|sleep|thing|twenty|ten|five|[0-9]+)\s"
        r"|(?:n't|nt|not|never)\b[^.,;!?]{0,40})$"
    ),
    repeated_before=(
        r"(?:\b(?:every|each|most|any|some|another|one|all|alternate|an?|of\sa|second|third|fourth|first|other"
        r"|called|named|half|same|wet|rainy|ordinary|normal|typical|best|worst|black"
        r"|my|his|her|their|our|your|spell)\s(?:single\s|other\s|second\s|rainy\s|sunny\s|whole\s|good\s|bad\s"
        r"|free\s|quiet\s|busy\s|slow\s|lazy\s|long\s)?"
        r"|\b(?:two|three|four|[0-9])\s)$"
    ),
    repeated_after=(
        r"\s(?!(?:is|was|has|does|as|this|us|yes|gets|works|closes|starts|ends|comes|goes|suits|means|lands|opens|says|falls|needs"
        r"|seems|looks|afters|always|plus|unless|its|makes|takes|gives|brings|runs|leaves|arrives|this|his|things)\b)[a-z]{2,}[a-rt-z]s\b"
        r"|\s(?:before|after)(?=[,.]|\s(?:that|easter|christmas|thanksgiving|last)\b)|\s?(?:mornings|afternoons|evenings|nights|lunchtimes)\b|['\u2019]?s\sonly\b|\s?/\s?(?:mon|tue|wed|thu|fri|sat|sun)"
    ),
    between=r"\bbetween\s$",
    range_link=r"\s?(?:-|\u2013|\u2014|to|thru|through|till|until)\s?(?:the\s)?",
    holidays={
        r"new\syear'?s\seve|nye|hogmanay": "new_years_eve", r"new\syear'?s\sday|new\syear'?s|new\syear": "new_year",
        r"epiphany|twelfth\snight": "epiphany", r"valentine'?s(?:\sday)?|v-day": "valentine",
        r"st\.?\spatrick'?s(?:\sday)?|paddy'?s\sday": "patrick", r"burns\snight": "burns_night",
        r"shrove\stuesday|pancake\sday": "shrove_tuesday", r"ash\swednesday": "ash_wednesday",
        r"palm\ssunday": "palm_sunday", r"good\sfriday": "good_friday", r"easter\smonday": "easter_monday",
        r"easter(?:\s(?:sunday|day))?": "easter", r"ascension(?:\sday)?": "ascension",
        r"pentecost|whit\ssunday|whitsun": "pentecost", r"whit\smonday": "whit_monday",
        r"trinity\ssunday": "trinity",
        r"all\ssaints'?\ssunday": "all_saints",
        r"mlk(?:\sday)?": "mlk",
        r"presidents'?\sday": "presidents",
        r"memorial\sday": "memorial", r"labou?r\sday": "labor_day", r"columbus\sday": "columbus",
        r"veterans'?\sday": "veterans", r"mother'?s\sday|mothering\ssunday": "mothers_day",
        r"father'?s\sday": "fathers_day", r"(?:4th|fourth)\sof\sjuly": "july_4", r"juneteenth": "juneteenth",
        r"halloween": "halloween",
        r"all\ssaints'?\sday|all\ssaints": "all_saints",
        r"all\ssouls'?(?:\sday)?": "all_souls",
        r"bonfire\snight|guy\sfawkes(?:\snight)?": "bonfire_night", r"remembrance\ssunday": "remembrance_sunday",
        r"remembrance\sday|armistice\sday": "armistice", r"thanksgiving": "thanksgiving",
        r"black\sfriday": "black_friday", r"christmas\seve|xmas\seve": "christmas_eve",
        r"boxing\sday": "boxing_day", r"(?:christmas|xmas)(?:\sday)?": "christmas", r"michaelmas": "michaelmas",
        r"anzac\sday": "anzac", r"election\sday": "election_day", r"april\sfools'?(?:\sday)?": "april_fools",
    },
    not_before_holiday=r"(?:\b(?:the|a|every|each|of|happy|merry|like|white|early|late|next|last|other|after|chinese|lunar|jewish|hold)\s|[-/])$",
    holiday_end=_END.format(_FUNCTION),
    past_lead=r"\b(?:since|ever\ssince|waiting\sfrom|since\sbefore|left\sfrom)\s(?:the\s)?$",
    future_lead=r"\b(?:by|until|till|til|before|b4|due|due\son|starting|closes|ends|expires|deadline|than)\s(?:the\s)?$",
    perhaps_future_lead=r"(?:'s|\b(?:for|to|is|are|come))\s(?:the\s|on\s)?$",
    future_opening=(
        r"^\W*(?:please\s|also\s|and\s|then\s)?(?:add|answer|apply|arrange|ask|attend|bake|book|bring|build|buy|call|cancel|change|check"
        r"|clean|clear|collect|confirm|cook|decide|deliver|draft|drive|drop|email|fill|find|finish|fix|get|give|go|hand|help|invite"
        r"|learn|leave|let|lift|load|look|mail|make|mark|meet|message|move|offer|order|pack|pay|phone|pick|plan|post|prep|prepare"
        r"|print|put|remind|renew|rent|reply|return|ring|run|schedule|see|sell|send|serve|set|show|sign|sort|start|stop|submit"
        r"|swap|take|talk|teach|tell|text|thank|tidy|try|turn|update|visit|wash|write|should|shall|can|could|would|will|do|does"
        r"|is|are|who's|what\sif)\b"
    ),
    past_verbs=(
        r"\b(?!(?:need|feed|bed|red|speed|seed|med|shed|weed|indeed|exceed|embed|wed|led|fed|bleed|breed|united|tired"
        r"|scared|worried|married|excited|supposed|used|overdrawn|hundred|naked|kid|ahmed|mohammed|hamed|muhammed|allowed|booked|scheduled)\b)(?<!be\s)(?<!is\s)(?<!are\s)(?<!'s\s)"
        r"(?<!get\s)(?<!gets\s)(?<!been\s)(?<!'m\s)(?<!am\s)(?<!the\s)(?<!\sa\s)(?<!my\s)(?<!his\s)(?<!her\s)(?<!our\s)(?<!their\s)"
        r"(?:[a-z]{2,}ed|was|were|had|did(?:n't|nt|\snot)?(?:\s[a-z]+(?:\sin|\sup|\son)?)?|got|went|came|said|told|rang|saw|met"
        r"|left|took|gave|made|brought|sent|forgot|broke|fell|lost|found|felt|ate|paid|thought|knew|kept|bought|slept"
        r"|woke|wrote|ran|sang|won|spent|stood|sat|drove|spoke|chose|caught|tore|flew|grew|held|heard|threw|wore|taught"
        r"|fought|laid|lay|hid|dug|shook|stole|rode|rose|drank|sold|wasn't|weren't|couldn't|ghosted|missed|have\sbeen|has\sbeen)\b"
    ),
    other_verbs=(
        r"\b(?:will|won't|wont|gonna|going\sto|shall|is|are|am|i'm|im|must|needs?|have\sto|has\sto|gotta|wants?|can|can't|cant"
        r"|could|should|would|might|may|let's|lets|do|does|doesn't|don't|dont|to\s(?!(?:the|a|my|his|her|our|their|them|me|us|him|it)\b)[a-z]+|come|begins|begin|meets|plays|brings|closes|starts"
        r"|opens|ends|expires|lands|arrives|leaves|comes|goes|(?<!the\s)(?<!\sa\s)(?<!my\s)(?<!his\s)(?<!her\s)(?<!last\s)(?:call|text|email|ring|book)|pay|buy|send|get|pick|take|bring|ask"
        r"|tell|remind|cancel|confirm|finish|submit|return|check|make|write|meet|move|renew|drop|it's|its|that's|there's"
        r"|booked|scheduled|due|i'll|we'll|he'll|she'll|they'll|you'll|it'll|'ll|'d|i'd|he'd|she'd|they'd|we'd)\b"
    ),
    periods={
        "week": "week",
        "weekend": "weekend",
        "month": "month",
        "quarter": "quarter",
        "year": "year",
        "spring": "spring",
        "summer": "summer", "autumn": "autumn", "fall": "autumn", "winter": "winter",
    },
    period_shifts=(
        (r"(?:the\s)?end\sof\s(?:this\s|the\s)?<period>", "end"), (r"(?:the\s)?end\sof\s(?:the\s)?day|eod", "end"),
        (r"(?:the\s)?end\sof\s<month>", "end"),
        (r"eow", "end"),
        (r"this\s<period>", "this"),
        (r"next\s<period>", "next"),
        (r"next\s<month>", "next"), (r"this\s<month>", "this"),
    ),
    in_month=r"(?:in|by|until|till|before|during)\s(?:early\s|mid\s|late\s)?",
    long_distances=(r"(?:in|within)\s(?:about\s)?<number>\s<long_unit>", r"within\s<number>\s<unit>"),
    long_units={
        "minute": "minute", "minutes": "minute", "mins": "minute", "min": "minute", "hour": "hour", "hours": "hour",
        "hrs": "hour", "month": "month", "months": "month", "year": "year", "years": "year",
    },
)  # fmt: skip
