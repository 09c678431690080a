"""Lists words that look like names and are never a person of the writer's life."""

from typing import Final

from agents.offline.word_sets import word_set

NOT_NAMES: Final = word_set(
    """
    abba abenaki abril achilles adele adidas agosto aint aldi alexa allah amazon anglais août apple april arabic asda
    atm audi august aunt auntie austen avril bach barbie barclays batman beethoven bengali beyoncé bishop bmw boots
    bosch brexit brother cant cantonese captain celsius chatgpt chef chinese chopin christ christmas citroën claude
    clio coach corsa cortana county court covid darwin deacon december delilah denny's deus deutsch dewalt dezember
    dezembro diciembre dickens didnt dienstag diesel dieu dimanche dios diwali docker doctor doktor domingo don
    donnerstag dont doña dr dunlop dutch décembre easter eid einstein elsa else elvis enero englisch english español
    estates everybody excel facebook fahrenheit febrero februar february ferrari fevereiro fiat français frau freitag
    french freud friday frisbee février gabrielle gaelic gala gemini german github gitlab gloria god golf google gott
    gps greek halifax hallelujah halloween hari hemingway heres herr hes hilti hindi honda ibiza id igbo ikea ill im
    inglés inglês instagram invisible irish isnt italian its ive jacuzzi janeiro januar january janvier japanese java
    javascript jenkins jesus jeudi jolene jueves juillet juin julho juli julio july june junho juni junio kafka kangoo
    kannada karli klarna korean kubernetes kyrie lady landlord latin lego lemfi leon lets levis lidl lieutenant linkedin
    linux lloyds lord luigi lundi lunes madame magnificat mai maio makita malt management mandarin march mardi mario
    mars martes marx marzo março may mayo mercedes mercredi messi mittwoch miércoles mlle mme monday monet monsieur
    montag morrisons mozart mr mrs ms märz natal navidad netflix nietzsche nike nintendo nobody nokia nokian notion
    november novembre novembro noviembre noël number nurse october octobre octubre oktober olaf ostern outubro pascua
    passat pastor paypal pdf pentecost peugeot philips picasso pikachu plato playmobil playstation polish polo porsche
    portuguese português prof professor puma punjabi python páscoa pâques quarta quinta ramadan raya rembrandt renault
    reverend reviewer rihanna ronaldo roxanne russian rust sainsbury sainsburys samedi samstag samsung sancerre
    sanctus santa santander saturday schubert scots scottish segunda sendwave senhor senhora september septembre
    septiembre sergeant setembro sexta señor señora shakespeare shes shona silvester siri sister skoda slack somebody
    someone sonntag sony spanish spotify stanley sugar sunday superman swahili sábado tamil target telugu terça tesco
    tesla thanksgiving thats theres thermos theyre thursday tier tiktok tolstoy toyota tuesday turkish twingo twitter
    uber uncle urdu vendredi venmo viernes vivaldi volkswagen volvo wasnt wednesday weihnachten welsh wendy's whats
    whatsapp wheres windows wont word xbox xhosa yoruba youre youtube zara zelle zoom zulu
    """
)
"""Days, months, languages, brands, artists, titles without a name, and words of haste such as "dont"."""

NOTIONS: Final = word_set(
    """
    april august autumn charity dawn dolores esperanza faith felicity glória grace harmony hope ivy joy june justice
    may mercy merit patience paz peace penny pilar rosa rose serenity soledad summer temperance unity verity will
    winter
    """
)
"""Names that are also a notion, a season or a plant, of which a sentence may say what it says of people."""
