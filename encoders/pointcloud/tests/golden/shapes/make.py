"""Scenes as trimesh and Pillow make them, scans as laspy and pye57 do, and what they see in them.

    python make.py        (trimesh 5.2, laspy 2.7 with lazrs, pye57 0.4, numpy, Pillow)

The colours of glTF are linear; pictures and what is expected here are not (sRGB), which trimesh leaves to its callers.
"""

import json
from pathlib import Path

import laspy
import numpy as np
import pye57
import trimesh
from PIL import Image
from trimesh.transformations import rotation_matrix, translation_matrix
from trimesh.visual import ColorVisuals, TextureVisuals
from trimesh.visual.material import PBRMaterial

HERE = Path(__file__).parent
POINTS = 400_000


def shown(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def linear(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def scene() -> trimesh.Scene:
    """A box and a ball in colours of their vertices, each turned and moved, one within the other's node."""
    box, ball = trimesh.creation.box((2, 1, 0.5)), trimesh.creation.icosphere(subdivisions=2, radius=0.5)
    box.visual = ColorVisuals(box, vertex_colors=[200, 100, 50, 255])
    ball.visual = ColorVisuals(ball, vertex_colors=[10, 20, 240, 255])
    made = trimesh.Scene()
    made.add_geometry(box, node_name="box", transform=rotation_matrix(0.7, [1, 2, 3]) @ translation_matrix([1, 0, 0]))
    made.add_geometry(ball, parent_node_name="box", transform=translation_matrix([0, 3, 0]) @ np.diag([1, 2, 1, 1]))
    return made


def textured() -> tuple[trimesh.Trimesh, Image.Image, list[float]]:
    """A box with a picture of four colours on it."""
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    pixels[:16, :16], pixels[:16, 16:], pixels[16:, :16], pixels[16:, 16:] = [250, 10, 10], [10, 200, 10], [20, 20, 180], [240] * 3
    picture, factor = Image.fromarray(pixels), [1.0, 0.5, 1.0, 1.0]
    box = trimesh.creation.box((1, 2, 3))
    box.unmerge_vertices()
    places = box.vertices[:, :2] / [1, 2] + 0.5 + box.vertices[:, 2:] * 0.2
    material = PBRMaterial(baseColorTexture=picture, baseColorFactor=factor)
    box.visual = TextureVisuals(uv=places, material=material)
    return box, picture, factor


def statistics(mesh: trimesh.Trimesh, colour) -> dict:
    """Means over the surface, the colour by a function of faces and places."""
    places, faces = trimesh.sample.sample_surface(mesh, POINTS, seed=1)
    return {"mean": [*places.mean(axis=0).tolist(), *colour(faces, places).mean(axis=0).tolist()]}


def scan(name: str, version: str, kind: int, brightest: int) -> list[list[float]]:
    """Points far from the origin, in steps of a millimetre, with colours where the format has them; as they are read."""
    random = np.random.default_rng(7)
    header = laspy.LasHeader(version=version, point_format=kind)
    header.scales, header.offsets = [0.001] * 3, [500_000, 5_200_000, 400]
    las = laspy.LasData(header)
    count = 60
    las.x, las.y, las.z = (random.uniform(0, 20, (count, 3)) + [500_100, 5_200_200, 420]).T
    if "red" in las.point_format.dimension_names:
        las.red, las.green, las.blue = random.integers(0, brightest + 1, (3, count))
    las.intensity = random.integers(0, 65_536, count)
    las.write(HERE / name)
    read = laspy.read(HERE / name)
    colours = np.full((count, 3), -1.0)
    if "red" in read.point_format.dimension_names:
        colours = np.column_stack([read.red, read.green, read.blue]) / (255 if brightest <= 255 else 65_535)
    return np.column_stack([read.xyz, colours]).tolist()


def scans() -> list[list[float]]:
    """Two scans, the second of a scanner that was turned and moved, as they are read."""
    path = HERE / "scans.e57"
    path.unlink(missing_ok=True)
    random = np.random.default_rng(8)
    with pye57.E57(str(path), mode="w") as file:
        for rotation, translation in (([1, 0, 0, 0], [0, 0, 0]), ([0.5**0.5, 0, 0, 0.5**0.5], [100, 200, 300])):
            places = random.uniform(-5, 5, (3, 40))
            colours = random.integers(0, 256, (3, 40)).astype(np.uint8)
            names = ("cartesianX", "cartesianY", "cartesianZ", "colorRed", "colorGreen", "colorBlue")
            data = dict(zip(names, [*places, *colours], strict=True))
            file.write_scan_raw(data, rotation=np.asarray(rotation), translation=np.asarray(translation, dtype=float))
    read = []
    with pye57.E57(str(path)) as file:
        for number in range(file.scan_count):
            found = file.read_scan(number, colors=True, transform=True, ignore_missing_fields=True)
            places = [found[name] for name in ("cartesianX", "cartesianY", "cartesianZ")]
            colours = [found[name] / 255 for name in ("colorRed", "colorGreen", "colorBlue")]
            read += np.column_stack([*places, *colours]).tolist()
    return read


def main() -> None:
    expected = {}
    expected["bytes.las"] = scan("bytes.las", "1.2", 2, 255)
    expected["colours.laz"] = scan("colours.laz", "1.4", 7, 65_535)
    expected["grey.laz"] = scan("grey.laz", "1.2", 1, 0)
    expected["scans.e57"] = scans()
    (HERE / "scene.glb").write_bytes(scene().export(file_type="glb"))
    read = trimesh.load(HERE / "scene.glb", force="mesh", process=False)
    colours = read.visual.vertex_colors[:, :3] / 255.0
    of_faces = shown(colours[read.faces].mean(axis=1))
    expected["scene.glb"] = statistics(read, lambda faces, _: of_faces[faces])

    box, picture, factor = textured()
    (HERE / "textured.glb").write_bytes(trimesh.Scene(box).export(file_type="glb"))
    read = trimesh.load(HERE / "textured.glb", force="mesh", process=False)
    pixels = np.asarray(picture) / 255.0

    def colour(faces: np.ndarray, places: np.ndarray) -> np.ndarray:
        weights = trimesh.triangles.points_to_barycentric(read.triangles[faces], places)
        on = (read.visual.uv[read.faces[faces]] * weights[:, :, None]).sum(axis=1) % 1.0
        # trimesh counts from below.
        rows, columns = ((1 - on[:, 1]) % 1.0 * 32).astype(int), (on[:, 0] * 32).astype(int)
        return shown(linear(pixels[rows, columns]) * np.asarray(factor[:3]))

    expected["textured.glb"] = statistics(read, colour)
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
