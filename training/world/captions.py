"""English about a kind, a colour and perhaps a motion: many ways of saying one thing."""

import numpy as np

from world.catalogue import BY_NAME

SHADES = {
    "red": ("crimson", "scarlet"), "orange": ("tangerine",), "yellow": ("golden yellow", "lemon"), "green": ("emerald", "lime green"),
    "turquoise": ("cyan", "teal"), "blue": ("navy", "azure"), "purple": ("violet",), "pink": ("rose",), "brown": ("chocolate",),
    "black": ("jet black",), "white": ("snow white",),
}  # fmt: skip

PLAIN = ("a {c} {k}", "{c} {k}", "the {c} {k}", "one {c} {k}", "this is a {c} {k}", "the {k} is {c}", "a {k} that is {c}", "a {k}, {c}", "there is a {c} {k}")
LEADS = (
    "", "", "", "a photo of ", "a picture of ", "an image of ", "a video of ", "a clip of ", "a recording of ", "a 3d model of ",
    "a point cloud of ", "a scan of ", "a rendering of ", "someone saying ", "i see ", "look at ", "here is ", "show me ", "find ",
    "please find me ", "we want ",
)  # fmt: skip
TAILS = (
    "", "", "", "", " on the floor", " in a room", " against a wall", " in the light", " in the dark", " from above", " from the side",
    " in front of us", " at home", " outside", " today", " .", " on its own", " over there", " standing still",
)  # fmt: skip
SIZES = ("", "", "", "", "", "small ", "big ", "large ", "little ", "shiny ", "old ", "new ", "lovely ", "single ", "toy ", "plain ")
MOVING = (
    "a {c} {k} {m}", "{c} {k} {m}", "a {m} {c} {k}", "the {c} {k} is {m}", "a {c} {k} that is {m}", "the {m} {c} {k}", "a {k} {m}, it is {c}",
)  # fmt: skip
KIND_ONLY = ("a {k}", "{k}", "the {k}", "this is a {k}", "some {k}", "any {k}")
SOUND_ONLY = ("the sound of a {k}", "a {k} sounding", "a {k}", "{k}", "a recording of a {k}", "hear a {k}", "the noise of a {k}")
COLOUR_ONLY = ("something {c}", "{c}", "a {c} thing", "it is {c}", "anything {c}", "{c} things", "a {c} object")
MOTION_ONLY = ("something {m}", "{m}", "it is {m}", "a thing {m}", "an object {m}")

SPOKEN = ("a {c} {k}", "a {c} {k}", "{c} {k}", "the {c} {k}", "one {c} {k}", "the {k} is {c}", "it's a {c} {k}")


def article(text: str) -> str:
    """`a orange` -> `an orange`."""
    words = text.split(" ")
    for i in range(len(words) - 1):
        if words[i] == "a" and words[i + 1][:1] in "aeiou":
            words[i] = "an"
    return " ".join(words)


def _pick(options, r):
    return options[int(r.integers(len(options)))]


def caption(kind: str, colour: str, r: np.random.Generator, motion: str | None = None) -> str:
    """One paraphrase, lower case, for training the text tower."""
    known = BY_NAME[kind]
    if known.synonym and r.random() < 0.15:
        kind = known.synonym
    if r.random() < 0.1:
        colour = _pick(SHADES[colour], r)
    form = _pick(MOVING if motion else PLAIN, r)
    text = form.format(c=_pick(SIZES, r) + colour if "{c} {k}" in form else colour, k=kind, m=motion)
    if r.random() < 0.5:
        text = _pick(LEADS, r) + text + _pick(TAILS, r)
    if r.random() < 0.08:
        text = _babble(text, r)
    return article(text)


def _babble(text: str, r) -> str:
    """Adds a word nobody knows, so that strange words are learnt to mean nothing."""
    word = "".join(chr(97 + int(x)) for x in r.integers(0, 26, int(r.integers(2, 8))))
    words = text.split(" ")
    words.insert(int(r.integers(len(words) + 1)), word)
    return " ".join(words)


def plain(kind: str, colour: str) -> str:
    """The canonical caption."""
    return article(f"a {colour} {kind}")


def of_kind(kind: str, r, sounding: bool = False) -> str:
    return article(_pick(SOUND_ONLY if sounding else KIND_ONLY, r).format(k=kind))


def of_colour(colour: str, r) -> str:
    return article(_pick(COLOUR_ONLY, r).format(c=colour))


def of_motion(motion: str, r) -> str:
    return _pick(MOTION_ONLY, r).format(m=motion)


def spoken(kind: str, colour: str, r) -> str:
    """What the speech clips say; short, so that two seconds hold it."""
    return article(_pick(SPOKEN, r).format(c=colour, k=kind))
