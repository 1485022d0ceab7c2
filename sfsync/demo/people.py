"""Word lists of the made-up operator: common Italian names, towns and streets. Nobody in particular is meant."""

from __future__ import annotations

import json
from importlib.resources import files


def _words(text: str, between: str = " ") -> tuple[str, ...]:
    return tuple(text.split(between))


MEN = _words(
    "Alessandro Andrea Antonio Bruno Carlo Christian Claudio Cristiano Daniele Dario Davide Domenico Edoardo Emanuele "
    "Enrico Fabio Federico Filippo Francesco Gabriele Giacomo Gianluca Giorgio Giovanni Giulio Giuseppe Ivan Jacopo "
    "Leonardo Lorenzo Luca Luigi Manuel Marco Mario Massimo Matteo Mattia Michele Mirko Niccolò Nicola Paolo Pasquale "
    "Pietro Raffaele Riccardo Roberto Salvatore Samuele Sergio Simone Stefano Tommaso Valerio Vincenzo Walter"
)
WOMEN = _words(
    "Alessandra Alessia Alice Anna Arianna Aurora Beatrice Bianca Camilla Carla Caterina Chiara Claudia Cristina "
    "Daniela Debora Elena Eleonora Elisa Emma Erika Federica Francesca Giada Ginevra Giorgia Giovanna Giulia "
    "Giuseppina Ilaria Irene Laura Lucia Ludovica Luisa Maria Marianna Martina Michela Monica Nicole Noemi Paola "
    "Patrizia Roberta Rosa Sara Serena Silvia Simona Sofia Teresa Valentina Valeria Veronica Viola Zoè"
)
SURNAMES = _words(
    "Amato,Aiello,Barbieri,Barone,Basile,Battaglia,Bellini,Benedetti,Bernardi,Bianchi,Bianco,Bruno,Caputo,Carbone,"
    "Caruso,Castelli,Cattaneo,Colombo,Conte,Conti,Coppola,Costa,Costantini,D'Agostino,D'Amico,D'Angelo,De Angelis,"
    "De Luca,De Rosa,De Santis,De Simone,Di Stefano,Donati,Esposito,Fabbri,Farina,Ferrara,Ferrari,Ferraro,Ferretti,"
    "Ferri,Fiore,Fontana,Fusco,Galli,Gallo,Gatti,Gentile,Giordano,Giuliani,Grassi,Greco,Grimaldi,Guerra,Leone,Lombardi,"
    "Lombardo,Longo,Lo Russo,Mancini,Marchetti,Mariani,Marini,Marino,Martinelli,Martini,Martino,Mazza,Messina,Milani,"
    "Montanari,Monti,Morelli,Moretti,Neri,Orlando,Pagano,Palmieri,Palumbo,Parisi,Pellegrini,Pellegrino,Piras,Ricci,"
    "Rinaldi,Riva,Rizzi,Rizzo,Romano,Rossetti,Rossi,Ruggiero,Russo,Sala,Sanna,Santini,Santoro,Serra,Silvestri,"
    "Sorrentino,Testa,Valentini,Villa,Vitale,Vitali",
    ",",
)
# town, province, region, first CAP, cadastral code, telephone area code
TOWNS = tuple(
    tuple(line.split("|"))
    for line in """Roma|RM|Lazio|00118|H501|06
Milano|MI|Lombardia|20121|F205|02
Napoli|NA|Campania|80121|F839|081
Torino|TO|Piemonte|10121|L219|011
Palermo|PA|Sicilia|90121|G273|091
Genova|GE|Liguria|16121|D969|010
Bologna|BO|Emilia-Romagna|40121|A944|051
Firenze|FI|Toscana|50121|D612|055
Bari|BA|Puglia|70121|A662|080
Catania|CT|Sicilia|95121|C351|095
Venezia|VE|Veneto|30121|L736|041
Verona|VR|Veneto|37121|L781|045
Messina|ME|Sicilia|98121|F158|090
Padova|PD|Veneto|35121|G224|049
Trieste|TS|Friuli-Venezia Giulia|34121|L424|040
Brescia|BS|Lombardia|25121|B157|030
Taranto|TA|Puglia|74121|L049|099
Prato|PO|Toscana|59100|G999|0574
Modena|MO|Emilia-Romagna|41121|F257|059
Reggio Calabria|RC|Calabria|89121|H224|0965
Cagliari|CA|Sardegna|09121|B354|070
Sassari|SS|Sardegna|07100|I452|079
Perugia|PG|Umbria|06121|G478|075
Livorno|LI|Toscana|57121|E625|0586
Ravenna|RA|Emilia-Romagna|48121|H199|0544
Foggia|FG|Puglia|71121|D643|0881
Rimini|RN|Emilia-Romagna|47921|H294|0541
Salerno|SA|Campania|84121|H703|089
Latina|LT|Lazio|04100|E472|0773
Bergamo|BG|Lombardia|24121|A794|035
Pescara|PE|Abruzzo|65121|G482|085
Trento|TN|Trentino-Alto Adige|38121|L378|0461
Bolzano|BZ|Trentino-Alto Adige|39100|A952|0471
Ancona|AN|Marche|60121|A271|071
Potenza|PZ|Basilicata|85100|G942|0971
Campobasso|CB|Molise|86100|B519|0874
Aosta|AO|Valle d'Aosta|11100|A326|0165
Pozzuoli|NA|Campania|80078|G964|081
Fiumicino|RM|Lazio|00054|M297|06
Monza|MB|Lombardia|20900|F704|039""".splitlines()
)
STREETS = _words(
    "Via Roma,Via Garibaldi,Corso Italia,Via Mazzini,Via Cavour,Piazza Dante,Via Verdi,Via Marconi,Viale Europa,"
    "Via Matteotti,Via Trieste,Via della Libertà,Corso Vittorio Emanuele II,Via XX Settembre,Via Foscolo",
    ",",
)
COMPANY_WORDS = _words(
    "Aquila Aurora Centauro Cometa Delfino Diamante Dragone Fenice Fortuna Galassia Girasole Grifone Lago Leonessa "
    "Levante Meridiana Mistral Nettuno Oasi Orione Pegaso Perla Ponente Quadrifoglio Rondine Scirocco Smeraldo Sirio "
    "Stella Tirreno Tramontana Trifoglio Vega Zaffiro"
)
AGENTS = tuple(
    f"{name}@operator.example"
    for name in _words("giulia.ferri marco.riva sara.conti luca.marini elena.galli paolo.greco chiara.testa")
)


def agents() -> tuple[str, ...]:
    """Usernames of the operator's people in Salesforce: those the rehearsal org is seeded with, else our own list."""
    seeds = files("sfsync") / "rehearsal" / "seeds.json"
    if not seeds.is_file():
        return AGENTS
    found = tuple(sorted(_usernames(json.loads(seeds.read_text("utf-8")))))
    return found or AGENTS


def _usernames(node: object) -> set[str]:
    """Every Username in the document, wherever its users stand."""
    if isinstance(node, list):
        return set().union(*(_usernames(n) for n in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = {str(node["Username"])} if node.get("Username") and node.get("IsActive", True) else set()
    return own.union(*(_usernames(v) for v in node.values()))
