"""Lists the words that show a person beside them. `agents.offline.person_context` defines what each list means."""

from typing import Final

from agents.offline.word_sets import word_set


def _by_language(**texts: str) -> dict[str, frozenset[str]]:
    return {language: frozenset(text.split()) for language, text in texts.items()}


TO: Final = word_set(
    """
    talk talked talking speak spoke speaking write wrote writing reply replied apologise apologize listen lied
    """
)
ROLES: Final = word_set(
    """
    brother sister cousin son daughter nephew niece friend boyfriend girlfriend husband wife partner neighbour
    neighbor colleague mate roommate flatmate grandson granddaughter named frère sœur soeur cousine cousin ami
    amie fils fille voisin voisine mari hermano hermana primo prima amigo amiga hijo hija vecino vecina novio
    novia irmão irmã primo filho filha vizinho vizinha namorado namorada marido
    """
)
WITH: Final = word_set("with avec con com")
AND: Final = word_set("and und et y e & n")
SELF: Final = word_set("i me ich mich mir moi yo mí eu mim we us")
NEEDS_LINK: Final = word_set(
    """
    pick drop drive talk speak chat write reply apologise apologize lunch dinner coffee drinks brunch breakfast
    tea walk date appointment session meeting trip married call visit
    """
)
CONTACT_OF_PEOPLE: Final = word_set(
    """
    ask tell asked told text texted remind reminded thank thanked invite invited meet met congratulate hug kiss
    forgive marry ring rang
    """
)
CONTACT_VERBS: Final = _by_language(
    en="",
    de="",
    fr=(
        "appeler rappeler demander dire écrire parler envoyer rendre répondre offrir proposer donner"
        " téléphoner voir dîner"
        " déjeuner rdv rendez-vous passer manger sortir aller discuter chercher apporter prêter"
    ),
    es=(
        "llamar llamarle decir decirle preguntar preguntarle avisar avisarle mandar mandarle pedir pedirle"
        " hablar comer cenar"
        " quedar quedo quedé ver llevar llevarle dar darle comprar comprarle escribir escribirle cita"
        " reunión cumple contestar"
        " contestarle pagar pagarle recoger contarle regalarle devolver devolverle"
    ),
    pt=(
        "ligar ligo falar falei dizer perguntar avisar mandar pedir almoçar jantar sair encontrar levar dar"
        " comprar escrever"
        " reunião aniversário responder pagar devolver contar buscar pegar café almoço jantar"
    ),
)
SPEECH: Final = _by_language(
    en=(
        "says said asks asked tells told thinks thought wants wanted reckons reckoned rang phoned texted"
        " emailed called replied"
        " answered insists insisted claims claimed suggested promised agreed refused offered laughed cried smiled wrote"
        " resigned apologised apologized complained noticed forgot remembers knows loves hates admits"
        " admitted taught signed"
        " retires retired snores sings sang swears swore whispered shouted"
    ),
    de="sagt sagte meint meinte fragt fragte ruft rief schreibt schrieb will hat ist kommt",
    fr=(
        "dit disait demande demandait pense veut m'a m' l'a t'a s'est rit pleure appelle rappelle répond écrit"
        " croit refuse promet"
    ),
    es=(
        "dice dijo pregunta preguntó piensa quiere llamó llama escribe escribió cree contesta contestó pide"
        " pidió llora ronca"
    ),
    pt="diz disse falou fala pergunta perguntou pensa quer ligou liga escreveu acha pediu pede chora mandou",
)
