"""Knows the words that stand before a name, and those that name a person by a role.

A title is no part of a name. A role, such as "my sister" or "the vet", is optional: finding it is neither right nor
wrong.
"""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES: Final = _words(
    "mr mrs ms miss mx dr doc doctor prof professor sir dame lady lord madam rev reverend fr father sister brother st "
    "saint nurse officer judge captain capt coach uncle aunt auntie aunty "
    "herr frau hr fr onkel tante schwester "
    "monsieur madame mademoiselle mme mlle maître oncle docteur "
    "señor señora señorita sr sra srta don doña tío tía tio tia doctora profesor profesora "
    "senhor senhora dona doutor doutora professora seu"
)
"""Lower case, without a final full stop."""

DETERMINERS: Final = _words(
    "my our your his her their the a an this that one "
    "mein meine meinen meinem meiner unser unsere unseren der die das den dem ein eine "
    "mon ma mes notre nos son sa le la les un une l' "
    "mi mis nuestro nuestra nuestros su el la los las un una "
    "meu minha meus minhas nosso nossa o a os as um uma"
)

ROLES: Final = _words(
    "mum mom mam mummy mommy mama mother dad daddy papa father pa parents nan nana nanna nanny gran granny grandma "
    "grandmother grandpa grandad granddad grandfather sister sis brother bro wife husband partner ex girlfriend "
    "boyfriend son daughter kid kids child children baby cousin cousins niece nephew uncle aunt auntie friend mate "
    "neighbour neighbours neighbor neighbors boss manager colleague landlord landlady tenant doctor dentist nurse vet "
    "midwife therapist teacher coach accountant lawyer solicitor plumber electrician mechanic builder cleaner driver "
    "supervisor professor physio gp pharmacist priest judge team client customer "
    "mutter mutti vater papa vati oma opa schwester bruder frau mann freund freundin tochter sohn kind kinder chef "
    "chefin nachbar nachbarin arzt ärztin zahnarzt hausarzt vermieter lehrer lehrerin tante onkel eltern kollege "
    "kollegin "
    "maman mère père papa mamie papi papy mémé pépé sœur soeur frère femme mari ami amie fille fils enfant enfants "
    "patron patronne voisin voisine médecin docteur dentiste propriétaire tante oncle parents collègue "
    "mamá madre papá padre abuela abuelo yaya yayo hermana hermano mujer esposa marido novio novia hija hijo hijos "
    "niño niña niños amigo amiga jefe jefa vecino vecina médico médica dentista casero tía tío primo prima "
    "mãe pai avó avô vó vô irmã irmão esposa namorado namorada filha filho filhos amiga amigo chefe vizinho vizinha "
    "tia tio primo prima sogra sogro"
)
