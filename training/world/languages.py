"""What a language needs to speak of the world: its words and its grammar. German and Spanish; English is in `captions`.

Nouns stand with their definite article, which tells gender and number: `der Hase|Hasen` is masculine and becomes
`Hasen` in the other cases. Words after the first of a tuple are synonyms; the tables `more` are never trained on.
A form is a template over things; a `{x.nom}` asks the thing `x` for itself in that grammatical shape.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The vocabulary of a language; every table maps a name of the catalogue to ways of saying it, the usual one first."""

    names: dict
    colours: dict
    motions: dict
    sizes: dict
    materials: dict
    relations: dict  # relation -> {"r": wordings of first to second, "q": of second to first, "w": after "second with first"}
    adjectives: tuple  # say nothing that could be seen; tails and leads neither
    tails: tuple
    leads: tuple = ()  # only before what is a phrase, and no clause


@dataclass(frozen=True)
class Language:
    """Words and forms that are trained, and those that are not; `thing` inflects."""

    thing: type
    words: Words
    more: Words
    forms: dict  # what is told -> family -> templates
    more_forms: dict
    sounds: dict  # what the sounding kinds do
    nearby: tuple  # how a third thing is added to a scene
    more_nearby: tuple


@dataclass(frozen=True)
class Thing:
    """A noun with what is said of it; words that are phrases ("made of metal") come after it."""

    noun: str
    colour: str = ""
    size: str = ""
    material: str = ""
    adjective: str = ""
    motion: tuple = ()
    sound: str = ""

    def before(self, colour: bool) -> list[str]:
        """Adjectives in the order of English and German."""
        chosen = (self.adjective, self.size, self.colour if colour else "", self.material)
        return [word for word in chosen if word and not (word == self.material and " " in word)]

    @property
    def after(self) -> str:
        return f" {self.material}" if " " in self.material else ""

    @property
    def c(self) -> str:
        return self.colour


class GermanThing(Thing):
    """`nom`, `acc` and `dat` with the indefinite article, `the` and `the_dat` with the definite; `_k` is without the colour."""

    UNCHANGED = ("orange", "türkis", "lila", "rosa", "pink", "bonbonrosa")
    ARTICLES = {
        "m": ("ein", "einen", "einem", "der", "den", "dem"), "f": ("eine", "eine", "einer", "die", "die", "der"),
        "n": ("ein", "ein", "einem", "das", "das", "dem"),
    }  # fmt: skip
    ENDINGS = {"m": ("er", "en", "en", "e", "en", "en"), "f": ("e", "e", "en", "e", "e", "en"), "n": ("es", "es", "en", "e", "e", "en")}

    @property
    def gender(self) -> str:
        return {"der": "m", "die": "f", "das": "n"}[self.noun[:3]]

    def phrase(self, shape: int, colour: bool = True, article: bool = True) -> str:
        """`shape` counts through the tables: indefinite nominative, accusative, dative, then definite."""
        ending = self.ENDINGS[self.gender][shape]
        words = [word if word in self.UNCHANGED else word + ending for word in self.before(colour)]
        straight, _, other = self.noun[4:].partition("|")
        noun = straight if shape in (0, 3) or not other else other
        return " ".join([self.ARTICLES[self.gender][shape]] * article + [*words, noun]) + self.after

    nom = property(lambda self: self.phrase(0))
    acc = property(lambda self: self.phrase(1))
    dat = property(lambda self: self.phrase(2))
    the = property(lambda self: self.phrase(3))
    the_dat = property(lambda self: self.phrase(5))
    bare = property(lambda self: self.phrase(0, article=False))
    nom_k = property(lambda self: self.phrase(0, colour=False))
    acc_k = property(lambda self: self.phrase(1, colour=False))
    dat_k = property(lambda self: self.phrase(2, colour=False))
    the_k = property(lambda self: self.phrase(3, colour=False))
    bare_k = property(lambda self: self.phrase(0, colour=False, article=False))
    who = property(lambda self: self.ARTICLES[self.gender][3])
    whom = property(lambda self: self.ARTICLES[self.gender][5])
    pron = property(lambda self: {"m": "er", "f": "sie", "n": "es"}[self.gender])
    whose = property(lambda self: "deren" if self.gender == "f" else "dessen")
    v = property(lambda self: self.motion[0])
    m = property(lambda self: self.motion[1])


class SpanishThing(Thing):
    """`a` and `the` with adjectives behind the noun; `_k` is without the colour; verbs agree in number."""

    UNCHANGED = ("café", "cian", "marfil")
    STRESSED_A = ("hacha",)  # feminine, yet el hacha and un hacha

    @property
    def shape(self) -> tuple[bool, bool]:
        """(feminine, plural)."""
        article = self.noun.split(" ")[0]
        return article in ("la", "las"), article in ("los", "las")

    def agreeing(self, word: str) -> str:
        """Colours that are named for things (rosa, lila, azul marino) stay as they are."""
        feminine, plural = self.shape
        if " de " in word:  # hecho de madera
            head, _, rest = word.partition(" de ")
            return f"{self.agreeing(head)} de {rest}"
        if " " in word or word.endswith("a") or word in self.UNCHANGED:
            return word
        if word.endswith("o") and feminine:
            word = word[:-1] + "a"
        if plural:
            word = word.replace("ón", "on") + ("s" if word[-1] in "aeo" else "es")
        return word

    def phrase(self, article: str, colour: bool = True) -> str:
        words = (self.colour if colour else "", self.size, self.adjective, self.material)
        noun = self.noun.split(" ", 1)[1]
        return " ".join([article, noun, *(self.agreeing(word) for word in words if word)]).strip()

    @property
    def articles(self) -> tuple[str, str]:
        """(indefinite, definite)."""
        feminine, plural = self.shape
        if self.noun.split(" ")[1] in self.STRESSED_A:
            return "un", "el"
        return ("unas" if plural else "una", self.noun.split(" ")[0]) if feminine else ("unos" if plural else "un", self.noun.split(" ")[0])

    a = property(lambda self: self.phrase(self.articles[0]))
    the = property(lambda self: self.phrase(self.articles[1]))
    bare = property(lambda self: self.phrase(""))
    a_k = property(lambda self: self.phrase(self.articles[0], colour=False))
    the_k = property(lambda self: self.phrase(self.articles[1], colour=False))
    bare_k = property(lambda self: self.phrase("", colour=False))
    c = property(lambda self: self.agreeing(self.colour))
    be = property(lambda self: "son" if self.shape[1] else "es")
    stand = property(lambda self: "están" if self.shape[1] else "está")
    seen = property(lambda self: "se ven" if self.shape[1] else "se ve")
    found = property(lambda self: "se encuentran" if self.shape[1] else "se encuentra")
    painted = property(lambda self: self.agreeing("pintado"))
    m = property(lambda self: self.motion[0])
    v = property(lambda self: self.motion[2 if self.shape[1] else 1])


GERMAN_NAMES = {
    "mug": ("der Becher", "die Tasse", "der Kaffeebecher"), "teapot": ("die Teekanne", "die Kanne", "der Teekessel"),
    "bottle": ("die Flasche", "die Wasserflasche"), "chair": ("der Stuhl", "der Esszimmerstuhl"), "table": ("der Tisch", "der Esstisch"),
    "bed": ("das Bett", "das Doppelbett"), "lamp": ("die Lampe", "die Leselampe", "die Leuchte"), "clock": ("die Uhr", "der Wecker"),
    "umbrella": ("der Regenschirm", "der Schirm", "der Sonnenschirm"), "hat": ("der Hut", "der Zylinder"),
    "crown": ("die Krone", "die Königskrone", "das Diadem"), "key": ("der Schlüssel", "der Türschlüssel"),
    "hammer": ("der Hammer", "der Zimmermannshammer"), "ladder": ("die Leiter", "die Trittleiter", "die Stehleiter"),
    "sword": ("das Schwert", "der Säbel"), "house": ("das Haus", "das Wohnhaus", "das Häuschen"),
    "guitar": ("die Gitarre", "die Akustikgitarre"), "drum": ("die Trommel", "die Pauke"), "bell": ("die Glocke", "die Schelle", "das Glöckchen"),
    "trumpet": ("die Trompete", "das Flügelhorn"), "piano": ("das Klavier", "das Piano"), "car": ("das Auto", "der Wagen", "der PKW"),
    "train": ("der Zug", "die Lokomotive", "die Eisenbahn"), "airplane": ("das Flugzeug", "der Flieger"),
    "helicopter": ("der Hubschrauber", "der Helikopter"), "rocket": ("die Rakete", "das Raumschiff"),
    "sailboat": ("das Segelboot", "das Segelschiff", "die Jacht"), "robot": ("der Roboter", "der Android|Androiden"),
    "bird": ("der Vogel", "der Singvogel", "das Vögelchen"), "dog": ("der Hund", "der Welpe|Welpen", "das Hündchen"),
    "fish": ("der Fisch", "der Zierfisch"),
    "bee": ("die Biene", "die Honigbiene", "die Hummel"), "tree": ("der Baum", "der Laubbaum"), "mushroom": ("der Pilz", "der Fliegenpilz"),
    "cactus": ("der Kaktus", "die Kaktee"), "snowman": ("der Schneemann", "die Schneefigur"), "sofa": ("das Sofa", "die Couch", "das Kanapee"),
    "stool": ("der Hocker", "der Barhocker", "der Schemel"), "bookshelf": ("das Bücherregal", "das Regal", "der Bücherschrank"),
    "bathtub": ("die Badewanne", "die Wanne"), "television": ("der Fernseher", "das Fernsehgerät", "der Fernsehapparat"),
    "saw": ("die Säge", "die Handsäge", "der Fuchsschwanz"), "screwdriver": ("der Schraubenzieher", "der Schraubendreher"),
    "axe": ("die Axt", "das Beil"), "shovel": ("die Schaufel", "der Spaten", "die Schippe"), "scissors": ("die Schere", "die Papierschere"),
    "broom": ("der Besen", "der Kehrbesen"), "bucket": ("der Eimer", "der Kübel", "der Wassereimer"), "apple": ("der Apfel", "das Äpfelchen"),
    "banana": ("die Banane", "die Kochbanane"), "pineapple": ("die Ananas", "die Ananasfrucht"),
    "carrot": ("die Karotte", "die Möhre", "die Mohrrübe"),
    "pumpkin": ("der Kürbis", "der Speisekürbis"), "fork": ("die Gabel", "die Essgabel"), "cat": ("die Katze", "der Kater", "das Kätzchen"),
    "duck": ("die Ente", "der Erpel"), "frog": ("der Frosch", "die Kröte", "der Laubfrosch"),
    "cricket": ("die Grille", "der Grashüpfer", "die Heuschrecke"),
    "turtle": ("die Schildkröte", "die Landschildkröte"), "snail": ("die Schnecke", "die Weinbergschnecke"),
    "elephant": ("der Elefant|Elefanten", "der Dickhäuter"), "giraffe": ("die Giraffe",),
    "rabbit": ("das Kaninchen", "der Hase|Hasen", "das Häschen"),
    "spider": ("die Spinne", "die Kreuzspinne"), "butterfly": ("der Schmetterling", "der Falter", "die Motte"), "whale": ("der Wal", "der Buckelwal"),
    "bus": ("der Bus", "der Omnibus", "der Reisebus"), "truck": ("der Lastwagen", "der LKW", "der Laster"),
    "bicycle": ("das Fahrrad", "das Rad", "das Velo"),
    "submarine": ("das U-Boot", "das Unterseeboot", "das Tauchboot"), "ambulance": ("der Krankenwagen", "der Rettungswagen", "die Ambulanz"),
    "castle": ("die Burg", "das Schloss", "die Festung"), "church": ("die Kirche", "die Kapelle"), "tent": ("das Zelt", "das Campingzelt"),
    "windmill": ("die Windmühle", "die Mühle"), "lighthouse": ("der Leuchtturm", "das Leuchtfeuer"), "bridge": ("die Brücke", "die Bogenbrücke"),
    "flute": ("die Flöte", "die Blockflöte", "die Querflöte"), "telephone": ("das Telefon", "der Fernsprecher", "der Telefonapparat"),
    "tap": ("der Wasserhahn", "die Wasserarmatur"), "cannon": ("die Kanone", "das Geschütz", "die Haubitze"),
    "glasses": ("die Brille", "das Brillengestell"),
    "boot": ("der Stiefel", "der Schuh"), "flower": ("die Blume", "die Blüte", "das Blümchen"),
}  # fmt: skip

MORE_GERMAN_NAMES = {
    "mug": ("die Kaffeetasse",), "teapot": ("das Teekännchen",), "bottle": ("die Trinkflasche",), "chair": ("der Küchenstuhl",),
    "table": ("der Küchentisch",), "bed": ("das Gästebett",), "lamp": ("die Stehlampe",), "clock": ("die Wanduhr",), "umbrella": ("der Stockschirm",),
    "hat": ("der Sonnenhut",), "crown": ("die Kaiserkrone",), "key": ("der Hausschlüssel",), "hammer": ("der Vorschlaghammer",),
    "ladder": ("die Klappleiter",), "sword": ("das Langschwert",), "house": ("das Landhaus",), "guitar": ("die Konzertgitarre",),
    "drum": ("die Wirbeltrommel",), "bell": ("die Schulglocke",), "trumpet": ("die Jazztrompete",), "piano": ("das Konzertklavier",),
    "car": ("der Personenwagen",), "train": ("die Dampflokomotive",), "airplane": ("das Düsenflugzeug",), "helicopter": ("der Rettungshubschrauber",),
    "rocket": ("die Weltraumrakete",), "sailboat": ("die Segeljacht",), "robot": ("der Haushaltsroboter",), "bird": ("der Gartenvogel",),
    "dog": ("der Haushund",), "fish": ("der Aquarienfisch",), "bee": ("die Wildbiene",), "tree": ("der Obstbaum",), "mushroom": ("der Waldpilz",),
    "cactus": ("der Säulenkaktus",), "sofa": ("das Ecksofa",), "stool": ("der Küchenhocker",), "bookshelf": ("das Bücherbord",),
    "bathtub": ("die Sitzbadewanne",), "television": ("das TV-Gerät",), "saw": ("die Gartensäge",), "screwdriver": ("der Kreuzschraubenzieher",),
    "axe": ("die Streitaxt",), "shovel": ("die Gartenschaufel",), "scissors": ("die Küchenschere",), "broom": ("der Reisigbesen",),
    "bucket": ("der Putzeimer",), "apple": ("der Gartenapfel",), "banana": ("die Obstbanane",), "carrot": ("die Gartenmöhre",),
    "pumpkin": ("der Halloweenkürbis",), "fork": ("die Kuchengabel",), "cat": ("die Hauskatze",), "duck": ("die Wildente",),
    "frog": ("der Teichfrosch",),
    "cricket": ("die Feldgrille",), "turtle": ("die Wasserschildkröte",), "snail": ("die Gartenschnecke",),
    "elephant": ("der Zirkuselefant|Zirkuselefanten",), "giraffe": ("die Zoogiraffe",), "rabbit": ("das Zwergkaninchen",),
    "spider": ("die Gartenspinne",),
    "butterfly": ("der Tagfalter",), "whale": ("der Pottwal",), "bus": ("der Linienbus",), "truck": ("der Lastkraftwagen",),
    "bicycle": ("das Tourenrad",),
    "submarine": ("das Forschungs-U-Boot",), "ambulance": ("der Notarztwagen",), "castle": ("die Ritterburg",), "church": ("die Dorfkirche",),
    "tent": ("das Kuppelzelt",), "windmill": ("die Getreidemühle",), "lighthouse": ("der Küstenleuchtturm",), "bridge": ("die Flussbrücke",),
    "flute": ("die Schulflöte",), "telephone": ("das Festnetztelefon",), "tap": ("der Wasserkran",), "cannon": ("die Schiffskanone",),
    "glasses": ("die Lesebrille",), "boot": ("der Wanderstiefel",), "flower": ("die Gartenblume",),
}  # fmt: skip

GERMAN_WORDS = Words(
    names=GERMAN_NAMES,
    colours={
        "red": ("rot", "knallrot", "karminrot"), "orange": ("orange", "orangefarben", "mandarinenfarben"),
        "yellow": ("gelb", "zitronengelb", "goldgelb"),
        "green": ("grün", "grasgrün", "smaragdgrün"), "turquoise": ("türkis", "türkisfarben", "cyanfarben"),
        "blue": ("blau", "himmelblau", "marineblau"),
        "purple": ("lila", "violett", "purpurfarben"), "pink": ("rosa", "pink", "rosafarben"),
        "brown": ("braun", "schokoladenbraun", "kastanienbraun"),
        "black": ("schwarz", "pechschwarz", "tiefschwarz"), "white": ("weiß", "schneeweiß", "cremeweiß"),
    },
    motions={  # (in a main clause, at the end of a relative clause)
        "spinning": (("dreht sich", "sich dreht"), ("rotiert", "rotiert"), ("dreht sich im Kreis", "sich im Kreis dreht")),
        "rolling left": (("rollt nach links", "nach links rollt"), ("kugelt nach links", "nach links kugelt")),
        "rolling right": (("rollt nach rechts", "nach rechts rollt"), ("kugelt nach rechts", "nach rechts kugelt")),
        "bouncing": (("hüpft", "hüpft"), ("springt auf und ab", "auf und ab springt"), ("federt auf und ab", "auf und ab federt")),
        "rising": (("steigt auf", "aufsteigt"), ("steigt nach oben", "nach oben steigt"), ("schwebt nach oben", "nach oben schwebt")),
        "falling": (("fällt", "fällt"), ("fällt herunter", "herunterfällt"), ("sinkt nach unten", "nach unten sinkt")),
        "swinging": (("schwingt", "schwingt"), ("schwingt hin und her", "hin und her schwingt"), ("pendelt", "pendelt")),
        "approaching": (("kommt näher", "näher kommt"), ("nähert sich", "sich nähert"), ("kommt auf uns zu", "auf uns zukommt")),
    },
    sizes={"small": ("klein", "winzig"), "medium": ("mittelgroß",), "big": ("groß", "riesig")},
    materials={"plastic": ("aus Kunststoff", "aus Plastik"), "metal": ("aus Metall", "metallen", "aus Blech"), "wooden": ("aus Holz", "hölzern")},
    relations={
        "on": {"r": ("auf", "oben auf"), "q": (), "w": ("darauf", "obendrauf")},
        "under": {"r": ("unter", "unterhalb von"), "q": ("über", "oberhalb von"), "w": ("darunter",)},
        "left of": {"r": ("links von", "links neben"), "q": ("rechts von", "rechts neben"), "w": ("links davon", "links daneben")},
        "in front of": {"r": ("vor", "direkt vor"), "q": ("hinter", "direkt hinter"), "w": ("davor",)},
    },
    adjectives=("alt", "neu", "schön", "hübsch", "gewöhnlich", "lustig"),
    tails=(" auf dem Boden", " im Zimmer", " bei Licht", " von oben", " von der Seite", " zu Hause", " draußen", " heute", " .", " dort drüben"),
)  # fmt: skip

MORE_GERMAN_WORDS = Words(
    names=MORE_GERMAN_NAMES,
    colours={
        "red": ("kirschrot", "feuerrot"), "orange": ("apfelsinenfarben",), "yellow": ("sonnengelb",), "green": ("waldgrün",),
        "turquoise": ("aquamarinfarben",), "blue": ("königsblau",), "purple": ("veilchenfarben",), "pink": ("bonbonrosa",), "brown": ("nussbraun",),
        "black": ("kohlschwarz",), "white": ("milchweiß",),
    },
    motions={
        "spinning": (("kreiselt", "kreiselt"),), "rolling left": (("rollt auf die linke Seite", "auf die linke Seite rollt"),),
        "rolling right": (("rollt auf die rechte Seite", "auf die rechte Seite rollt"),), "bouncing": (("hopst auf und ab", "auf und ab hopst"),),
        "rising": (("bewegt sich nach oben", "sich nach oben bewegt"),), "falling": (("bewegt sich nach unten", "sich nach unten bewegt"),),
        "swinging": (("baumelt hin und her", "hin und her baumelt"),), "approaching": (("rückt näher", "näher rückt"),),
    },
    sizes={"small": ("klitzeklein",), "big": ("übergroß",)},
    materials={"metal": ("aus Eisen",), "wooden": ("aus hartem Holz",)},
    relations={
        "on": {"r": ("oben drauf auf",)}, "under": {"r": ("direkt unter",)}, "left of": {"r": ("auf der linken Seite von",)},
        "in front of": {"r": ("unmittelbar vor",)},
    },
    adjectives=("seltsam", "elegant"),
    tails=(" im Garten", " am Fenster"),
)  # fmt: skip

GERMAN = Language(
    thing=GermanThing,
    words=GERMAN_WORDS,
    more=MORE_GERMAN_WORDS,
    forms={
        "pair": {
            "phrase": ("{x.nom}", "{x.bare}", "{x.the}"),
            "shown": ("ein Bild von {x.dat}", "ein Foto von {x.dat}", "eine Aufnahme von {x.dat}", "ein Modell von {x.dat}"),
            "seen": ("ich sehe {x.acc}", "zeig mir {x.acc}", "wir suchen {x.acc}", "man sieht {x.acc}"),
            "statement": ("{x.the_k} ist {x.c}", "das ist {x.nom}", "hier ist {x.nom}"),
            "existence": ("es gibt {x.acc}", "da ist {x.nom}"),
            "relative": ("{x.nom_k}, {x.who} {x.c} ist",),
            "apposition": ("{x.nom_k}, {x.c}", "{x.bare_k} in {x.c}"),
        },
        "moving": {
            "clause": ("{x.nom} {x.v}", "{x.the} {x.v}"),
            "relative": ("{x.nom}, {x.who} {x.m}", "{x.the}, {x.who} {x.m}"),
            "shown": ("ein Film von {x.dat}, {x.who} {x.m}", "ein Video von {x.dat}, {x.who} {x.m}"),
            "seen": ("ich sehe {x.acc}, {x.who} {x.m}", "zeig mir {x.acc}, {x.who} {x.m}"),
            "two": ("{x.nom_k} {x.v} und ist {x.c}", "{x.the_k} ist {x.c} und {x.v}"),
            "how": ("wie {x.nom} {x.m}",),
        },
        "kind": {"phrase": ("{x.nom}", "{x.bare}", "{x.the}", "das ist {x.nom}", "irgend{x.nom}")},
        "sound": {
            "sound": ("{x.nom}", "so klingt {x.nom}", "man hört {x.acc}", "das Geräusch von {x.dat}", "{x.nom} {x.sound}", "{x.the} {x.sound}"),
        },
        "colour": {"phrase": ("etwas in {x.c}", "{x.c}", "es ist {x.c}", "alles ist {x.c}", "etwas, das {x.c} ist", "die Farbe {x.c}")},
        "motion": {"phrase": ("etwas {x.v}", "etwas, das {x.m}", "es {x.v}", "ein Ding, das {x.m}")},
        "scene": {
            "phrase": ("{a.nom} {r} {b.dat}", "{a.bare} {r} {b.dat}", "{a.the} {r} {b.the_dat}"),
            "statement": ("{a.the} ist {r} {b.the_dat}", "{a.nom} steht {r} {b.dat}", "{a.the} steht {r} {b.the_dat}"),
            "seen": ("man sieht {a.acc} {r} {b.dat}", "ein Bild von {a.dat} {r} {b.dat}"),
            "relative": ("{a.nom}, {a.who} {r} {b.dat} steht",),
            "having": ("{b.nom} mit {a.dat} {w}", "{b.the} mit {a.dat} {w}"),
            "turned": ("{b.nom} {q} {a.dat}", "{b.the} ist {q} {a.the_dat}"),
        },
        "spoken": {"phrase": ("{x.nom}", "{x.nom}", "{x.bare}", "{x.the}", "{x.the_k} ist {x.c}", "das ist {x.nom}")},
        "spoken scene": {"phrase": ("{a.nom} {r} {b.dat}", "{a.the} {r} {b.the_dat}", "{a.bare} {r} {b.dat}")},
    },
    more_forms={
        "pair": {"whose": ("{x.nom_k}, {x.whose} Farbe {x.c} ist",),
        "cleft": ("was du hier siehst, ist {x.nom}", "{x.c} ist die Farbe von {x.dat_k}")},
        "moving": {"cleft": ("was hier {x.m}, ist {x.nom}",), "asked": ("siehst du {x.acc}? {x.pron} {x.v}",)},
        "kind": {"cleft": ("was du hier siehst, ist {x.nom}",)},
        "sound": {"cleft": ("was hier klingt, ist {x.nom}",)},
        "colour": {"cleft": ("was du hier siehst, ist {x.c}",)},
        "motion": {"cleft": ("schau, wie es {x.m}",)},
        "scene": {"fronted": ("{r} {b.dat} befindet sich {a.nom}", "{r} {b.dat} gibt es {a.acc}"), "two": ("{a.nom} befindet sich {r} {b.dat}",)},
        "spoken": {"cleft": ("schau, {x.nom}", "hier siehst du {x.acc}")},
        "spoken scene": {"fronted": ("{r} {b.dat} ist {a.nom}",)},
    },
    sounds={
        "clock": "tickt", "hammer": "hämmert", "guitar": "erklingt", "drum": "dröhnt", "bell": "läutet", "trumpet": "ertönt", "piano": "klimpert",
        "car": "hupt", "train": "rattert", "airplane": "fliegt vorbei", "helicopter": "knattert", "rocket": "startet donnernd", "robot": "piept",
        "bird": "singt", "dog": "bellt", "bee": "summt", "flute": "trillert", "tap": "plätschert", "saw": "sägt", "frog": "quakt", "cricket": "zirpt",
        "telephone": "klingelt", "cat": "miaut", "duck": "schnattert", "ambulance": "heult", "umbrella": "im Regen", "cannon": "feuert",
        "teapot": "pfeift",
    },
    nearby=(" und {c.nom}", ", dazu {c.nom}", ", daneben {c.nom}"),
    more_nearby=(", außerdem ist da {c.nom}",),
)  # fmt: skip

SPANISH_NAMES = {
    "mug": ("la taza", "el tazón"), "teapot": ("la tetera", "el hervidor"), "bottle": ("la botella", "el frasco", "el botellín"),
    "chair": ("la silla", "el asiento"), "table": ("la mesa", "la mesita"), "bed": ("la cama", "el lecho"), "lamp": ("la lámpara", "la luminaria"),
    "clock": ("el reloj", "el despertador"), "umbrella": ("el paraguas", "la sombrilla", "el parasol"),
    "hat": ("el sombrero", "la chistera", "el gorro"),
    "crown": ("la corona", "la diadema"), "key": ("la llave", "el llavín"), "hammer": ("el martillo", "el mazo"),
    "ladder": ("la escalera", "la escalerilla"),
    "sword": ("la espada", "el sable"), "house": ("la casa", "la vivienda", "la casita"), "guitar": ("la guitarra", "la guitarra acústica"),
    "drum": ("el tambor", "el bombo"), "bell": ("la campana", "la campanilla", "el cencerro"), "trumpet": ("la trompeta", "la corneta"),
    "piano": ("el piano", "el pianoforte"), "car": ("el coche", "el automóvil", "el auto", "el carro"),
    "train": ("el tren", "la locomotora", "el ferrocarril"),
    "airplane": ("el avión", "el aeroplano", "la avioneta"), "helicopter": ("el helicóptero", "el autogiro"),
    "rocket": ("el cohete", "la nave espacial"),
    "sailboat": ("el velero", "el barco de vela"), "robot": ("el robot", "el androide", "el autómata"),
    "bird": ("el pájaro", "el pajarito", "el gorrión"),
    "dog": ("el perro", "el perrito", "el can"), "fish": ("el pez", "el pececito", "el pescado"), "bee": ("la abeja", "el abejorro"),
    "tree": ("el árbol", "el roble"), "mushroom": ("la seta", "el hongo", "el champiñón"), "cactus": ("el cactus", "el cacto"),
    "snowman": ("el muñeco de nieve", "el hombre de nieve"), "sofa": ("el sofá", "el diván", "el tresillo"), "stool": ("el taburete", "la banqueta"),
    "bookshelf": ("la estantería", "la librería", "el estante"), "bathtub": ("la bañera", "la tina"),
    "television": ("el televisor", "la televisión", "la tele"), "saw": ("la sierra", "el serrucho"),
    "screwdriver": ("el destornillador", "el desarmador"),
    "axe": ("la hacha", "la hachuela"), "shovel": ("la pala", "la palita"), "scissors": ("las tijeras",), "broom": ("la escoba", "el escobón"),
    "bucket": ("el cubo", "el balde", "la cubeta"), "apple": ("la manzana", "la manzanita"), "banana": ("el plátano", "la banana"),
    "pineapple": ("la piña", "el ananás"), "carrot": ("la zanahoria",), "pumpkin": ("la calabaza", "el zapallo"),
    "fork": ("el tenedor", "el trinche"),
    "cat": ("el gato", "el gatito", "el minino"), "duck": ("el pato", "el ánade", "el patito"), "frog": ("la rana", "el sapo"),
    "cricket": ("el grillo", "el saltamontes"), "turtle": ("la tortuga", "el galápago"), "snail": ("el caracol", "el caracolillo"),
    "elephant": ("el elefante", "el paquidermo"), "giraffe": ("la jirafa",), "rabbit": ("el conejo", "el conejito", "la liebre"),
    "spider": ("la araña", "la tarántula"), "butterfly": ("la mariposa", "la polilla"), "whale": ("la ballena", "el cachalote"),
    "bus": ("el autobús", "el ómnibus", "el autocar"), "truck": ("el camión", "la camioneta"), "bicycle": ("la bicicleta", "la bici"),
    "submarine": ("el submarino", "el sumergible"), "ambulance": ("la ambulancia",), "castle": ("el castillo", "la fortaleza", "el alcázar"),
    "church": ("la iglesia", "la capilla", "el templo"), "tent": ("la tienda de campaña", "la carpa"),
    "windmill": ("el molino de viento", "el molino"),
    "lighthouse": ("el faro",), "bridge": ("el puente", "la pasarela", "el viaducto"), "flute": ("la flauta", "la flauta dulce", "el flautín"),
    "telephone": ("el teléfono", "el aparato telefónico"), "tap": ("el grifo", "la canilla"),
    "cannon": ("el cañón", "el obús", "la pieza de artillería"),
    "glasses": ("las gafas", "los anteojos", "los lentes"), "boot": ("la bota", "el zapato", "el botín"), "flower": ("la flor", "la florecilla"),
}  # fmt: skip

MORE_SPANISH_NAMES = {
    "mug": ("la taza de café",), "teapot": ("el hervidor de agua",), "bottle": ("la botella de agua",), "chair": ("la silla de comedor",),
    "table": ("la mesa de comedor",), "bed": ("la cama doble",), "lamp": ("la lámpara de lectura",), "clock": ("el reloj de pared",),
    "umbrella": ("el quitasol",), "hat": ("el sombrero de copa",), "crown": ("la corona real",), "key": ("la llave de puerta",),
    "hammer": ("el martillo de carpintero",), "ladder": ("la escalera de mano",), "sword": ("la espada larga",), "house": ("la casa de campo",),
    "guitar": ("la guitarra española",), "drum": ("el tamboril",), "bell": ("la campanita",), "trumpet": ("la trompeta de jazz",),
    "piano": ("el piano vertical",), "car": ("el coche de turismo",), "train": ("el tren de vapor",), "airplane": ("el avión de pasajeros",),
    "helicopter": ("el helicóptero de rescate",), "rocket": ("el cohete espacial",), "sailboat": ("el bote de vela",),
    "robot": ("el robot humanoide",),
    "bird": ("el pájaro cantor",), "dog": ("el cachorro",), "fish": ("el pez tropical",), "bee": ("la abeja melífera",),
    "tree": ("el árbol frondoso",),
    "mushroom": ("la seta de bosque",), "cactus": ("el cactus de maceta",), "snowman": ("el monigote de nieve",), "sofa": ("el sofá de salón",),
    "stool": ("el taburete de bar",), "bookshelf": ("la estantería de libros",), "bathtub": ("la tina de baño",),
    "television": ("el aparato de televisión",),
    "saw": ("la sierra de mano",), "screwdriver": ("el destornillador plano",), "axe": ("la hacha de leñador",), "shovel": ("la pala de jardín",),
    "scissors": ("las tijeras de cocina",), "broom": ("la escoba de barrer",), "bucket": ("el cubo de agua",), "apple": ("la manzana de huerto",),
    "banana": ("el banano",), "pineapple": ("la piña tropical",), "carrot": ("la zanahoria de huerta",), "pumpkin": ("la calabaza de halloween",),
    "fork": ("el tenedor de postre",), "cat": ("el gato doméstico",), "duck": ("el pato silvestre",), "frog": ("la ranita",),
    "cricket": ("el grillo de campo",), "turtle": ("la tortuga marina",), "snail": ("el caracol de jardín",), "elephant": ("el elefante africano",),
    "giraffe": ("la jirafa africana",), "rabbit": ("el conejo de campo",), "spider": ("la araña de jardín",), "butterfly": ("la mariposa monarca",),
    "whale": ("la ballena jorobada",), "bus": ("el bus urbano",), "truck": ("el camión de carga",), "bicycle": ("la bicicleta de paseo",),
    "submarine": ("el submarino militar",), "ambulance": ("la ambulancia de urgencias",), "castle": ("el castillo medieval",),
    "church": ("la iglesia de pueblo",), "tent": ("la tienda de acampada",), "windmill": ("el molino harinero",), "lighthouse": ("el faro de costa",),
    "bridge": ("el puente de arcos",), "flute": ("la flauta de pico",), "telephone": ("el teléfono fijo",), "tap": ("el grifo de agua",),
    "cannon": ("el cañón de campaña",), "glasses": ("las gafas de leer",), "boot": ("la bota de montaña",), "flower": ("la flor de jardín",),
}  # fmt: skip

SPANISH_WORDS = Words(
    names=SPANISH_NAMES,
    colours={
        "red": ("rojo", "carmesí", "escarlata"), "orange": ("naranja", "anaranjado"), "yellow": ("amarillo", "amarillo limón", "amarillo dorado"),
        "green": ("verde", "verde esmeralda", "verde lima"), "turquoise": ("turquesa", "aguamarina", "cian"),
        "blue": ("azul", "azul marino", "celeste"),
        "purple": ("morado", "violeta", "lila"), "pink": ("rosa", "rosado", "fucsia"), "brown": ("marrón", "café", "castaño"),
        "black": ("negro", "negro azabache"), "white": ("blanco", "blanco nieve", "marfil"),
    },
    motions={  # (gerund, one does, several do)
        "spinning": (("girando", "gira", "giran"), ("dando vueltas", "da vueltas", "dan vueltas"), ("rotando", "rota", "rotan")),
        "rolling left": tuple((f"rodando {p}", f"rueda {p}", f"ruedan {p}") for p in ("hacia la izquierda", "a la izquierda")),
        "rolling right": tuple((f"rodando {p}", f"rueda {p}", f"ruedan {p}") for p in ("hacia la derecha", "a la derecha")),
        "bouncing": (("rebotando", "rebota", "rebotan"), ("botando", "bota", "botan"), ("saltando", "salta", "saltan")),
        "rising": (("subiendo", "sube", "suben"), ("elevándose", "se eleva", "se elevan"), ("ascendiendo", "asciende", "ascienden")),
        "falling": (("cayendo", "cae", "caen"), ("cayéndose", "se cae", "se caen"), ("bajando", "baja", "bajan")),
        "swinging": (("balanceándose", "se balancea", "se balancean"), ("columpiándose", "se columpia", "se columpian"),
        ("oscilando", "oscila", "oscilan")),
        "approaching": (("acercándose", "se acerca", "se acercan"), ("viniendo hacia nosotros", "viene hacia nosotros", "vienen hacia nosotros")),
    },
    sizes={"small": ("pequeño", "diminuto"), "medium": ("mediano", "de tamaño medio"), "big": ("grande", "enorme")},
    materials={"plastic": ("de plástico", "hecho de plástico"), "metal": ("de metal", "metálico"), "wooden": ("de madera", "hecho de madera")},
    relations={
        "on": {"r": ("sobre", "encima de"), "q": (), "w": ("encima",)},
        "under": {"r": ("debajo de", "bajo"), "q": ("por encima de",), "w": ("debajo",)},
        "left of": {"r": ("a la izquierda de", "al lado izquierdo de"), "q": ("a la derecha de", "al lado derecho de"), "w": ("a su izquierda",)},
        "in front of": {"r": ("delante de", "enfrente de"), "q": ("detrás de", "tras"), "w": ("delante",)},
    },
    adjectives=("viejo", "nuevo", "bonito", "precioso", "normal", "gracioso"),
    tails=(" en el suelo", " en la habitación", " a la luz", " desde arriba", " de lado", " en casa", " fuera", " hoy", " .", " allí"),
    leads=("una foto de ", "una imagen de ", "un vídeo de ", "una grabación de ", "un modelo de ", "veo ", "mira ", "busco ", "muéstrame ", "se ve "),
)  # fmt: skip

MORE_SPANISH_WORDS = Words(
    names=MORE_SPANISH_NAMES,
    colours={
        "red": ("rojo cereza",), "orange": ("naranja vivo",), "yellow": ("amarillo canario",), "green": ("verde hierba",),
        "turquoise": ("turquesa claro",),
        "blue": ("azul cielo",), "purple": ("púrpura",), "pink": ("rosa chicle",), "brown": ("marrón chocolate",), "black": ("negro carbón",),
        "white": ("blanco perla",),
    },
    motions={
        "spinning": (("dando giros", "da giros", "dan giros"),),
        "rolling left": (("rodando hacia el lado izquierdo", "rueda hacia el lado izquierdo", "ruedan hacia el lado izquierdo"),),
        "rolling right": (("rodando hacia el lado derecho", "rueda hacia el lado derecho", "ruedan hacia el lado derecho"),),
        "bouncing": (("dando botes", "da botes", "dan botes"),), "rising": (("yendo hacia arriba", "va hacia arriba", "van hacia arriba"),),
        "falling": (("yendo hacia abajo", "va hacia abajo", "van hacia abajo"),), "swinging": (("meciéndose", "se mece", "se mecen"),),
        "approaching": (("aproximándose", "se aproxima", "se aproximan"),),
    },
    sizes={"small": ("chiquito",), "big": ("gigante",)},
    materials={"plastic": ("de material plástico",), "metal": ("de hierro",), "wooden": ("de madera dura",)},
    relations={
        "on": {"r": ("por arriba de",)}, "under": {"r": ("justo debajo de",)}, "left of": {"r": ("en el lado izquierdo de",)},
        "in front of": {"r": ("justo delante de",)},
    },
    adjectives=("extraño", "elegante"),
    tails=(" en el jardín", " junto a la ventana"),
    leads=("un retrato de ", "encuentra "),
)  # fmt: skip

SPANISH = Language(
    thing=SpanishThing,
    words=SPANISH_WORDS,
    more=MORE_SPANISH_WORDS,
    forms={
        "pair": {
            "phrase": ("{x.a}", "{x.bare}", "{x.the}"),
            "statement": ("{x.the_k} {x.be} {x.c}", "esto {x.be} {x.a}", "aquí {x.stand} {x.the}"),
            "existence": ("hay {x.a}", "tenemos {x.a}"),
            "relative": ("{x.a_k} que {x.be} {x.c}",),
            "apposition": ("{x.a_k}, {x.c}", "{x.bare_k}, {x.c}"),
            "painting": ("{x.a_k} de color {x.colour}", "{x.a_k} {x.painted} de {x.colour}"),
        },
        "moving": {
            "phrase": ("{x.a} {x.m}", "{x.bare} {x.m}"),
            "relative": ("{x.a} que {x.v}", "{x.the} que {x.v}"),
            "statement": ("{x.the} {x.stand} {x.m}", "{x.a} {x.stand} {x.m}"),
            "clause": ("{x.a} {x.v}", "{x.the} {x.v}"),
            "existence": ("hay {x.a} que {x.v}", "hay {x.a} {x.m}"),
            "two": ("{x.a_k} que {x.v} y {x.be} {x.c}",),
        },
        "kind": {"phrase": ("{x.a}", "{x.bare}", "{x.the}", "esto {x.be} {x.a}", "hay {x.a}")},
        "sound": {
            "sound": (
                "{x.a}", "el sonido de {x.a}", "así suena {x.a}", "se oye {x.a}", "el ruido de {x.a}", "{x.a} que {x.sound}", "{x.the} {x.sound}",
            ),
        },
        "colour": {
            "phrase": ("algo {x.colour}", "{x.colour}", "es {x.colour}", "todo es {x.colour}", "algo de color {x.colour}", "el color {x.colour}"),
        },
        "motion": {"phrase": ("algo {x.m}", "algo que {x.v}", "está {x.m}", "{x.v}", "un objeto que {x.v}")},
        "scene": {
            "phrase": ("{a.a} {r} {b.a}", "{a.bare} {r} {b.a}", "{a.the} {r} {b.the}"),
            "statement": ("{a.the} {a.stand} {r} {b.the}", "{a.a} {a.stand} {r} {b.a}"),
            "existence": ("hay {a.a} {r} {b.a}", "{a.seen} {a.a} {r} {b.a}"),
            "relative": ("{a.a} que {a.stand} {r} {b.a}",),
            "having": ("{b.a} con {a.a} {w}", "{b.the} con {a.a} {w}"),
            "turned": ("{b.a} {q} {a.a}", "{b.the} {b.stand} {q} {a.the}"),
        },
        "spoken": {"phrase": ("{x.a}", "{x.a}", "{x.bare}", "{x.the}", "{x.the_k} {x.be} {x.c}", "{x.be} {x.a}")},
        "spoken scene": {"phrase": ("{a.a} {r} {b.a}", "{a.the} {r} {b.the}", "{a.bare} {r} {b.a}")},
    },
    more_forms={
        "pair": {"whose": ("{x.a_k} cuyo color es {x.colour}",), "cleft": ("lo que ves {x.be} {x.a}", "{x.colour} es el color de {x.the_k}")},
        "moving": {"cleft": ("lo que ves {x.be} {x.a} que {x.v}",), "how": ("mira cómo {x.v} {x.the}",)},
        "kind": {"cleft": ("lo que ves {x.be} {x.a}",)},
        "sound": {"cleft": ("lo que oyes {x.be} {x.a}",)},
        "colour": {"cleft": ("lo que ves es {x.colour}",)},
        "motion": {"cleft": ("mira cómo {x.v}",)},
        "scene": {"fronted": ("{r} {b.a} hay {a.a}", "{r} {b.the} {a.found} {a.a}"), "two": ("{a.a} {a.seen} {r} {b.a}",)},
        "spoken": {"cleft": ("mira, {x.a}", "aquí ves {x.a}")},
        "spoken scene": {"fronted": ("{r} {b.a} hay {a.a}",)},
    },
    sounds={
        "clock": "hace tictac", "hammer": "golpea", "guitar": "suena", "drum": "redobla", "bell": "repica", "trumpet": "resuena", "piano": "suena",
        "car": "toca el claxon", "train": "traquetea", "airplane": "pasa volando", "helicopter": "bate las aspas", "rocket": "despega",
        "robot": "pita",
        "bird": "canta", "dog": "ladra", "bee": "zumba", "flute": "suena", "tap": "gotea", "saw": "corta", "frog": "croa", "cricket": "chirría",
        "telephone": "timbra", "cat": "maúlla", "duck": "grazna", "ambulance": "aúlla", "umbrella": "suena bajo la lluvia", "cannon": "dispara",
        "teapot": "silba",
    },
    nearby=(" y {c.a}", ", además {c.a}", ", al lado {c.a}"),
    more_nearby=(", también hay {c.a}",),
)  # fmt: skip
