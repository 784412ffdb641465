"""What the reference readers make of a file: the same content in a format that nobody misreads.

Pictures by Pillow as PNG, sound by FFmpeg (PyAV) as WAV, films by FFmpeg as FFV1 in Matroska with their time stamps
moved to zero, shapes by trimesh as PLY, laser scans by laspy, documents by their own libraries as plain text. A file
that its reference does not read either is no question to us.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import laspy
import lxml.html
import numpy as np
import trimesh
from PIL import Image, ImageOps

PICTURES = {name for name, kind in Image.registered_extensions().items() if kind in Image.OPEN and kind not in ("MPEG", "EPS", "PDF")}
SHAPES = {".ply", ".obj", ".stl", ".off", ".glb", ".gltf", ".3mf", ".xyz", ".pts", ".las", ".laz"}
PAGES = {".html", ".htm", ".xhtml"}

# Points spread over a mesh whose colours no PLY of its corners can hold.
SPREAD = 100_000

# Longer films are cut for the comparison: what is asked is whether the content is the same, not how long it takes.
FILM_FRAMES = 900
SOUND_SECONDS = 600


@dataclass(frozen=True)
class Reference:
    """A file's modality, and its content as its reference reads it."""

    modality: str
    path: Path


class Unread(Exception):
    """The reference does not read the file, or nothing is in it."""


def picture(path: Path, out: Path) -> Reference:
    with Image.open(path) as image:
        image.seek(0)
        upright = ImageOps.exif_transpose(image)
        mode = "RGBA" if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info else "RGB"
        if upright.mode in ("I", "F", "I;16", "I;16B"):
            raise Unread("Pillow has no rule for showing this mode")
        target = out / "reference.png"
        upright.convert(mode).save(target)
    return Reference("image", target)


def srgb(linear: np.ndarray) -> np.ndarray:
    """Parts of light as pictures have them."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def linear(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def own_colours(path: Path, mesh: trimesh.Trimesh) -> np.ndarray | None:
    """Colours that a file gives its corners, where trimesh lets texture coordinates hide them."""
    if path.suffix == ".ply":
        vertex = mesh.metadata.get("_ply_raw", {}).get("vertex", {}).get("data")
        names = ("red", "green", "blue")
        if vertex is not None and set(names) <= set(getattr(vertex, "dtype", vertex).names or ()):
            colours = np.column_stack([vertex[name] for name in names])
            return colours if len(colours) == len(mesh.vertices) else None
    if path.suffix.lower() == ".obj":
        lines = [line.split()[1:] for line in path.read_text(errors="replace").splitlines() if line.startswith("v ")]
        if lines and all(len(line) == 6 for line in lines):
            at = {tuple(map(float, line[:3])): np.asarray(line[3:], dtype=float) for line in lines}
            found = [at.get(tuple(place)) for place in mesh.vertices]
            if all(colour is not None for colour in found):
                return np.nan_to_num(np.asarray(found) * 255).clip(0, 255).astype(np.uint8)
    return None


def spread(part: trimesh.Trimesh, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a mesh, and the colour that its material, its corners and its picture let through there."""
    places, faces = trimesh.sample.sample_surface(part, count, seed=1)
    weights = trimesh.triangles.points_to_barycentric(part.triangles[faces], places)
    light = np.ones((len(places), 3))
    if part.visual.kind == "vertex":
        corners = part.visual.vertex_colors[part.faces[faces]][:, :, :3] / 255
        return places, srgb((corners * weights[:, :, None]).sum(axis=1))
    material = getattr(part.visual, "material", None)
    factor = getattr(material, "baseColorFactor", None)
    if factor is not None:
        light = light * np.asarray(factor[:3]) / (255 if np.asarray(factor).dtype == np.uint8 else 1)
    picture = getattr(material, "baseColorTexture", None)
    if picture is not None and part.visual.uv is not None:
        pixels = np.asarray(picture.convert("RGB")) / 255
        height, width, _ = pixels.shape
        on = (part.visual.uv[part.faces[faces]] * weights[:, :, None]).sum(axis=1)
        columns = ((on[:, 0] % 1) * width).astype(int).clip(0, width - 1)
        rows = (((1 - on[:, 1]) % 1) * height).astype(int).clip(0, height - 1)
        light = light * linear(pixels[rows, columns])
    return places, srgb(light)


def scene(path: Path) -> trimesh.PointCloud:
    """The surfaces of a glTF as points in the colours that they show."""
    parts = [part for part in trimesh.load_scene(path, process=False).dump() if isinstance(part, trimesh.Trimesh)]
    areas = np.asarray([part.area for part in parts])
    if areas.sum() <= 0:
        raise Unread("nothing is in it")
    counts = np.round(areas / areas.sum() * SPREAD).astype(int)
    spreads = [spread(part, count) for part, count in zip(parts, counts, strict=True) if count > 0]
    colours = np.round(np.concatenate([colours for _, colours in spreads]) * 255).astype(np.uint8)
    return trimesh.PointCloud(np.concatenate([places for places, _ in spreads]), colors=colours)


def scan(path: Path) -> trimesh.PointCloud:
    """What a laser saw, counted from its first point: PLY has single precision."""
    with laspy.open(path) as file:
        points = file.read()
    places = points.xyz - np.round(points.xyz[0])
    if "red" not in points.point_format.dimension_names:
        return trimesh.PointCloud(places)
    colours = np.column_stack([points.red, points.green, points.blue]).astype(float)
    full = 255 if colours.max() <= 255 else 65535
    return trimesh.PointCloud(places, colors=np.round(colours / full * 255).astype(np.uint8))


def shape(path: Path, out: Path) -> Reference:
    suffix = path.suffix.lower()
    if suffix in (".las", ".laz"):
        loaded = scan(path)
    elif suffix in (".glb", ".gltf"):
        loaded = scene(path)
    elif suffix in (".xyz", ".pts"):
        loaded = trimesh.load(path, file_type="xyz")
    else:
        loaded = trimesh.load(path, force="mesh", process=False)
        colours = own_colours(path, loaded)
        if colours is not None:
            loaded.visual = trimesh.visual.ColorVisuals(loaded, vertex_colors=colours)
    if len(getattr(loaded, "vertices", ())) == 0:
        raise Unread("nothing is in it")
    target = out / "reference.ply"
    loaded.export(target)
    return Reference("point_cloud", target)


def page(path: Path, out: Path) -> Reference:
    """A page's title and text by lxml, white space as one space."""
    tree = lxml.html.fromstring(path.read_bytes())
    for unread in tree.xpath("//script|//style|//noscript|//template|//svg|//select|//iframe|//object|//comment()"):
        unread.drop_tree()
    words = " ".join(" ".join(tree.itertext()).split())
    target = out / "reference.txt"
    target.write_text(words, encoding="utf-8")
    return Reference("text", target)


def is_film(container: av.container.InputContainer) -> bool:
    """Covers and the pictures of chapters are no film: stills, fewer than two a second beside sound."""
    for stream in container.streams.video:
        attached = bool(stream.disposition & av.stream.Disposition.attached_pic)
        rate = float(stream.average_rate or 0)
        still = stream.codec_context.name in ("mjpeg", "png") and rate < 2 and len(container.streams.audio) > 0
        if not attached and not still:
            return True
    return False


def sound_or_film(path: Path, out: Path) -> Reference:
    with av.open(str(path)) as container:
        if is_film(container):
            return film(container, out)
        return sound(container, out)


def sound(container: av.container.InputContainer, out: Path) -> Reference:
    if not container.streams.audio:
        raise Unread("neither sound nor pictures")
    target = out / "reference.wav"
    stream = container.streams.audio[0]
    written = 0
    with av.open(str(target), "w") as output:
        made = None
        for frame in container.decode(stream):
            if made is None:
                made = output.add_stream("pcm_f32le", rate=frame.sample_rate, layout=frame.layout.name)
                resampler = av.AudioResampler("flt", frame.layout.name, frame.sample_rate)
            for piece in resampler.resample(frame):
                piece.pts = None
                written += piece.samples
                output.mux(made.encode(piece))
            if written > SOUND_SECONDS * frame.sample_rate:
                raise Unread("longer than is compared")
        if made is None or written == 0:
            raise Unread("no sound comes out")
        output.mux(made.encode(None))
    return Reference("audio", target)


def film(container: av.container.InputContainer, out: Path) -> Reference:
    target = out / "reference.mkv"
    stream = container.streams.video[0]
    first = None
    with av.open(str(target), "w") as output:
        made = None
        for number, frame in enumerate(container.decode(stream)):
            if number == FILM_FRAMES:
                raise Unread("longer than is compared")
            if made is None:
                made = output.add_stream("ffv1", rate=stream.average_rate or 25)
                made.width, made.height, made.pix_fmt = frame.width, frame.height, "yuv444p"
                made.time_base = stream.time_base
                first = frame.pts or 0
            shown = frame.reformat(width=made.width, height=made.height, format="yuv444p")
            shown.pts = (frame.pts if frame.pts is not None else number) - first
            shown.time_base = stream.time_base
            output.mux(made.encode(shown))
        if made is None:
            raise Unread("no picture comes out")
        output.mux(made.encode(None))
    return Reference("video", target)


def reader(path: Path) -> Callable[[Path, Path], Reference]:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return picture
    if suffix in PAGES:
        return page
    return shape if suffix in SHAPES else sound_or_film


def reference(path: Path, out: Path) -> Reference:
    """A file as its reference reads it; raises `Unread` where it does not."""
    try:
        return reader(path)(path, out)
    except Unread:
        raise
    except Exception as error:  # Whatever a reader says of a file that it does not read.
        raise Unread(f"{type(error).__name__}: {error}") from error


def likeness(one: list[float], other: list[float]) -> float:
    """Of unit vectors."""
    return float(np.dot(np.asarray(one), np.asarray(other)))
