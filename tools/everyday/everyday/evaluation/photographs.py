"""Photographs that are shown whole: GCompris', and those of Tux Paint and MATE."""

from pathlib import Path

from everyday.evaluation.items import Item, readable
from everyday.evaluation.sources import gcompris, source

GCOMPRIS = "gcompris/src/activities"
GROUPS = {
    "erase/resource": "animals", "explore_farm_animals/resource/animals": "animals",
    "explore_world_animals/resource/animals": "animals", "categorization/resource/images/others": "household",
    "categorization/resource/images/tools": "tool", "categorization/resource/images/renewable": "power",
    "categorization/resource/images/fishes": "fish", "categorization/resource/images/monuments": "landmark",
    "explore_monuments/resource/wonders": "landmark", "explore_monuments/resource/france": "landmark",
}  # fmt: skip
# File names that are no words, are misspelt, or say another word than people do.
NAMED = {
    "plier": "pliers", "chamaeleon": "chameleon", "blackslate": "blackboard", "bulb": "light bulb",
    "buffetset": "cup and saucer", "erasers": "eraser", "weighing machine": "weighing scale",
    "screw driver": "screwdriver", "side cutter": "pliers", "spray": "spray bottle", "chicken": "chickens",
    "tweezer": "tweezers", "geothermal": "geothermal power plant", "solar": "solar panel", "burj": "Burj Khalifa",
    "le musee": "Louvre museum", "kutub minar": "Qutub Minar", "zimni palace": "Winter Palace",
    "arc de triomphe": "Arc de Triomphe", "empire state": "Empire State Building", "opera house": "Sydney Opera House",
    "great wall": "Great Wall of China", "great wallof china": "Great Wall of China",
    "great pyramid": "Great Pyramid of Giza", "us capitol": "United States Capitol",
    "arles amphitheater": "Arles Amphitheatre", "chateaude chambord": "Château de Chambord",
    "chateaude chenonceau": "Château de Chenonceau", "citede carcassonne": "walled city of Carcassonne",
    "mont st michel": "Mont Saint-Michel", "palaisdes papes": "Palais des Papes", "pontdu gard": "Pont du Gard",
    "reims cathedral": "Reims Cathedral", "chichen itza": "Chichén Itzá",
}  # fmt: skip
# No name of a thing, or no photograph.
NAMELESS = {"dragon", "monument"}

PAINTED_ON = {
    "corn_maze": "a corn maze", "wool_mill_machine": "a machine in a wool mill",
    "sun_behind_clouds": "the sun behind clouds",
    "ocean_splash": "a splashing wave", "ocean_waves": "waves of the ocean", "spiders_web": "a spider's web",
    "redwoods_above": "redwood trees", "sun_behind_leaves": "the sun behind leaves", "burnt_bark": "burnt bark",
    "cliff": "a cliff", "lighthouse": "a lighthouse", "trees_at_dusk": "trees at dusk", "sheep": "sheep",
    "mudstone": "mudstone", "rocks": "rocks", "jellyfish": "a jellyfish", "mossy_log": "a mossy log",
}  # fmt: skip
BACKGROUNDS = {
    "abstract/Elephants": "elephants", "nature/Dune": "a sand dune", "nature/FreshFlower": "a flower",
    "nature/Garden": "a garden", "nature/GreenMeadow": "a green meadow", "nature/LadyBird": "a ladybird",
    "nature/RainDrops": "raindrops", "nature/Storm": "a storm", "nature/Wood": "wood",
    "nature/YellowFlower": "a yellow flower",
}  # fmt: skip


def label(stem: str) -> str | None:
    """What a file name of GCompris says; None where it says nothing."""
    name = readable(stem)
    name = NAMED.get(name, name)
    return None if name in NAMELESS else name


def _gcompris(cache: Path) -> list[Item]:
    root, items = gcompris(cache), []
    for folder, group in GROUPS.items():
        for file in sorted((root / folder).glob("*.webp")):
            said = label(file.stem)
            if said:
                name = f"{GCOMPRIS}/{file.relative_to(root).with_suffix('').as_posix()}"
                items.append(Item(file, name, said, "image", "gcompris", {"en": said}, group))
    return items


def _listed(root: Path, package: str, table: dict[str, str], ending: str = "") -> list[Item]:
    return [
        Item(root / f"{path}{ending}", f"{package}/{path}", said, "image", "stock", {"en": said})
        for path, said in table.items()
    ]


def load(cache: Path) -> list[Item]:
    painted = source("tuxpaint-data", cache) / "share/tuxpaint/templates"
    backgrounds = source("mate-backgrounds", cache) / "share/backgrounds/mate"
    return [
        *_gcompris(cache),
        *_listed(painted, "tuxpaint-data", PAINTED_ON, ".jpg"),
        *_listed(backgrounds, "mate-backgrounds", BACKGROUNDS, ".jpg"),
    ]
