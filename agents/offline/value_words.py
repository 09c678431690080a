"""Lists words and descriptions of the five values, in five languages. The rule that uses them says what they mean."""

from collections.abc import Mapping
from typing import Final

from agents.offline.word_sets import phrase_set

WORDS: Final[Mapping[str, frozenset[str]]] = {
    "economic": phrase_set(
        """
        money, salary, pay, paid, cost, costs, price, prices, budget, investment, income, rent, mortgage, debt,
        debts, customer, customers, savings, tax, taxes, invoice, invoices, refund, deposit, fee, fees, loan, wages,
        pension, invest, contract, late fee, payday, insurance, geld, miete, lohn, gehalt, rechnung, steuer,
        schulden, kosten, argent, loyer, salaire, facture, impôts, dette, prix, dinero, alquiler, sueldo, factura,
        deuda, precio, impuestos, dinheiro, aluguel, salário, fatura, dívida, preço, impostos, boleto
        """
    ),
    "relational": phrase_set(
        """
        family, friend, friends, friendship, mother, mom, mum, mam, father, dad, parents, sister, brother, wife,
        husband, partner, girlfriend, boyfriend, my son, daughter, kids, children, colleague, colleagues, marriage,
        divorce, wedding, neighbour, neighbor, neighbours, neighbors, grandma, grandpa, gran, nan, familie,
        freundin, mutter, mutti, vater, schwester, bruder, oma, opa, kinder, nachbarin, famille, amie, mère, père,
        sœur, soeur, frère, maman, papa, mamie, fille, fils, familia, amiga, madre, padre, hermana, hermano, mamá,
        hija, hijo, abuela, família, mãe, pai, irmã, irmão, filha, filho, avó, amigo
        """
    ),
    "legacy": phrase_set(
        """
        legacy, heritage, grandchildren, grandkids, generations, memoir, archive, charity, inheritance, will and
        enkel, erbe, héritage, petits-enfants, nietos, herencia, netos, herança
        """
    ),
    "health": phrase_set(
        """
        health, healthy, asleep, insomnia, exhausted, doctor, dentist, painful, in pain, the pain, pain in, hurts,
        sick, illness, stress, stressed, diet, therapy, therapist, anxiety, burnout, hospital, clinic, inhaler,
        tablets, pills, medication, fever, bleeding, blood, swollen, dizzy, panic, tooth, surgery, a&e, physio,
        rash, infection, vomiting, breath, arzt, ärztin, zahnarzt, schmerzen, krank, fieber, tabletten, krankenhaus,
        médecin, dentiste, douleur, malade, fièvre, hôpital, ordonnance, médico, dentista, dolor, enfermo, enferma,
        fiebre, pastillas, hospital, dor, doente, febre, remédio, oftalmo
        """
    ),
    "growth": phrase_set(
        """
        learn, learning, studying, a course, the course, evening class, practise, skill, skills, training,
        university, degree, lesson, lessons, exam, thesis, essay, lernen, kurs, üben, prüfung, studium, apprendre,
        cours, examen, aprender, curso, clase, clases, examen, estudiar, aula, prova, estudar
        """
    ),
}
STRONG: Final = phrase_set(
    """
    hospital, bleeding, swollen, surgery, a&e, panic, debt, debts, mortgage, divorce, krankenhaus, hôpital,
    schulden, dette, deuda, dívida, infection, vomiting
    """
)
"""Words that count twice."""
BODY: Final = phrase_set(
    """
    doctor, dentist, painful, in pain, the pain, pain in, hurts, sick, illness, diet, hospital, clinic, inhaler,
    tablets, pills, medication, fever, bleeding, blood, swollen, dizzy, tooth, surgery, physio, rash, infection,
    vomiting, breath, arzt, zahnarzt, schmerzen, fieber, tabletten, médecin, dentiste, douleur, fièvre, médico,
    dentista, dolor, fiebre, pastillas, dor, febre
    """
)
MIND: Final = phrase_set("stress, stressed, therapy, therapist, anxiety, panic, burnout")

MONEY: Final = (
    r"(?<![\w.,])(?:[£€$₹]\s?\d[\d.,]*k?|R\$\s?\d[\d.,]*|\d[\d.,]*\s?(?:[£€$₹]|quid|bucks|dollars?|pounds?|euros?|eur"
    r"|rupees?|reais|pesos|öcken))(?!\w)"
)
"""An amount of money."""

DESCRIPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "economic": (
        "money, what it costs and what I earn", "rent, bills, debts and prices", "my job, my customers and my income",
    ),
    "relational": (
        "my family and my friends", "how we get on with each other", "people I love and look after",
    ),
    "legacy": (
        "what will remain of me when I am gone", "something for my grandchildren and the next generations",
        "keep the memories and the old things alive",
    ),
    "health": ("my body, pain and illness", "sleep, doctor, medicine", "feeling well or unwell"),
    "growth": ("learn something new", "practise and get better at it", "courses, books and lessons"),
}  # fmt: skip
"""The values in the words in which people write about them; compared with the thought as a whole."""
