"""Shapes: scans and meshes of CGAL's data, and the furniture of Sweet Home 3D; all stand along the second axis."""

import re
from pathlib import Path

import numpy as np

from everyday.evaluation.items import Item
from everyday.evaluation.meshes import Points, as_ply
from everyday.evaluation.sources import cgal, furniture

# Files of CGAL whose name says what they show. Left out are solids (cube, sphere, torus), technical parts, patches,
# test cases with faults, second copies of a scan, and names that say nothing (b9, oni, retinal, itemb, P, eight).
SCANS = {
    "meshes/anchor.off": "an anchor", "meshes/armadillo.off": "an armadillo", "meshes/bear.off": "a bear",
    "meshes/blade.off": "a turbine blade", "meshes/boeing.off": "an airplane", "meshes/bones.off": "bones",
    "meshes/bull.off": "a bull", "meshes/bunny00.off": "a rabbit", "meshes/cactus.off": "a cactus",
    "meshes/camel.off": "a camel", "meshes/cheese.off": "a piece of cheese",
    "meshes/ChineseDragon-10kv.off": "a dragon",
    "meshes/cow.off": "a cow", "meshes/dino.off": "a dinosaur", "meshes/diplodocus.off": "a diplodocus",
    "meshes/elephant.off": "an elephant", "meshes/elk.off": "an elk", "meshes/femur.off": "a thigh bone",
    "meshes/hand.off": "a hand", "meshes/head.off": "a head", "meshes/helmet.off": "a helmet",
    "meshes/homer.off": "Homer Simpson", "meshes/knot1.off": "a knot", "meshes/lion.off": "a lion",
    "meshes/lion-head.off": "the head of a lion", "meshes/man.off": "a man", "meshes/mushroom.off": "a mushroom",
    "meshes/nefertiti.off": "the bust of Nefertiti", "meshes/pig.off": "a pig", "meshes/pinion.off": "a gear wheel",
    "meshes/mannequin-devil.off": "a devil", "meshes/three_peaks.off": "mountain peaks",
    "meshes/triceratops.off": "a triceratops", "meshes/turbine.off": "a turbine",
    "points_3/kitten.off": "a kitten", "points_3/radar.xyz": "a radar dish",
}  # fmt: skip
# These stand along the third axis.
STANDING = {"meshes/boeing.off", "points_3/radar.xyz", "meshes/three_peaks.off"}
FROM_THIRD = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])

# Names of the furniture libraries that are things with a shape of their own. Left out: parts of buildings, plugs and
# switches, cupboards of all sizes, goods of one maker, flat things, and what only colour tells.
THINGS = {
    "Acacia", "Apples", "Armchair", "Baby bed", "Baby bottle", "Baby high chair", "Backpack", "Bamboo", "Bar chair",
    "Bar stool", "Barrel", "Basketball", "Bath", "Bed", "Bedside table", "Beer bottle", "Beer glass", "Bench",
    "Bicycle",
    "Bidet", "Bike", "Biplane", "Birthday cake", "Blender", "Bonsai tree", "Bookcase", "Bottle", "Bowl", "Bread",
    "Briefcase", "Broom", "Bulldog", "Bunk bed", "Bus", "Cactus", "Camera", "Camping tent", "Candle", "Cap",
    "Cardboard box", "Cat", "Ceiling fan", "Chair", "Chandelier lamp", "Chessboard", "Chicken", "Christmas tree",
    "City bus", "Clothes hanger", "Cocktail glass", "Coconut tree", "Coffee cup", "Coffee mug", "Coffee table", "Comb",
    "Corner sofa", "Couch", "Crib", "Cuckoo clock", "Cup", "Cup cake", "Cutting pliers", "Cypress", "Deck chair",
    "Deer",
    "Desk", "Desk lamp", "Dog", "Dog house", "Doll", "Door", "Dress", "Drill", "Electric guitar", "Espresso kettle",
    "Extinguisher", "Fire hydrant", "Fireplace", "Flashlight", "Folding chair", "Fork", "Fork lift", "Fountain",
    "Glasses", "Glove", "Grand piano", "Hamburger", "Hammer", "Hammock", "Handbag", "Hat", "Headphones", "Helmet",
    "Horse", "Hospital bed", "Hot dog", "Jacket", "Joystick", "Kitchen knife", "Knife", "Lamp", "Laptop", "Mailbox",
    "Microwave", "Mobile phone", "Motorbike", "Mower", "Office chair", "Palm tree", "Pencil", "Pine", "Pool table",
    "Rabbit",
    "Radiator", "Radio", "Reflex camera", "Ring", "Roasted chicken", "Rocking horse", "Rowboat", "Saw", "Scissors",
    "Scooter", "Screwdriver", "Seesaw", "Shovel", "Siamese cat", "Skateboard", "Sneakers", "Snowman", "Soccer ball",
    "Sofa", "Speaker", "Spiral staircase", "Spoon", "Stapler", "Step ladder", "Stool", "Street lamp", "Stroller",
    "Suitcase", "Sunglasses", "SUV", "Table", "Table fan", "Table tennis bat", "Teapot", "Teddy bear", "Tennis racket",
    "Toaster", "Toy train", "Treadmill", "Tricycle", "Trousers", "Truck", "Tulips", "Umbrella", "Upright piano", "Van",
    "Vase", "Wardrobe", "Washbasin", "Washing machine", "Watch", "Wheelbarrow", "Wheelchair", "Wine bottle",
    "Xylophone",
}  # fmt: skip
ENTRY = re.compile(r"^(name|model|modelRotation)#(\d+)=(.*)$", re.MULTILINE)
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def entries(text: str) -> dict[str, dict[str, str]]:
    """A catalogue's properties: number → key → value."""
    found: dict[str, dict[str, str]] = {}
    for key, number, value in ENTRY.findall(text):
        found.setdefault(number, {})[key] = ESCAPE.sub(lambda m: chr(int(m[1], 16)), value).strip()
    return found


def _catalogue(library: Path) -> dict[str, dict[str, str]]:
    """English entries, with the names of other languages beside them."""
    file = library / "PluginFurnitureCatalog.properties"
    found = entries(file.read_text("latin1"))
    for other in sorted(library.glob(f"{file.stem}_*.properties")):
        language = other.stem.removeprefix(f"{file.stem}_")
        for number, row in entries(other.read_text("latin1")).items():
            if number in found and "name" in row:
                found[number][f"name {language}"] = row["name"]
    return found


def _rotation(said: str | None) -> Points | None:
    return None if said is None else np.array([float(v) for v in said.split()]).reshape(3, 3)


def _furniture(cache: Path, made: Path, turn: Points) -> list[Item]:
    items = []
    for library in sorted(p for p in furniture(cache).iterdir() if p.is_dir()):
        for number, row in sorted(_catalogue(library).items(), key=lambda pair: int(pair[0])):
            model = library / row.get("model", "").lstrip("/")
            if row.get("name") not in THINGS or model.suffix != ".obj" or not model.exists():
                continue
            own = _rotation(row.get("modelRotation"))
            turned = turn if own is None else turn @ own
            texts = {"en": row["name"]} | {k[5:]: v for k, v in row.items() if k.startswith("name ")}
            out = as_ply(model, made / f"{library.name}-{number}.ply", turned)
            name = f"sweethome3d-furniture/{library.name}/{row['model'].lstrip('/')}"
            items.append(Item(out, name, row["name"], "point_cloud", "furniture", texts))
    return items


def load(cache: Path, up: str, turn: Points) -> list[Item]:
    """Meshes and sets of points without colours, turned from the second axis up to the one that a bundle's tower
    wants."""
    root, made = cgal(cache), cache / "made/meshes" / up
    items = []
    for path, label in SCANS.items():
        turned = turn @ FROM_THIRD if path in STANDING else turn
        out = as_ply(root / path, made / f"{Path(path).stem}.ply", turned)
        items.append(Item(out, f"libcgal-demo/{path}", label, "point_cloud", "scans", {"en": label}))
    return [*items, *_furniture(cache, made, turn)]
