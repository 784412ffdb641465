"""Recordings of things: GCompris, Wesnoth, LMMS; single notes of Freepats."""

from pathlib import Path

import soundfile

from everyday.evaluation.items import Item
from everyday.evaluation.patches import as_wav
from everyday.evaluation.sources import gcompris, source

SHORTEST = 0.1  # seconds: what is shorter is a click

GCOMPRIS = {"explore_farm_animals/resource/animals": None, "instruments/resource": "musical instrument"}
RENAMED = {"chickens": "chicken", "flute_traversiere": "flute", "horn": "French horn"}
NOISES = {
    "LRApplauses_1_LA_cut": "applause", "LRBark_1_LA_cut": "dog", "LRBark_3_LA_cut": "dog",
    "LRBuddhist_gong_05_LA": "gong", "LRDoor_Open_2_LA": "door", "LRHeart_beat_01_LA": "heartbeat",
    "LRRain_in_garden_01_LA_cut": "rain", "LRStartAndStopCarEngine1LACut": "car engine",
    "LRTrain_slowing_down_01_LA_cut": "train", "LRFrogsInPondDuringStormLACut": "frogs in a pond during a storm",
    "LRRing_01_LA": "bell ringing",
}  # fmt: skip
WESNOTH = {
    "ambient/birds1.ogg": "birds singing", "ambient/birds2.ogg": "birds singing",
    "ambient/birds3.ogg": "birds singing", "ambient/campfire.ogg": "campfire", "ambient/wardrums.ogg": "war drums",
    "bat-flapping.wav": "flapping wings", "bow.ogg": "bow and arrow", "explosion.ogg": "explosion",
    "gunshot.wav": "gunshot", "horse-canter.wav": "horse galloping", "horse-die.ogg": "horse",
    "horse-hit-1.ogg": "horse", "horse-hit-2.ogg": "horse", "wolf-growl-1.ogg": "wolf", "wolf-growl-2.ogg": "wolf",
    "wolf-growl-3.ogg": "wolf", "hiss.wav": "snake hissing", "dwarf-laugh.wav": "man laughing",
    "groan.wav": "groaning", "thunderstick.ogg": "gunshot", "open-chest.wav": "creaking lid",
    "lightning.ogg": "thunder and lightning", "fanfare-short.wav": "trumpet fanfare",
    "human-female-die-1.ogg": "woman screaming", "human-die-1.ogg": "man screaming", "fire.wav": "fire",
    "fuse.ogg": "burning fuse", "ambient/night.ogg": "crickets at night",
}  # fmt: skip
LMMS = {
    "instruments/cello01": "cello", "instruments/church_organ01": "church organ",
    "instruments/church_organ02": "church organ", "instruments/flute01": "flute",
    "instruments/harpsichord01": "harpsichord", "instruments/piano01": "piano", "instruments/piano02": "piano",
    "instruments/steel_guitar01": "steel guitar",
    "instruments/steel_guitar_heavy_distorted01": "distorted electric guitar", "instruments/trumpet01": "trumpet",
    "instruments/violin_fingered01": "violin", "instruments/bassslap01": "bass guitar",
    "drums/bassdrum_acoustic01": "bass drum", "drums/clap01": "hand clap", "drums/snare_acoustic01": "snare drum",
    "drums/hihat_closed01": "hi-hat cymbal", "drums/crash01": "crash cymbal", "drums/shaker01": "shaker",
    "effects/wind_chimes01": "wind chimes", "misc/applause01": "applause", "effects/explode01": "explosion",
}  # fmt: skip
FREEPATS = {
    "Tone_000/000_Acoustic_Grand_Piano": "piano", "Tone_000/006_Harpsichord": "harpsichord",
    "Tone_000/008_Celesta": "celesta", "Tone_000/009_Glockenspiel": "glockenspiel",
    "Tone_000/013_Xylophone": "xylophone",
    "Tone_000/014_Tubular_Bells": "tubular bells", "Tone_000/015_Dulcimer": "dulcimer",
    "Tone_000/016_Hammond_Organ": "Hammond organ", "Tone_000/019_Church_Organ": "church organ",
    "Tone_000/021_Accordion": "accordion", "Tone_000/024_Nylon_Guitar": "acoustic guitar",
    "Tone_000/025_Steel_Guitar": "steel guitar", "Tone_000/027_Clean_Electric_Guitar": "electric guitar",
    "Tone_000/030_Distortion_Guitar": "distorted electric guitar", "Tone_000/032_Acoustic_Bass": "double bass",
    "Tone_000/033_Finger_Bass": "bass guitar", "Tone_000/040_Violin": "violin", "Tone_000/042_Cello": "cello",
    "Tone_000/046_Harp": "harp", "Tone_000/047_Timpani": "timpani",
    "Tone_000/048_String_Ensemble_1_Marcato": "string orchestra",
    "Tone_000/056_Trumpet": "trumpet", "Tone_000/057_Trombone": "trombone", "Tone_000/058_Tuba": "tuba",
    "Tone_000/060_French_Horn": "French horn", "Tone_000/065_Alto_Sax": "saxophone",
    "Tone_000/066_Tenor_Sax": "saxophone",
    "Tone_000/068_Oboe": "oboe", "Tone_000/070_Bassoon": "bassoon", "Tone_000/071_Clarinet": "clarinet",
    "Tone_000/072_Piccolo": "piccolo", "Tone_000/073_Flute": "flute", "Tone_000/074_Recorder": "recorder",
    "Tone_000/075_Pan_Flute": "pan flute", "Tone_000/104_Sitar": "sitar", "Tone_000/114_Steel_Drums": "steel drum",
    "Tone_000/122_Seashore": "sea shore", "Tone_000/125_Helicopter": "helicopter",
    "Drum_000/036_Kick_2": "bass drum", "Drum_000/040_Snare_2": "snare drum", "Drum_000/039_Clap_Hand": "hand clap",
    "Drum_000/042_Hi-Hat_Closed": "hi-hat cymbal", "Drum_000/049_Cymbal_Crash_1": "crash cymbal",
    "Drum_000/054_Tombourine": "tambourine", "Drum_000/056_Cow_Bell": "cowbell", "Drum_000/060_Bongo_High": "bongo",
    "Drum_000/063_Conga_High_2_Open": "conga drum", "Drum_000/070_Maracas": "maracas", "Drum_000/075_Claves": "claves",
    "Drum_000/076_Wood_Block_1_High": "wood block", "Drum_000/072_Whistle_2_Low_Long": "whistle",
}  # fmt: skip


def _listed(root: Path, place: str, table: dict[str, str], ending: str = "") -> list[tuple[Path, str, str]]:
    named = [(f"{path}{ending}", said) for path, said in table.items()]
    return [(root / path, f"{place}/{Path(path).with_suffix('')}", said) for path, said in named]


def _gcompris(root: Path) -> list[tuple[Path, str, str]]:
    found = []
    for folder in GCOMPRIS:
        for file in sorted((root / folder).glob("*.ogg")):
            said = RENAMED.get(file.stem, file.stem.replace("_", " "))
            found.append((file, f"gcompris/src/activities/{folder}/{file.stem}", said))
    return found


def playable(file: Path) -> bool:
    """Whether it opens, and lasts longer than a click."""
    try:
        return float(soundfile.info(file).duration) >= SHORTEST
    except soundfile.LibsndfileError:
        return False


def load(cache: Path) -> list[Item]:
    """The notes of Freepats are written as WAV files into the cache."""
    activities, notes = gcompris(cache), source("freepats", cache) / "share/midi/freepats"
    wesnoth = source("wesnoth-1.16-data", cache) / "share/games/wesnoth/1.16/data/core/sounds"
    lmms = source("lmms-common", cache) / "share/lmms/samples"
    recorded = [
        *_gcompris(activities),
        *_listed(activities / "memory-sound/resource", "gcompris/src/activities/memory-sound/resource", NOISES, ".ogg"),
        *_listed(wesnoth, "usr/share/games/wesnoth/1.16/data/core/sounds", WESNOTH),
        *_listed(lmms, "usr/share/lmms/samples", LMMS, ".ogg"),
    ]
    played = [
        (as_wav(file, cache / "made/notes" / f"{file.stem}.wav"), name, said)
        for file, name, said in _listed(notes, "freepats", FREEPATS, ".pat")
    ]
    items = []
    for collection, found in (("recordings", recorded), ("samples", played)):
        for file, name, said in found:
            if playable(file):
                items.append(Item(file, name, said, "audio", collection, {"en": said}))
    return items
