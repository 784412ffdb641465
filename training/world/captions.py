"""What is said about the things of the world, in many ways; English words and forms, and the choice among them.

Wordings are of two sorts: those that training uses, and those that only `unseen=True` brings, to measure whether the
sense was learnt or the sentence. Words and forms are held out separately; a `Wording` tells which of them a text has.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from world.languages import GERMAN, SPANISH, Language, Thing, Words

# kind -> names that training uses, first the kind itself; no name belongs to two kinds
KIND_NAMES = {
    "mug": ("mug", "cup", "coffee cup"), "teapot": ("teapot", "kettle", "tea kettle"), "bottle": ("bottle", "flask", "water bottle"),
    "chair": ("chair", "seat", "dining chair"), "table": ("table", "dining table", "coffee table"), "bed": ("bed", "bedstead", "double bed"),
    "lamp": ("lamp", "table lamp", "reading lamp"), "clock": ("clock", "alarm clock", "timepiece"), "umbrella": ("umbrella", "parasol", "brolly"),
    "hat": ("hat", "top hat", "cap"), "crown": ("crown", "diadem", "king's crown"), "key": ("key", "door key", "latchkey"),
    "hammer": ("hammer", "mallet", "claw hammer"), "ladder": ("ladder", "stepladder", "climbing ladder"), "sword": ("sword", "blade", "sabre"),
    "house": ("house", "cottage", "family house"), "guitar": ("guitar", "acoustic guitar", "folk guitar"), "drum": ("drum", "snare drum", "tom-tom"),
    "bell": ("bell", "handbell", "school bell"), "trumpet": ("trumpet", "cornet", "bugle"), "piano": ("piano", "upright piano", "pianoforte"),
    "car": ("car", "automobile", "motorcar"), "train": ("train", "locomotive", "steam engine"),
    "airplane": ("airplane", "aeroplane", "plane", "aircraft"),
    "helicopter": ("helicopter", "chopper", "copter"), "rocket": ("rocket", "spaceship", "space rocket"),
    "sailboat": ("sailboat", "sailing boat", "yacht"), "robot": ("robot", "android", "droid"), "bird": ("bird", "songbird", "sparrow"),
    "dog": ("dog", "hound", "puppy"), "fish": ("fish", "tropical fish", "aquarium fish"), "bee": ("bee", "honeybee", "bumblebee"),
    "tree": ("tree", "oak tree", "leafy tree"), "mushroom": ("mushroom", "toadstool", "fungus"),
    "cactus": ("cactus", "potted cactus", "desert cactus"),
    "snowman": ("snowman", "snow man"), "sofa": ("sofa", "couch", "settee"), "stool": ("stool", "barstool", "kitchen stool"),
    "bookshelf": ("bookshelf", "bookcase", "shelf"), "bathtub": ("bathtub", "bath", "tub"), "television": ("television", "tv", "telly"),
    "saw": ("saw", "handsaw", "carpenter's saw"), "screwdriver": ("screwdriver", "screw driver", "flathead screwdriver"),
    "axe": ("axe", "hatchet", "ax"), "shovel": ("shovel", "spade", "garden shovel"), "scissors": ("scissors", "shears", "paper scissors"),
    "broom": ("broom", "besom", "sweeping brush"), "bucket": ("bucket", "pail", "water bucket"), "apple": ("apple", "eating apple"),
    "banana": ("banana", "plantain"), "pineapple": ("pineapple", "ananas"), "carrot": ("carrot", "garden carrot"),
    "pumpkin": ("pumpkin", "squash", "gourd"), "fork": ("fork", "dinner fork", "salad fork"), "cat": ("cat", "kitty", "kitten"),
    "duck": ("duck", "mallard", "duckling"), "frog": ("frog", "toad", "froggy"), "cricket": ("cricket", "grasshopper", "locust"),
    "turtle": ("turtle", "tortoise", "terrapin"), "snail": ("snail", "garden snail"), "elephant": ("elephant", "pachyderm", "tusker"),
    "giraffe": ("giraffe", "savannah giraffe"), "rabbit": ("rabbit", "bunny", "hare"), "spider": ("spider", "tarantula", "arachnid"),
    "butterfly": ("butterfly", "moth", "monarch butterfly"), "whale": ("whale", "humpback", "humpback whale"), "bus": ("bus", "coach", "omnibus"),
    "truck": ("truck", "lorry", "cargo truck"), "bicycle": ("bicycle", "bike", "cycle"), "submarine": ("submarine", "sub", "u-boat"),
    "ambulance": ("ambulance", "hospital ambulance", "emergency vehicle"), "castle": ("castle", "fortress", "stronghold"),
    "church": ("church", "chapel", "kirk"), "tent": ("tent", "camping tent", "marquee"), "windmill": ("windmill", "wind mill", "mill"),
    "lighthouse": ("lighthouse", "beacon", "light tower"), "bridge": ("bridge", "footbridge", "arch bridge"), "flute": ("flute", "recorder", "fife"),
    "telephone": ("telephone", "phone", "rotary phone"), "tap": ("tap", "faucet", "spigot"), "cannon": ("cannon", "artillery piece", "field gun"),
    "glasses": ("glasses", "spectacles", "eyeglasses"), "boot": ("boot", "shoe", "wellington"), "flower": ("flower", "blossom", "bloom"),
}  # fmt: skip

# never trained on; mostly new compounds of words that training knows from elsewhere, so that there is a way to understand them
MORE_KIND_NAMES = {
    "mug": ("coffee mug",), "teapot": ("tea pot",), "bottle": ("water flask",), "chair": ("kitchen chair",), "table": ("kitchen table",),
    "bed": ("guest bed",), "lamp": ("desk lamp",), "clock": ("kitchen clock",), "umbrella": ("rain umbrella",), "hat": ("sun hat",),
    "crown": ("queen's crown",), "key": ("house key",), "hammer": ("carpenter's hammer",), "ladder": ("folding ladder",), "sword": ("long sword",),
    "house": ("country house",), "guitar": ("classical guitar",), "drum": ("bass drum",), "bell": ("dinner bell",), "trumpet": ("jazz trumpet",),
    "piano": ("concert piano",), "car": ("passenger car",), "train": ("railway train",), "airplane": ("passenger plane",),
    "helicopter": ("rescue helicopter",), "rocket": ("rocket ship",), "sailboat": ("sailing yacht",), "robot": ("humanoid robot",),
    "bird": ("garden bird",), "dog": ("puppy dog",), "fish": ("reef fish",), "bee": ("honey bee",), "tree": ("garden tree",),
    "mushroom": ("forest mushroom",), "cactus": ("prickly cactus",), "snowman": ("snow person",), "sofa": ("corner sofa",), "stool": ("bar stool",),
    "bookshelf": ("library shelf",), "bathtub": ("bath tub",), "television": ("tv set",), "saw": ("hand saw",),
    "screwdriver": ("slotted screwdriver",),
    "axe": ("chopping axe",), "shovel": ("garden spade",), "scissors": ("kitchen scissors",), "broom": ("sweeping broom",), "bucket": ("water pail",),
    "apple": ("cooking apple",), "banana": ("banana fruit",), "pineapple": ("pineapple fruit",), "carrot": ("carrot root",),
    "pumpkin": ("halloween pumpkin",), "fork": ("dessert fork",), "cat": ("kitty cat",), "duck": ("wild duck",), "frog": ("pond frog",),
    "cricket": ("field cricket",), "turtle": ("sea turtle",), "snail": ("land snail",), "elephant": ("african elephant",),
    "giraffe": ("african giraffe",), "rabbit": ("bunny rabbit",), "spider": ("garden spider",), "butterfly": ("garden butterfly",),
    "whale": ("baleen whale",), "bus": ("school bus",), "truck": ("delivery truck",), "bicycle": ("pedal bike",),
    "submarine": ("military submarine",),
    "ambulance": ("emergency ambulance",), "castle": ("knight's castle",), "church": ("village church",), "tent": ("scout tent",),
    "windmill": ("dutch windmill",), "lighthouse": ("coastal lighthouse",), "bridge": ("road bridge",), "flute": ("concert flute",),
    "telephone": ("rotary telephone",), "tap": ("water tap",), "cannon": ("field cannon",), "glasses": ("reading glasses",), "boot": ("hiking boot",),
    "flower": ("garden flower",),
}  # fmt: skip

PLURALS = ("scissors", "shears", "glasses", "spectacles", "eyeglasses")

# sounds that begin otherwise than the letter says
VOWELS_IN_SOUND = re.compile(r"(hour|honest|honou?r|heir|8|11\b|18\b|(hgv|mri|x)(?![a-z]))")
VOWELS_IN_SPELLING = re.compile(r"(u-|uni(?!n|m)|us[eu]|eu|ur[ai]|ut[ei]|ub|one\b|once\b)")


def article(text: str) -> str:
    """`a orange` -> `an orange`; goes by the sound: a u-boat, an hour."""
    words = text.split(" ")
    for i in range(len(words) - 1):
        if words[i] == "a":
            following = words[i + 1]
            vowel = following[:1] in tuple("aeiou") and not VOWELS_IN_SPELLING.match(following)
            if vowel or VOWELS_IN_SOUND.match(following):
                words[i] = "an"
    return " ".join(words)


def _third_person(verb: str) -> str:
    first, *rest = verb.split(" ")
    return " ".join([first + ("es" if first.endswith(("o", "ch", "sh", "s")) else "s"), *rest])


class EnglishThing(Thing):
    """`a`, `the`, `one` and `bare`; `_k` is without the colour. Things that come in pairs are counted as such."""

    @property
    def plural(self) -> bool:
        return self.noun.split(" ")[-1] in PLURALS

    def phrase(self, determiner: str, colour: bool = True) -> str:
        pair = "pair of " if self.plural and determiner in ("a ", "one ", "any ") else ""
        return determiner + pair + " ".join([*self.before(colour), self.noun]) + self.after

    a = property(lambda self: self.phrase("a "))
    the = property(lambda self: self.phrase("the "))
    one = property(lambda self: self.phrase("one "))
    bare = property(lambda self: self.phrase(""))
    a_k = property(lambda self: self.phrase("a ", colour=False))
    any_k = property(lambda self: self.phrase("any ", colour=False))
    the_k = property(lambda self: self.phrase("the ", colour=False))
    bare_k = property(lambda self: self.phrase("", colour=False))
    be = property(lambda self: "are" if self.plural else "is")
    it = property(lambda self: "they" if self.plural else "it")
    m = property(lambda self: self.motion[0])
    base = property(lambda self: self.motion[1])
    v = property(lambda self: self.motion[1] if self.plural else _third_person(self.motion[1]))


_SIDES = {
    side: tuple((f"rolling {p}", f"roll {p}") for p in (side, f"to the {side}", f"towards the {side}", f"{side}wards")) for side in ("left", "right")
}

ENGLISH_WORDS = Words(
    names=KIND_NAMES,
    colours={
        "red": ("red", "crimson", "scarlet", "ruby"), "orange": ("orange", "tangerine", "apricot"),
        "yellow": ("yellow", "golden yellow", "lemon yellow"),
        "green": ("green", "emerald", "lime green"), "turquoise": ("turquoise", "cyan", "teal", "aqua"),
        "blue": ("blue", "navy", "azure", "royal blue"),
        "purple": ("purple", "violet", "plum"), "pink": ("pink", "rose", "rose pink"), "brown": ("brown", "chocolate", "chestnut"),
        "black": ("black", "jet black", "ebony"), "white": ("white", "snow white", "ivory"),
    },
    motions={  # (gerund, verb)
        "spinning": (("spinning", "spin"), ("rotating", "rotate"), ("twirling", "twirl"), ("turning round", "turn round")),
        "rolling left": _SIDES["left"], "rolling right": _SIDES["right"],
        "bouncing": (("bouncing", "bounce"), ("hopping", "hop"), ("jumping up and down", "jump up and down"),
        ("bouncing up and down", "bounce up and down")),
        "rising": (("rising", "rise"), ("ascending", "ascend"), ("going up", "go up"), ("floating upwards", "float upwards")),
        "falling": (("falling", "fall"), ("descending", "descend"), ("dropping", "drop"), ("going down", "go down"),
        ("sinking downwards", "sink downwards")),
        "swinging": (("swinging", "swing"), ("swaying", "sway"), ("swinging to and fro", "swing to and fro"),
        ("swaying back and forth", "sway back and forth")),
        "approaching": (("approaching", "approach"), ("coming closer", "come closer"), ("getting nearer", "get nearer"),
        ("coming towards us", "come towards us")),
    },
    sizes={"small": ("small", "little", "tiny"), "medium": ("medium", "medium-sized", "middle-sized"), "big": ("big", "large", "huge")},
    materials={
        "plastic": ("plastic", "made of plastic"), "metal": ("metal", "metallic", "made of metal", "steel"),
        "wooden": ("wooden", "made of wood", "timber"),
    },
    relations={
        "on": {"r": ("on", "on top of"), "q": (), "w": ("on it", "on top", "on top of it")},
        "under": {"r": ("under", "below", "underneath"), "q": ("above", "over"), "w": ("under it", "below it", "underneath")},
        "left of": {
            "r": ("left of", "to the left of", "on the left side of"), "q": ("right of", "to the right of", "on the right side of"),
            "w": ("on its left", "to its left"),
        },
        "in front of": {"r": ("in front of", "right in front of"), "q": ("behind", "right behind"), "w": ("in front of it", "in front")},
    },
    adjectives=("old", "new", "lovely", "nice", "pretty", "ordinary", "funny", "strange", "beautiful", "toy"),
    tails=(
        " on the floor", " in a room", " against a wall", " in the light", " in the dark", " from above", " from the side", " at home", " outside",
        " today", " .", " on its own", " over there", " please",
    ),
    leads=(
        "a photo of ", "a picture of ", "an image of ", "a video of ", "a clip of ", "a recording of ", "a 3d model of ", "a point cloud of ",
        "a scan of ",
        "a rendering of ", "someone saying ", "i see ", "look at ", "here is ", "show me ", "find ", "please find me ", "we want ",
    ),
)  # fmt: skip

MORE_ENGLISH_WORDS = Words(
    names=MORE_KIND_NAMES,
    colours={
        "red": ("cherry red", "ruby red"), "orange": ("tangerine orange",), "yellow": ("canary yellow",), "green": ("emerald green",),
        "turquoise": ("aqua turquoise",), "blue": ("navy blue", "sky blue"), "purple": ("violet purple",), "pink": ("candy pink",),
        "brown": ("chocolate brown",), "black": ("pitch black",), "white": ("ivory white",),
    },
    motions={
        "spinning": (("spinning round and round", "spin round and round"), ("revolving", "revolve")),
        "rolling left": (("rolling off to the left", "roll off to the left"), ("moving left", "move left")),
        "rolling right": (("rolling off to the right", "roll off to the right"), ("moving right", "move right")),
        "bouncing": (("hopping up and down", "hop up and down"), ("leaping", "leap")),
        "rising": (("rising upwards", "rise upwards"), ("climbing higher", "climb higher")),
        "falling": (("falling down", "fall down"), ("plunging", "plunge")),
        "swinging": (("swinging back and forth", "swing back and forth"), ("dangling from side to side", "dangle from side to side")),
        "approaching": (("getting closer", "get closer"), ("moving towards us", "move towards us")),
    },
    sizes={"small": ("miniature",), "medium": ("mid-sized",), "big": ("giant",)},
    materials={"plastic": ("made out of plastic",), "metal": ("iron",), "wooden": ("built of wood",)},
    relations={
        "on": {"r": ("atop", "up on")}, "under": {"r": ("beneath", "just under")}, "left of": {"r": ("at the left of", "just left of")},
        "in front of": {"r": ("at the front of", "just in front of")},
    },
    adjectives=("curious", "elegant", "peculiar"),
    tails=(" in the garden", " by the window", " on a sunny day"),
    leads=("a snapshot of ", "footage of ", "could you find ", "a glimpse of "),
)  # fmt: skip

ENGLISH = Language(
    thing=EnglishThing,
    words=ENGLISH_WORDS,
    more=MORE_ENGLISH_WORDS,
    forms={
        "pair": {
            "phrase": ("{x.a}", "{x.bare}", "{x.the}", "{x.one}"),
            "statement": ("{x.the_k} {x.be} {x.c}", "this is {x.a}"),
            "existence": ("there is {x.a}", "we have {x.a} here"),
            "relative": ("{x.a_k} that {x.be} {x.c}", "{x.the_k} that {x.be} {x.c}"),
            "apposition": ("{x.a_k}, {x.c}", "{x.c}: {x.a_k}"),
            "painting": ("{x.a_k} painted {x.c}", "{x.a_k} in {x.c}", "a {x.c}-coloured {x.bare_k}"),
        },
        "moving": {
            "phrase": ("{x.a} {x.m}", "{x.bare} {x.m}"),
            "attribute": ("a {x.m} {x.bare}", "the {x.m} {x.bare}"),
            "statement": ("{x.the} {x.be} {x.m}", "{x.a} {x.be} {x.m}"),
            "clause": ("{x.a} {x.v}", "{x.the} {x.v}"),
            "relative": ("{x.a} that {x.be} {x.m}", "{x.a} that {x.v}"),
            "two": ("{x.a_k} {x.m}, {x.it} {x.be} {x.c}", "{x.the_k} {x.be} {x.c} and {x.v}"),
        },
        "kind": {"phrase": ("{x.a}", "{x.bare}", "{x.the}", "this is {x.a}", "some {x.bare}", "{x.any_k}")},
        "sound": {
            "sound": (
                "the sound of {x.a}", "{x.a} sounding", "{x.a}", "{x.bare}", "a recording of {x.a}", "hear {x.a}", "the noise of {x.a}",
                "{x.a} {x.sound}", "the {x.bare} {x.be} {x.sound}", "the sound of {x.a} {x.sound}",
            ),
        },
        "colour": {
            "phrase": (
                "something {x.c}", "{x.c}", "a {x.c} thing", "it is {x.c}", "anything {x.c}", "{x.c} things", "a {x.c} object", "the colour {x.c}",
            ),
        },
        "motion": {"phrase": ("something {x.m}", "{x.m}", "it is {x.m}", "a thing {x.m}", "an object {x.m}", "something that {x.v}", "it {x.v}")},
        "scene": {
            "phrase": ("{a.a} {r} {b.a}", "{a.bare} {r} {b.bare}", "{a.the} {r} {b.the}"),
            "statement": ("{a.the} {a.be} {r} {b.the}", "{a.a} {a.be} standing {r} {b.a}", "{a.a} {a.be} {r} {b.a}"),
            "existence": ("there is {a.a} {r} {b.a}", "i see {a.a} {r} {b.a}"),
            "relative": ("{a.a} that {a.be} {r} {b.a}", "{a.a} standing {r} {b.a}"),
            "having": ("{b.a} with {a.a} {w}", "{b.the} with {a.a} {w}"),
            "turned": ("{b.a} {q} {a.a}", "{b.the} {b.be} {q} {a.the}", "{b.a} standing {q} {a.a}"),
        },
        "spoken": {"phrase": ("{x.a}", "{x.a}", "{x.bare}", "{x.the}", "{x.one}", "{x.the_k} {x.be} {x.c}", "it's {x.a}")},
        "spoken scene": {"phrase": ("{a.a} {r} {b.a}", "{a.the} {r} {b.the}", "{a.bare} {r} {b.bare}")},
    },
    more_forms={
        "pair": {
            "whose": ("{x.a_k} whose colour is {x.c}", "{x.a_k} which {x.be} {x.c} all over"),
            "cleft": ("what you see is {x.a}", "the colour of {x.the_k} is {x.c}", "{x.it} {x.be} {x.c}, {x.the_k}"),
        },
        "moving": {"watched": ("watch {x.the} {x.base}", "how {x.the} {x.v}"), "cleft": ("what is {x.m} is {x.a}", "{x.m}: {x.a}")},
        "kind": {"cleft": ("what you see is {x.a}",)},
        "sound": {"cleft": ("what you hear is {x.a}",)},
        "colour": {"cleft": ("what you see is {x.c}", "whose colour is {x.c}")},
        "motion": {"watched": ("watch it {x.base}", "how it {x.v}")},
        "scene": {
            "fronted": ("{r} {b.a} there is {a.a}", "{r} {b.the} stands {a.a}"),
            "two": ("here we have {b.a} and {r} it {a.a}", "{a.a} can be seen {r} {b.a}"),
        },
        "spoken": {"cleft": ("look, {x.a}", "you see {x.the} here")},
        "spoken scene": {"fronted": ("{r} {b.a} there's {a.a}",)},
    },
    sounds={
        "clock": "ticking", "hammer": "hammering", "guitar": "strumming", "drum": "drumming", "bell": "ringing", "trumpet": "blaring",
        "piano": "tinkling", "car": "honking", "train": "chugging along", "airplane": "flying past", "helicopter": "whirring",
        "rocket": "blasting off", "robot": "beeping", "bird": "singing", "dog": "barking", "bee": "buzzing", "flute": "piping", "tap": "running",
        "saw": "sawing", "frog": "croaking",
        "cricket": "chirping", "telephone": "ringing", "cat": "meowing", "duck": "quacking", "ambulance": "wailing", "umbrella": "in the rain",
        "cannon": "firing", "teapot": "whistling",
    },
    nearby=(" and {c.a}", ", and {c.a}", ", with {c.a} nearby", ", beside {c.a}"),
    more_nearby=(", {c.a} is there too",),
)  # fmt: skip

LANGUAGES = {"en": ENGLISH, "de": GERMAN, "es": SPANISH}
TRAINED_FORMS = {code: language.forms for code, language in LANGUAGES.items()}  # language -> what is told -> family -> templates
UNSEEN_FORMS = {code: language.more_forms for code, language in LANGUAGES.items()}
STATEMENTS = ("statement", "existence", "seen", "shown", "clause", "two", "how", "cleft", "fronted", "watched")  # families that take no lead

SYNONYMS, SHADES, LOOKS, HELD_OUT = 0.35, 0.25, 0.5, 0.4  # how often a word is not the usual one; how often an unseen text has an unseen word
TOLD_MORE = 0.5  # how often a caption has leads and tails


@dataclass
class Wording:
    """Chooses forms and words of one text, and keeps what it chose."""

    r: np.random.Generator
    language: Language
    unseen: bool = False
    family: str = ""
    form: str = ""
    unseen_form: bool = False
    unseen_words: list[str] = field(default_factory=list)

    @staticmethod
    def of(r, language: str, unseen: bool) -> "Wording":
        return Wording(r, LANGUAGES[language], unseen)

    def pick(self, options):
        return options[int(self.r.integers(len(options)))]

    def word(self, table: str, name: str, often: float):
        """A way of saying `name`: mostly the usual one; an unseen text has one that is held out, now and then."""
        more = getattr(self.language.more, table).get(name, ())
        if self.unseen and more and self.r.random() < HELD_OUT:
            self.unseen_words.append(self.pick(more))
            return self.unseen_words[-1]
        usual, *others = getattr(self.language.words, table)[name]
        return self.pick(others) if others and self.r.random() < often else usual

    def filler(self, table: str) -> str:
        more = getattr(self.language.more, table)
        if self.unseen and more and self.r.random() < HELD_OUT:
            self.unseen_words.append(self.pick(more))
            return self.unseen_words[-1]
        options = getattr(self.language.words, table)
        return self.pick(options) if options else ""

    def template(self, what: str, fits=lambda template: True) -> str:
        """A template that fits, every family as likely as any; of a family never trained on for an unseen text."""
        self.unseen_form = self.unseen
        table = (self.language.more_forms if self.unseen else self.language.forms)[what]
        families = {family: [t for t in templates if fits(t)] for family, templates in table.items()}
        self.family = self.pick([family for family, templates in families.items() if templates])
        self.form = self.pick(families[self.family])
        return self.form

    def thing(self, kind="", colour="", size=None, material=None, motion=None, plain=False) -> Thing:
        """`plain` leaves out what could not be seen."""
        return self.language.thing(
            noun=self.word("names", kind, SYNONYMS) if kind else "",
            colour=self.word("colours", colour, SHADES) if colour else "",
            size=self.word("sizes", size, LOOKS) if size else "",
            material=self.word("materials", material, LOOKS) if material else "",
            motion=self.word("motions", motion, LOOKS) if motion else (),
            sound=self.language.sounds.get(kind, ""),
            adjective=self.filler("adjectives") if not plain and self.r.random() < 0.2 else "",
        )

    def around(self, text: str, often: float = TOLD_MORE) -> str:
        """With a lead, a tail, a strange word; then as it is written."""
        leading = self.family not in STATEMENTS and not (self.language is SPANISH and ".bare" in self.form)
        if self.r.random() < often and leading and self.language.words.leads:
            text = self.filler("leads") + text
        if self.r.random() < 0.4 * often:
            text += self.filler("tails")
        if self.r.random() < 0.16 * often:
            text = _babble(text, self.r)
        return self.written(text)

    def written(self, text: str) -> str:
        if self.language is ENGLISH:
            return article(text).lower()
        if self.language is SPANISH:
            text = f" {text} ".replace(" de el ", " del ").replace(" a el ", " al ").strip()
        return text.lower()


def _babble(text: str, r) -> str:
    """Adds a word nobody knows, so that strange words are learnt to mean nothing."""
    word = "".join(chr(97 + int(x)) for x in r.integers(0, 26, int(r.integers(2, 8))))
    words = text.split(" ")
    words.insert(int(r.integers(len(words) + 1)), word)
    return " ".join(words)


def _caption(w: Wording, kind, colour, motion, size, material) -> str:
    thing = w.thing(kind, colour, size, material, motion)
    return w.around(w.template("moving" if motion else "pair", _fitting(thing)).format(x=thing))


def _fitting(thing: Thing):
    """A spinning mug, but no coming closer mug; a red-coloured mug, but no red-coloured glasses."""
    plural, long = getattr(thing, "plural", False), bool(thing.motion) and " " in thing.motion[0]

    def fits(template: str) -> bool:
        return not (("{x.m} {x.bare}" in template and (long or plural)) or ("-coloured" in template and plural))

    return fits


def caption(kind: str, colour: str, r, motion=None, size=None, material=None, language: str = "en", unseen: bool = False) -> str:
    """One paraphrase, lower case, for training the text tower."""
    return _caption(Wording.of(r, language, unseen), kind, colour, motion, size, material)


def _scene(w: Wording, things, relation: str, what: str, plain: bool) -> str:
    usual = w.language.words.relations[relation]
    named = {name: w.thing(*pair, plain=plain) for name, pair in zip("abc", things)}
    template = w.template(what, lambda t: bool(usual["q"]) or "{q}" not in t)
    wordings = {"q": "", "w": "", "r": ""}
    for slot in wordings:
        if "{" + slot + "}" in template:
            more = w.language.more.relations.get(relation, {}).get(slot, ())
            held = bool(w.unseen and more and w.r.random() < HELD_OUT)
            wordings[slot] = w.pick(more if held else usual[slot])
            w.unseen_words.extend([wordings[slot]] * held)
    text = template.format(**named, **wordings)
    if "c" in named:
        text += w.pick(w.language.more_nearby if w.unseen else w.language.nearby).format(c=named["c"])
    return text


def scene_caption(things, relation: str, r, language: str = "en", unseen: bool = False) -> str:
    """Two or three things, each (kind, colour); the relation holds between the first two."""
    w = Wording.of(r, language, unseen)
    return w.around(_scene(w, things, relation, "scene", plain=r.random() < 0.8), often=0.25)


def plain(kind: str, colour: str, language: str = "en") -> str:
    """The canonical caption."""
    w = Wording.of(None, language, False)
    thing = w.language.thing(w.language.words.names[kind][0], w.language.words.colours[colour][0])
    return w.written(thing.nom if language == "de" else thing.a)


def of_kind(kind: str, r, sounding: bool = False, language: str = "en", unseen: bool = False) -> str:
    """Of what kind something is; `sounding` says how it is heard."""
    w = Wording.of(r, language, unseen)
    thing = w.thing(kind, plain=True)
    return w.written(w.template("sound" if sounding else "kind", lambda t: bool(thing.sound) or "{x.sound}" not in t).format(x=thing))


def of_colour(colour: str, r, language: str = "en", unseen: bool = False) -> str:
    w = Wording.of(r, language, unseen)
    return w.written(w.template("colour").format(x=w.thing(colour=colour, plain=True)))


def of_motion(motion: str, r, language: str = "en", unseen: bool = False) -> str:
    w = Wording.of(r, language, unseen)
    return w.written(w.template("motion").format(x=w.thing(motion=motion, plain=True)))


def spoken(kind: str, colour: str, r, language: str = "en", unseen: bool = False) -> str:
    """What the speech clips say; short, and mostly in the usual words."""
    w = Wording.of(r, language, unseen)
    often = SYNONYMS / 2
    thing = w.language.thing(w.word("names", kind, often), w.word("colours", colour, often / 2))
    return w.written(w.template("spoken").format(x=thing))


def spoken_scene(things, relation: str, r, language: str = "en", unseen: bool = False) -> str:
    """Two things and where they stand, short."""
    w = Wording.of(r, language, unseen)
    usual = w.language.words
    named = {name: w.language.thing(usual.names[k][0], usual.colours[c][0]) for name, (k, c) in zip("ab", things)}
    return w.written(w.template("spoken scene").format(**named, r=usual.relations[relation]["r"][0]))


def zero_shot(kind: str | None = None, colour: str | None = None, motion: str | None = None) -> list[str]:
    """What to ask for when pictures, sounds or films are sorted by name: embed all, take the mean."""
    moves = ENGLISH_WORDS.motions[motion] if motion else ((),)
    if kind is None:
        shades = ENGLISH_WORDS.colours[colour] if colour else ("",)
        things = [EnglishThing("thing", colour=c, motion=m) for c in shades for m in moves]
    else:
        things = [EnglishThing(k, colour=colour or "", motion=m) for k in KIND_NAMES[kind] for m in moves]
    moving, still = ("{x.a} {x.m}", "{x.the} {x.be} {x.m}", "a video of {x.a} {x.m}"), ("{x.a}", "{x.the}", "a photo of {x.a}", "this is {x.a}")
    forms = moving if motion else still
    return [article(form.format(x=thing)) for thing in things for form in forms]
