"""Lists the words by which a note says that something is to be done, in five languages.

None of these words is a verdict: what kind of note it is comes from the classification. They only mark where an action
begins, where it ends, and whether it takes minutes.
"""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    """Split at commas; the longest phrase first, because a pattern takes the first alternative that matches."""
    found = {" ".join(phrase.split()) for phrase in text.split(",")}
    return tuple(sorted(found, key=lambda phrase: (-len(phrase), phrase)))


MINUTES_VERBS: Final = _words(
    """
    call phone ring ping email e-mail mail text message msg dm whatsapp reply answer tell ask remind book
    reserve cancel confirm order rsvp invite thank pay transfer refund revoke renew reschedule rebook
    unsubscribe rsvp redial forward callback wire venmo

    anrufen zurückrufen mailen schreiben antworten absagen zusagen fragen bestellen buchen reservieren kündigen
    überweisen bezahlen verschieben melden

    appeler rappeler téléphoner écrire envoyer répondre demander réserver annuler commander payer confirmer
    prévenir rappelle appelle appelez

    llamar llamarle llamarla escribir mandar contestar responder preguntar pedir reservar cancelar pagar
    confirmar avisar llama llamo

    ligar telefonar escrever enviar responder perguntar pedir reservar cancelar pagar confirmar avisar ligo
    """
)
"""A call, a message, a booking or a payment. Each takes minutes."""

OTHER_VERBS: Final = _words(
    """
    add apply arrange assemble attach attend back bake bin bleach block borrow bring brush buy carry change
    charge chase check chop clean clear close collect complete cook copy count cover cut decide defrost deliver
    deploy descale dig discuss disable do download draft draw drive drop dry dump eat edit empty export fetch
    feed file fill find finish fit fix fold follow freeze get give go grab grease hand hang help hide hire
    hoover install iron join keep label laminate learn leave lend let lock log look make map mark measure meet
    mend merge mop move mow oil open organise organize pack paint park patch photograph pick plan plant polish
    post practice practise prep prepare prepay print prune publish pull pump push put quit raise read
    recalibrate recharge record register rehearse remove rent repair repaint replace replant repot research
    resend reset restart restock return reverse review revise ring rinse rotate run save scan schedule scrub
    sell send set sew sharpen shut sign sit slice soak sort sow split stake stop store study submit swap sweep
    switch take talk tape teach test throw thin tidy top train translate treat trim try turn unblock unload
    unplug update upgrade upload use vacuum visit wash watch water weigh wipe withdraw wrap write
    """
)
IMPERATIVES: Final = (MINUTES_VERBS | OTHER_VERBS) - _words("answer back mail message map oil record use water")
"""Verbs that begin an action without any other sign. Most of those that are as often nouns are left out."""

OPENINGS: Final = _phrases(
    """
    i'll, i will, i'm going to, i am going to, i'm gonna, gonna, going to, i need to, need to, i have to, have
    to, i've got to, i gotta, gotta, got to, i must, must, i should, i'd better, better, let's, we need to, we
    have to, we must, we should, we'll, i want to, i shall, time to, remember to, remind me to, don't forget to,
    do not forget to, must remember to, make sure to, ill, im going to, im gonna, i'm to, we're going to, i
    intend to, i mean to, i plan to, planning to, i am to, am i to, dont forget to, i've to, i hae tae, ah need
    tae, need tae, ah'll, i still need to, i still have to, i still must, we still need to, we still have to, i
    really need to, i really have to, i really should, i also need to, i also have to,

    ich muss noch, ich muss, muss noch, muss, ich soll, ich will, ich werde, wir müssen, nicht vergessen, ich
    sollte, ich möchte, wir sollten,

    il faut que je, il faut, faut que je, faut, je dois, je vais, penser à, pense à, ne pas oublier de, il
    faudrait, je veux, on doit, je devrais, on devrait,

    tengo que, hay que, debo, voy a, no olvidar, acordarme de, recordar, necesito, quiero, tenemos que, me toca,
    debería, tendría que,

    tenho que, tenho de, preciso, preciso de, precisamos de, deveria, vou, não esquecer de, lembrar de, devo,
    quero, temos que, tem que
    """
)
"""What stands before the verb of an intention; the action begins after it."""

PREFIXES: Final = _phrases(
    "please, also, then, and, so, ok, okay, right, todo, to do, to-do, reminder, note to self, first, next, now, just,"
    "bitte, noch, und, dann, s'il te plaît, aussi, puis, et, por favor, también, luego, y, também, depois, e"
)
"""Words that may stand before an action and are no part of it."""

NOT_DONE: Final = _phrases(
    """
    not going to, not gonna, not doing, not joining, not bothering, not lending, not buying, not paying, not
    renewing, not applying, not taking, not signing, no longer, decided against, decided not to, no need to,
    told him no, told her no, told them no, told em no, called it off, off my plate, has it handled, isn't
    happening, is not happening, called off, off the list, don't need to, do not need to, i won't, i will not,
    we won't, we will not, i shan't, i shall not, i had meant to, i was going to, was going to, had planned to,
    had wanted to,

    nicht mehr, brauche ich nicht, mach ich nicht, mache ich nicht, hat sich erledigt, kommt nicht in frage,
    dieses jahr nicht, abgesagt,

    je ne vais pas, plus besoin, tant pis, abandonné, abandonnée, j'abandonne, je renonce, pas la peine, on
    laisse tomber,

    no voy a, no hace falta, al final no, no pienso, descartado, descartada, no iré,

    não vou, não preciso, deixa pra lá, desisti, não vai rolar, nem vou
    """
)
"""Wordings of what will not be done. A sentence with one of them yields no action."""

NOT_DONE_AT_START: Final = _phrases(
    """
    i'm not, i am not, we're not, not, won't, will not, wont, didn't, did not, i didn't, i did not, ain't, never
    mind, nevermind, forget it, scrap that, no, nope, nicht, doch nicht, kein, keine, ne, pas de, plus de, ya
    no, no, paso de, não, já não
    """
)
"""Wordings that say the same at the beginning of a sentence. Behind its beginning they may be about somebody else."""

BEFORE_DATES: Final = _phrases(
    """
    before, b4, by, on, until, till, til, for, this, from, due, no later than, latest, at the latest, at, vor,
    bis, bis zum, bis spätestens, am, ab, für, zum, vorm, avant, avant le, pour, pour le, d'ici, le, jusqu'à,
    jusqu'au, à partir du, dès, ce, antes de, antes del, para, para el, hasta, hasta el, el, este, a más tardar
    el, até, até o, até dia, antes da, antes do, na, no, em, pra
    """
)
"""What may stand between an action and its date. It goes with the date."""

KIND_OF_DEADLINE: Final = {
    "before": "before", "b4": "before", "vor": "before", "vorm": "before", "avant": "before", "avant le": "before",
    "antes de": "before", "antes del": "before", "antes da": "before", "antes do": "before",
    "by": "by", "until": "by", "till": "by", "til": "by", "due": "by", "no later than": "by", "latest": "by",
    "at the latest": "by", "bis": "by", "bis zum": "by", "bis spätestens": "by", "d'ici": "by",
    "jusqu'à": "by", "jusqu'au": "by", "hasta": "by", "hasta el": "by", "a más tardar el": "by",
    "até": "by", "até o": "by", "até dia": "by",
}  # fmt: skip
"""What the word before a date makes of it. Without one of these words the date is the day of the action."""

UNCLEAR: Final = _words(
    "him her them em it that this these those he she they ihn sie ihm es lui elle lo la los las ele ela"
)
"""Words that mean nothing without the words before the action."""
