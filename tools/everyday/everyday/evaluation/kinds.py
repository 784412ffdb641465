"""Kinds that can be seen and heard alike: which words of a label mean which kind."""

import re

KINDS: dict[str, str] = {
    "dog": r"dog|dogs|dingo|bulldog", "wolf": r"wolf", "fox": r"fox", "cat": r"cat|kitten|siamese cat",
    "lion or tiger": r"lion|tiger", "bear": r"bear|polar bear", "horse": r"horse", "donkey": r"donkey",
    "zebra": r"zebra",
    "cow": r"cow|calf|bull", "sheep": r"sheep|lamb|ram", "goat": r"goat|mountaingoat|ibex", "pig": r"pig|boars?",
    "camel": r"camels?|dromedary", "deer": r"deer|doe|caribou|moose|wapiti|elk", "elephant": r"elephants?",
    "monkey or ape": r"chimpanzee|gorilla|gibbon|monkey|macaque|tamarin",
    "whale or dolphin": r"whale|orca|dolphin|narwhal",
    "rabbit": r"rabbit", "mouse or rat": r"mouse|rat", "squirrel": r"squirrel",
    "chicken": r"chickens?|hen|rooster", "duck or goose": r"duck|drake|goose|gander|gosling", "owl": r"owl",
    "crow": r"crow",
    "gull": r"seagull|gull", "penguin": r"penguin", "turkey": r"turkey", "toucan": r"toucan", "heron": r"heron",
    "frog": r"frogs?", "bee or hornet": r"bee|hornet|hoverfly", "grasshopper": r"grasshopper|crickets",
    "guitar": r"guitar", "violin or cello": r"violin|cello", "piano": r"piano", "trumpet": r"trumpet",
    "drum": r"drums?|timpani|tabla|bongo|conga", "cymbal": r"cymbal", "bassoon": r"bassoon", "bell": r"bell|bells",
    "car": r"car|vw beetle|sedan|suv", "fire truck": r"fire truck", "train": r"train", "helicopter": r"helicopter",
    "hammer or mallet": r"hammer|mallet", "saw": r"saw", "scissors": r"scissors", "kettle": r"kettle",
    "camera": r"camera", "telephone": r"telephone|mobile phone", "door": r"door", "clock or watch": r"clock|watch",
    "wave of the sea": r"sea shore|waves?", "toilet": r"toilet",
}  # fmt: skip
# A word of a kind that means something else here.
NOT = re.compile(r"hot dog|dog house|sea lion|teddy bear|rocking horse|clothes horse|horseradish|roasted|cowbell|"
                 r"cow bell|steel drum|drum roll|snare roll|rubber duck|flying fox|seahorse|sawn|toy train|guinea|"
                 r"police car|capybara|head of", re.IGNORECASE)  # fmt: skip
PATTERNS = {kind: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for kind, words in KINDS.items()}


def kind(label: str) -> str | None:
    """The kind whose word comes last in the label, since an English name ends in what the thing is."""
    if NOT.search(label):
        return None
    # What stands in brackets, or after a comma, explains.
    label = re.split(r"[(,;:!]", label)[0]
    found = [(match.end(), name) for name, pattern in PATTERNS.items() for match in pattern.finditer(label)]
    return max(found)[1] if found else None
