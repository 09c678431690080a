"""Lists the words around which people are named, by language. `agents.offline.people` defines what each list means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agents.offline.word_sets import word_set


@dataclass(frozen=True)
class PeopleWords:
    """The words of one language, in lower case."""

    kin: frozenset[str]
    """Kin words used as names."""
    kin_titles: frozenset[str]
    """Kin words that belong to the name after them: "uncle Festus"."""
    titles: frozenset[str]
    """Titles, which are left out: "Dr Goh"."""
    owners: frozenset[str]
    """Words before a kin word that make it a role: "my mum"."""
    contact: frozenset[str]
    """Verbs, and prepositions after them, whose object is a person."""
    contact_after: frozenset[str]
    """Verbs that follow their object."""
    human: frozenset[str]
    """Verbs whose subject is a person."""
    person_nouns: frozenset[str]
    """What only people have: "Rachel's wedding"."""
    articles: frozenset[str]
    """What never stands before a person's name."""


_PLACE_BEFORE = word_set(
    "rue place avenue boulevard quai pont gare lycée collège école hôpital clinique métro metro saint st"
    " sainte san santa"
    " santo são sao sankt calle plaza via avenida paseo glorieta parque colonia barrio mercado rua praça"
    " mount lake port"
    " virgen virgem queen king lord fort cape camp villa castle palace hotel café restaurant bar pub church hospital"
    " marché musée cimetière clínica"
    " labo ehpad cabinet teatro stade estadio club psg fc"
)
_PLACE_AFTER = word_set(
    "street st road rd seat pond wood woods fell peak point head iv vi vii viii iii ii"
    " ave avenue lane ln park hospital school church station square hill bridge beach college"
    " university court drive blvd boulevard terrace crescent gardens island airport hall museum library theatre theater"
    " cathedral abbey castle cemetery market primary academy surgery platz straße strasse allee weg county valley"
    " creek river bay heights building tower centre center mall stadium arena site farm"
)
_WORKS = word_set(
    "song songs album book books novel film movie record poem poems concert lyrics tune podcast biography documentary"
    " symphony sonata opera chanson livre roman disque lied buch canción cancion libro disco livro música"
    " museum exhibition"
)
_PETS = word_set(
    "dog cat puppy kitten horse pony hamster rabbit betta fish goldfish"
    " parrot budgie budgies tortoise turtle ferret gecko donkey goat hen rooster terrier labrador spaniel collie"
    " wellensittich schildkröte poisson perroquet tortue loro tortuga papagaio tartaruga mare gelding hund"
    " kater katze hündin welpe pferd pony"
    " kaninchen chien"
    " chat chatte chienne cheval lapin perro perra gato gata caballo conejo cachorro cachorra cavalo coelho"
)
_ANIMAL_VERBS = word_set(
    "barked barks bark purrs purred meowed miaowed humpelt bellt miaut schnurrt aboie miaule ronronne ladra maúlla late"
    " mia neighed whinnied"
)

ENGLISH: Final = PeopleWords(
    kin=word_set(
        "mum mom mam mama ma mummy mommy mumma momma dad da daddy papa pops grandma gran granny nan nana nanna grandpa"
        " grandad granddad gramps grandaddy pawpaw mawmaw meemaw popo pappa ammi amma appa abba amma ouma oupa abuela"
        " mami papi mamá papá abuelo abuelita masi nani chacha bua baba-ji mother father grandmother"
        " grandfather auntie mamaw papaw nonna nonno yiayia bubbe lola nani dadi"
        " ammachi halmoni"
    ),
    kin_titles=word_set(
        "uncle aunt auntie aunty aunti tio tia tía tío ouma oupa gran grandma granny nana nan mama papa"
        " grandpa tante oma"
        " opa"
    ),
    titles=word_set(
        "mr mrs ms miss mx dr prof professor doctor sir lady lord rev reverend pastor father sister brother deacon imam"
        " rabbi coach judge officer sergeant sgt captain capt detective barrister nurse councillor cllr inspector"
        " principal headmaster oga chef bishop canon deaconess elder"
    ),
    owners=word_set(
        "my ma your his her our their the a an every each another some any no whose old new"
        " step-mum else's baby's"
        " kids' other ur ya mi these those both single proud good bad best worst of-a me bride's"
    ),
    contact=word_set(
        "call phone ring text email message msg dm ping ask tell remind thank invite meet visit facetime"
        " whatsapp contact"
        " owe pay chase nudge warn congratulate hug kiss forgive help pick collect fetch drop drive marry"
        " miss love hate"
        " called phoned rang texted emailed messaged pinged asked told reminded thanked invited met visited"
        " owed paid saw"
        " married missed forgave helped calling texting asking telling meeting visiting missing seeing see"
        " hire fire let"
        " venmo beg apologise apologize reply write talk speak chat lunch dinner coffee drinks brunch"
        " breakfast tea walk"
        " date appointment session meeting trip married beside remember"
    ),
    contact_after=frozenset(),
    human=word_set(
        "says said say asks asked tells told thinks thought knows knew wants wanted hopes hoped likes liked loves loved"
        " hates hated rang phoned texted texts emailed emails called calls wrote writes replied answered"
        " insists insisted"
        " claims claimed reckons reckoned suggested promised promises agreed refused offered laughed laughs cried cries"
        " smiled smiles sings sang plays played teaches taught works worked lives lived drives drove forgot remembers"
        " remembered noticed apologised apologized complained resigned retires retired quit got gets has had"
        " is was will"
        " keeps kept left came comes went goes took takes gave gives bought brought brings sent made makes looks looked"
        " seems seemed feels felt sleeps slept eats ate drinks drank cooks cooked wears wore lost found did does signed"
        " shouted whispered snores swears swore admits admitted needs needed won't can't doesn't didn't"
        " isn't wasn't hasn't wont cant doesnt didnt isnt wasnt hasnt finally already only actually legally really"
        " would could should might just never always still also used reads runs ran walks walked turned"
        " turns showed shows"
        " picked passed scored learned learnt fell broke hit paid owes owed put pulled pushed cut swears thinks leaves"
        " landed lands arrived arrives starts started finished moved moves"
    ),
    person_nouns=word_set(
        "nephew niece grandson granddaughter grandma granny landlord wife husband mum mom mother dad father sister"
        " brother son daughter kids kid children child baby"
        " boyfriend girlfriend"
        " partner boss birthday wedding funeral party house place flat apartment room phone number email"
        " message text dinner"
        " grandma gran nan uncle aunt cousin friend friends mate mates parents mind eyes face hand hands"
        " hair laugh voice"
        " smile heart job lease passport exam scan operation surgery eulogy gift present card school teacher"
        " desk car jacket"
        " coat shirt shoes bag keys wallet laptop advice idea plan question name handwriting mood temper"
        " advice cooking recipe"
    ),
    articles=word_set("the a an every these those"),
)
GERMAN: Final = PeopleWords(
    kin=word_set(
        "mama mutti mami mutter mum papa papi vati vater paps oma omi opa opi omma oppa großmutter omama anne baba"
    ),
    kin_titles=word_set("onkel tante oma opa omi opi"),
    titles=word_set(
        "frau herr herrn fr hr dr prof doktor professor familie fam pfarrer schwester fräulein meister kollegin kollege"
    ),
    owners=word_set(
        "meine meiner mein meinem meinen deine dein deiner seine sein seiner ihre ihr ihrer unsere unser"
        " unserer die der das"
        " den dem eine ein einer einem einen keine jede alle diese tote liebe"
    ),
    contact=word_set("mit bei für von an wegen und ruf frag sag schreib treffe treffen ohne zu gegen über"),
    contact_after=word_set(
        "anrufen fragen schreiben treffen besuchen abholen sagen erinnern danken einladen zurückrufen"
        " bescheid antworten"
        " gratulieren helfen mailen anschreiben schicken bringen geben wecken informieren"
    ),
    human=word_set(
        "sagt sagte meint meinte fragt fragte ruft rief will wollte hat hatte ist war kommt kam geht ging"
        " schreibt schrieb"
        " denkt dachte weiß wusste macht machte kriegt kriegte braucht brauchte findet fand lacht lachte weint weinte"
        " schläft wohnt arbeitet fährt fuhr holt holte bringt brachte soll sollte kann konnte muss musste"
        " darf wird würde"
        " singt spielt isst trinkt trägt redet schaut guckt liest lernt sitzt liegt steht feiert heiratet zieht krank"
        " zahlt zahlte nimmt nahm gibt gab hört hilft half vergisst vergaß bedankt klingt"
    ),
    person_nouns=word_set(
        "frau mann mutter vater schwester bruder sohn tochter kind kinder geburtstag hochzeit beerdigung wohnung zimmer"
        " handy nummer mail party freund freundin chef"
    ),
    articles=word_set("das ein eine des einem einen jede jeder namens heißt"),
)
FRENCH: Final = PeopleWords(
    kin=word_set("maman papa mamie papi papy mémé pépé mamy mamé papé tata tonton tatie parrain marraine mère père"),
    kin_titles=word_set("oncle tante tonton tata tatie mamie papi papy mémé pépé"),
    titles=word_set("m mr mme mlle madame monsieur mademoiselle dr docteur pr professeur maître me père frère soeur"),
    owners=word_set(
        "ma mon mes ta ton tes sa son ses notre nos votre vos leur leurs la le les une un des cette ce du"
        " jeune chaque de-la"
    ),
    contact=word_set(
        "appeler rappeler demander dire écrire voir inviter remercier prévenir visiter chez avec pour à"
        " chercher rejoindre"
        " aider embrasser croiser épouser récupérer emmener déposer envoyer rendre répondre parler offrir"
        " proposer sans et"
        " manque que d' de par appelle demande dis vois"
    ),
    contact_after=frozenset(),
    human=word_set(
        "dit disait demande demandait pense pensait veut voulait a avait est était sera va vient part rit"
        " pleure m'a t'a l'a"
        " nous s'est sait croit trouve appelle rappelle écrit répond arrive passe prend mange dort chante"
        " joue travaille"
        " habite refuse accepte promet oublie aime déteste préfère attend revient reste ne n'a n'est me te"
        " se lui m' t' l' s'"
        " n' lit sort court saute tousse paiera viendra gagne perd porte cherche garde fait faisait met"
        " donne gagne regarde"
    ),
    person_nouns=frozenset(),
    articles=word_set("la le les un une des l' cette ces ce"),
)
SPANISH: Final = PeopleWords(
    kin=word_set(
        "mamá mama mami amá papá papi apá abuela abuelo abuelita abuelito yaya yayo tata nana mamita papito madre padre"
    ),
    kin_titles=word_set("tío tía tio tia abuela abuelo "),
    titles=word_set(
        "don doña dona señor señora señorita sr sra srta dr dra doctor doctora profe profesor profesora"
        " maestro maestra compa padre"
    ),
    owners=word_set(
        "mi mis tu tus su sus la las el los una un unas unos nuestra nuestro esta este esa ese cada otra"
        " otro de-la del al"
    ),
    contact=word_set(
        "a con para pa de llamar decir preguntar avisar visitar ver sin y con por llama dile pregunta avisa"
        " contra entre"
    ),
    contact_after=frozenset(),
    human=word_set(
        "dice dijo decía pregunta preguntó piensa quiere quería tiene tenía está estaba es era fue va viene"
        " vino llama llamó"
        " escribe escribió sabe cree lleva llevó trae trajo se me le nos ya no ha había puede pudo debe vive"
        " trabaja come duerme"
        " canta juega llora ríe rio cumple necesita sale salió llega llegó compró perdió ganó hizo hace da"
        " dio pone puso quedó"
        " ronca contesta contestó pide pidió manda mandó"
    ),
    person_nouns=frozenset(),
    articles=word_set("un una unos unas los las este esta estos estas cada"),
)
PORTUGUESE: Final = PeopleWords(
    kin=word_set(
        "mãe mae mamãe mamae mainha pai papai painho vó vovó vovo vô vovô voinha voinho avó avô madrinha padrinho mami"
    ),
    kin_titles=word_set("tio tia vó vô vovó vovô dona "),
    titles=word_set("seu dona sr sra dr dra doutor doutora senhor senhora prof professor professora pastor padre"),
    owners=word_set(
        "minha minhas meu meus tua teu sua seu suas seus nossa nosso uma um umas uns essa esse esta este"
        " cada outra outro as os"
        " aquela aquele toda todo dela dele de-uma"
    ),
    contact=word_set(
        "com para pra pro a o da do de ao à e por na no ligar perguntar avisar visitar ver sem chamar"
        " convidar agradecer"
    ),
    contact_after=frozenset(),
    human=word_set(
        "diz disse falou fala pergunta perguntou pensa quer queria tem tinha está tá estava é era foi vai"
        " vem veio liga ligou"
        " escreve escreveu sabe acha leva levou traz trouxe se me já não nao pode deve mora trabalha come"
        " dorme canta joga"
        " chora ri riu precisa sai saiu chega chegou comprou perdeu ganhou fez faz deu dá pediu pede mandou"
        " ficou passou caiu"
    ),
    person_nouns=frozenset(),
    articles=word_set("um uma uns umas os as este esta estes estas cada"),
)
PEOPLE_WORDS: Final[Mapping[str, PeopleWords]] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "pt": PORTUGUESE,
}
PLACE_BEFORE: Final = _PLACE_BEFORE
PLACE_AFTER: Final = _PLACE_AFTER
WORKS: Final = _WORKS
PETS: Final = _PETS
ANIMAL_VERBS: Final = _ANIMAL_VERBS
