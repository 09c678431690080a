"""Which people and places are found in a note, by language, and which words only look like a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.language import detect_language
from agents.offline.people import people
from agents.offline.places import places
from tests.agents.calls import WITHOUT_DEADLINE

PEOPLE = {
    "en": """
        Call mum before Friday about the hospital bill -> mum
        priya's lease ends in march and nobody told her -> priya
        ask prof okonkwo for the form -> okonkwo
        leo has fever again and the nursery is shut -> leo
        Karim says it will be fine -> Karim
        lunch with Bernadette and then the bank -> Bernadette
        told owen good job and he turned red -> owen
        thank-you card to Mrs Wijaya for the orchids -> Wijaya
        does Dr Naidoo do telehealth or do I drive -> Naidoo
        Uncle Festus has finally paid -> Uncle Festus
        call aunt jo sometime this week -> aunt jo
        Father asked me three times during dinner -> Father
        Which of us is to collect Grandad from the day centre -> Grandad
        Wei Ling shall have my comments -> Wei Ling
        send jonah the voice memo, not the car one -> jonah
        hallie's laugh got me by the throat -> hallie
        kaylas tuition bill is more than they said -> kayla
        text Wojtek about the keys, he has them -> Wojtek
        Ravindran used the word twice and did not look at me -> Ravindran
        the meeting with Kerdraon went badly -> Kerdraon
        Karim and I cross like two trams -> Karim
        marisol and jonah are late again -> marisol; jonah
        ask Will whether he can come -> Will
        Mark says no, as always -> Mark
        we play at dads shop after closing -> dad
        Gráinne rang at teatime about the tablets -> Gráinne
        mami won't tell me what the doctor said -> mami
        her brother Delroy arrived on Saturday -> Delroy
        rent check to papadakis, he wants it today -> papadakis
        the Hendersons have moved out of the house -> Hendersons
        text mum and Tom about it -> mum; Tom
        tell Tom the dog is ill -> Tom
        called her sister Bernadette -> Bernadette
        Jack is coming on Friday -> Jack
        I was short with Mother over the soya sauce -> Mother
    """,
    "de": """
        Mama anrufen wegen der rechnung -> Mama
        oma lisbeth hat am mittwoch geburtstag -> oma lisbeth
        rezept frau dießner liegt noch im drucker -> dießner
        Termin mit Dr. Petzold machen -> Petzold
        Anke anrufen, halbes jahr nichts gehört -> Anke
        micha ist wieder auf der autobahn -> micha
        opas moped springt wieder an, und die oma lacht -> opa; oma
        hab gestern zu frieda gesagt sie soll aufhören -> frieda
        janas geburtstag vorbereiten, ich sammel heimlich -> jana
        mutti hat den herd angelassen -> mutti
        Herrn Schütze zurückrufen, er geht nicht ran -> Schütze
        leonie und till fahren nach hause -> leonie; till
    """,
    "fr": """
        ordo de mme Chapuis à récupérer avant ce soir -> Chapuis
        le pied de M. Garnier est noir au bout -> Garnier
        m. da silva a gardé ma photo sur son frigo -> da silva
        appeler mamie ce soir pour les courses -> mamie
        qui va chercher noé demain, fatou est en congé -> noé; fatou
        Erwan passe dimanche avec les cartons -> Erwan
        vélo d'Inès : selle à remonter de deux crans -> Inès
        dîner avec Kerdraon dimanche, s'il est là -> Kerdraon
        papa prend toujours son médicament -> papa
    """,
    "es": """
        don nacho subió la renta sin avisar -> nacho
        mañana hay tutoría con el padre de Izan -> Izan
        decirle a kevin que si pasa le presto la moto -> kevin
        la dani se rió tan fuerte en el cine -> dani
        me debe 1200 el beto desde hace un mes -> beto
        llamar a abuela el domingo -> abuela
        cobrarle a la doctora rivas lo del paquete -> rivas
        tio beto quedó de llevarla a su cita -> tio beto
        recoger lentes de mamá en la óptica -> mamá
    """,
    "pt": """
        ligar pra mãe hoje à noite -> mãe
        a Priscila disse que não vem -> Priscila
        almoço com Thiago na sexta -> Thiago
        seu Raimundo não pagou o aluguel -> Raimundo
        perguntar pra dona Lurdes sobre a chave -> Lurdes
        a vó Nair está no hospital -> vó Nair
        o Bruninho passou no concurso -> Bruninho
        levar o remédio do Caio amanhã -> Caio
    """,
}

NO_PEOPLE = {
    "en": """
        my mum is a nurse and my sister too; grace under fire, as they say; the mark on the wall will not go
        a bottle of rosé
        rose early and may go far; Monday is the worst; she speaks Spanish and Greek; learn Rust and Python this winter
        St Edmund's is shut; the flat on Upper James Street; we live near Victoria Park; a Tim McGraw song made me cry
        the dog barked all night; our cat Duke is ill; the old stanley is in the garage; read Anna Karenina again
        Google the symptoms; call the plumber; text the landlord back; tell people early; meet the deadline; ask around
        paid 40 for the Makita; the Christmas concert; I dread Sunday; it's Father's Day soon; a friend of a friend
        An URGENT email about the mailbox; The Urgent label is on every message; moved to Berlin; my name is on the list
        Hope is all I have; Faith keeps me going; Jack up the car; Peter out as always; Jenkins is down again
        Harry Potter is on tonight; Virginia Woolf said it well; a bottle of Jack Daniels; Paris Hilton is on the cover
        Uncle Ben's rice; Mrs. Dalloway for the club; Dr. Martens are killing my feet; Max ate my shoe, bad dog
        gary's tank is at 61; renamed the wheelchair Bernadette; he calls his scarecrow Boris
        the other mums at the gate; the dog is named Reinhold Messner; the whole of Arthur's Seat was gone
        a book by Jane Austen
        what does a bishop wear; in Katy the rents are lower
    """,
    "de": """
        meine Mutter kommt morgen; die Rechnung ist da; der Hund humpelt; eine Rose im Garten; der Mann geht nicht ran
        im Keller steht Wasser; Herr der Lage ist hier keiner; am Montag ist Schule; die Frau sagt nein
        wir fahren nach Halle
        das ist ernst gemeint; der wolf ist los; mein vater wird alt
    """,
    "fr": """
        la Clio me fait un caprice; ma mère est venue; rue Paul Bert il y a des travaux; le chat miaule
        une rose pour elle
        écouter la radio; le père du voisin; les mamies du quartier; mardi est loin
    """,
    "es": """
        mi mamá está bien; la rosa del jardín; calle Juan Pérez está cerrada; una señora me saludó; el perro ladra
        san juan es lejos
        llamar a Endesa; el hospital Virgen del Rocío; su libro de Almudena Grandes
        pero no hay prisa; dan propina los perros
    """,
    "pt": """
        minha mãe está bem; a rosa do jardim; rua João Pessoa está fechada; o cachorro late; uma senhora me ajudou
        a moça do caixa foi legal; Bia é o nome da gata; Magazine Luiza não responde
        a moça do caixa foi legal; ligar pra Ultragaz; a Compesa diz que não; a rua da Moeda; a casa ficou linda
    """,
}

PLACES = {
    "en": """
        I shall ring him in Perth tonight -> Perth
        the storage unit is in braintree and the lease in boston -> braintree; boston
        a red light in Upper Thomson Road -> Upper Thomson Road
        what if we meet at Bear Creek Park -> Bear Creek Park
        flights from Hong Kong to São Paulo are cheap -> Hong Kong; São Paulo
        the carer had nursed in Cebu -> Cebu
        the neighbour on pleasant st is back -> pleasant st
        did I tell you about germany -> germany
        the tenant in Melbourne has stopped answering -> Melbourne
        he comes back from New York on Friday -> New York
    """,
    "de": """
        er sitzt in Kiel und schickt Emojis -> Kiel
        die sache in der Schwarzstraße war schlimm -> Schwarzstraße
        wir fahren im sommer nach portugal -> portugal
        der kurs ist in dresden im herbst -> dresden
    """,
    "fr": """
        on vit à Lyon depuis trois ans -> Lyon
        je passe par la rue Paul Bert à 8h -> rue Paul Bert
        elle déménage chez son fils à Annecy -> Annecy
        chez le notaire, place de la Liberté -> place de la Liberté
    """,
    "es": """
        quiero ir a oaxaca en diciembre -> oaxaca
        mi hermana vive en Sevilla y no viene -> Sevilla
        la farmacia de la calle Mayor está cerrada -> calle Mayor
    """,
    "pt": """
        a reunião foi em Recife na semana passada -> Recife
        mudar pra portugal ano que vem -> portugal
        a padaria da rua Augusta fechou -> rua Augusta
    """,
}

NO_PLACES = {
    "en": """
        meet at the office; drive home; go to school; in March; in Spanish; in Excel it works; a nice day
        bath time; reading a book
        turkey for dinner; the china cup; to Anna; from Google; with Sydney; brussels sprouts
        Bank of Scotland called; in Court
        an Edinburgh accent; my mobile is dead; the split was hard
    """,
    "de": """
        im Büro; zu Hause; in der Schule; essen gehen; die halle ist kalt; baden gehen; der spielplatz ist zu
        in Arbeit; gut essen
    """,
    "fr": "au bureau; à la maison; l'école est fermée; des tours de magie; une orange; nice comme tout; à Pâques",
    "es": "en la oficina; en casa; una granada; la paz del campo; en Navidad; un mercado lleno",
    "pt": "no trabalho; em casa; a vitória foi nossa; na escola; o natal está chegando; santos de casa",
}


def rows(table: dict[str, str]) -> list[tuple[str, str, list[str]]]:
    lines = [
        (language, line.split(" -> ")) for language, text in table.items() for line in text.splitlines() if "->" in line
    ]
    return [(language, note.strip(), names.split("; ")) for language, (note, names) in lines]


FRAMES = {"en": "and then it was: ", "de": "und ich habe das nicht: ", "fr": "et je ne suis pas là : ",
          "es": "y yo no lo sé porque: ", "pt": "e eu não sei o que é: "}  # fmt: skip
"""A beginning that gives a short phrase its language."""


def phrases(table: dict[str, str]) -> list[tuple[str, str]]:
    split = ((language, text.replace("\n", ";").split(";")) for language, text in table.items())
    return [
        (language, FRAMES[language] + phrase.strip()) for language, parts in split for phrase in parts if phrase.strip()
    ]


@pytest.mark.parametrize(("language", "note", "names"), rows(PEOPLE))
def test_people_are_found_as_they_are_written(language: str, note: str, names: list[str]) -> None:
    assert people(note, language) == names


@pytest.mark.parametrize(("language", "note"), phrases(NO_PEOPLE))
def test_no_person_is_invented(language: str, note: str) -> None:
    assert people(note, language) == []


@pytest.mark.parametrize(("language", "note", "names"), rows(PLACES))
def test_places_with_a_name_are_found(language: str, note: str, names: list[str]) -> None:
    assert places(note, language) == names


@pytest.mark.parametrize(("language", "note"), phrases(NO_PLACES))
def test_no_place_is_invented(language: str, note: str) -> None:
    assert places(note, language) == []


@pytest.mark.parametrize(("language", "note", "names"), rows(PEOPLE) + rows(PLACES))
def test_the_language_of_these_notes_is_detected(language: str, note: str, names: list[str]) -> None:
    assert detect_language(note) == language


def test_a_text_of_an_unknown_language_has_no_names() -> None:
    assert people("Anna", None) == places("Paris", None) == []


@pytest.mark.parametrize(
    "text",
    [
        "ask " * 2500,
        "the A" + "a" * 9000,
        "Mei-" * 2500,
        "in Upper " * 1100,
        "my friend Anna and " * 500,
        "d'" * 5000,
        "\u00c9" * 10_000,
    ],
    ids=lambda text: ascii(text[:8]),
)
@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
def test_the_longest_texts_are_read_and_every_name_is_quoted(text: str, language: str) -> None:
    assert all(name in text for name in people(text, language) + places(text, language))


@WITHOUT_DEADLINE
@given(
    st.text(st.characters(codec=None), max_size=200),
    st.sampled_from(["ask Anna", "in Paris", "M. da Silva", "\u0130nes", "oma"]),
)
def test_every_name_is_quoted_from_the_text(text: str, phrase: str) -> None:
    note = f"{text} {phrase} {text}"
    for language in ("en", "de", "fr", "es", "pt"):
        assert all(name in note for name in people(note, language) + places(note, language))
