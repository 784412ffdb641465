"""Writes the inputs of the tests of newer formats, and the pixels that reference readers make of them.

    pip install pillow==13.0.0 pillow-heif==1.8.1 pillow-jxl-plugin==1.3.8 resvg-py numpy safetensors
    python make.py

Scenes are drawn here, files written by libavif, x265, libjxl, OpenJPEG and Pillow, and read by those who wrote them
(libavif and libheif by their own decoders: dav1d and libde265).
"""

import io
import json
import struct
from pathlib import Path

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401
import profiles
from boxes import File, box, clap, coded, full, size
from PIL import Image, ImageCms, ImageOps
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
pillow_heif.register_heif_opener()

expected: dict[str, np.ndarray] = {}
cases: list[dict] = []


def scene(width, height, channels=3):
    """Gradients, a disc, a bar: smooth enough for lossy codecs, different in every corner."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = x / width, y / height
    planes = [x * 220 + 20, y * 200 + 30, (1 - x) * y * 240]
    disc = (x - 0.3) ** 2 + (y - 0.4) ** 2 < 0.04
    bar = (x > 0.65) & (x < 0.8) & (y > 0.1)
    planes[0] = np.where(disc, 230, planes[0])
    planes[1] = np.where(bar, 30, planes[1])
    planes[2] = np.where(disc | bar, 40, planes[2])
    planes.append(np.clip((x + y) * 160, 0, 255))
    return np.stack(planes[:channels], -1).astype(np.uint8)


def case(name: str, data: bytes, mean: float = 0.0, most: float = 0.0, pixels=None, **asked):
    """A file, and how far its pixels may be from the reference's on average and at most, in steps of one 255th."""
    (HERE / name).write_bytes(data)
    if pixels is None:
        with Image.open(io.BytesIO(data)) as image:
            image = ImageOps.exif_transpose(image)
            has_opacity = image.mode in ("RGBA", "LA", "PA")
            pixels = np.asarray(image.convert("RGBA" if has_opacity else "RGB"))
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.int32)
        pixels = ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    expected[name] = np.ascontiguousarray(pixels)
    cases.append({"file": name, "mean": mean, "most": most, **asked})


def encoded(image, kind, **options) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def stills():
    rgb, rgba = scene(41, 29), scene(40, 28, 4)
    for kind, suffix in (("AVIF", "avif"), ("HEIF", "heic")):
        lossy = {"mean": 0.6, "most": 6}
        case(f"colours.{suffix}", encoded(rgb, kind, quality=85), **lossy)
        whole = {"subsampling": "4:4:4"} if kind == "AVIF" else {"chroma": 444}
        case(f"whole-chroma.{suffix}", encoded(rgb, kind, quality=85, **whole), 0.3, 2)
        case(f"opacity.{suffix}", encoded(rgba, kind, quality=85), **lossy)
        case(f"turned6.{suffix}", encoded(rgb, kind, quality=85, exif=orientation(6)), **lossy)
        case(f"turned7.{suffix}", encoded(rgb, kind, quality=85, exif=orientation(7)), **lossy)
    case("grey.heic", encoded(rgb[..., 0].copy(), "HEIF", quality=85), 0.3, 2)
    case("limited.avif", encoded(rgb, "AVIF", quality=85, range="limited"), 0.6, 6)
    case("halved-across.avif", encoded(rgb, "AVIF", quality=85, subsampling="4:2:2"), 0.6, 6)
    frames = [Image.fromarray(np.roll(rgb, 9 * number, 1)) for number in range(3)]
    case("moving.avif", encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:], quality=80), 0.6, 6)
    deep = (rgb.astype(np.uint16) << 8) + 77
    heif = pillow_heif.from_bytes("RGB;16", (41, 29), deep.tobytes())
    buffer = io.BytesIO()
    heif.save(buffer, quality=85)
    case("deep.heic", buffer.getvalue(), 0.8, 6)


def by_hand():
    """A grid that reaches beyond its picture, with a thumbnail first; cut and turned pictures."""
    rgb = scene(100, 90)
    for kind, suffix, brand in (("HEIF", "heic", "heic"), ("AVIF", "avif", "avif")):
        file = File(brand)
        # The encoder's smallest picture is that of a tile; the corners beyond the picture repeat its edge.
        padded = np.pad(rgb, ((0, 128 - 90), (0, 128 - 100), (0, 0)), mode="edge")
        small = coded(encoded(padded[:64, :64] // 2, kind, quality=60))
        configuration, bits = "hvcC" if kind == "HEIF" else "av1C", full("pixi", b"\x03\x08\x08\x08")
        thumbnail = file.add(small[0], small[2], box(configuration, small[1]), size(64, 64), bits)
        tiles = []
        for row in (0, 64):
            for column in (0, 64):
                name, config, data = coded(encoded(padded[row : row + 64, column : column + 64], kind, quality=85))
                tiles.append(file.add(name, data, box(configuration, config), size(64, 64), bits, hidden=True))
        layout = struct.pack(">BBBBHH", 0, 0, 1, 1, 100, 90)
        grid = file.add("grid", layout, size(100, 90), bits, box("irot", b"\x01"))
        file.refer("dimg", grid, *tiles)
        file.refer("thmb", thumbnail, grid)
        file.primary = grid
        # Between tiles the reference interpolates chroma of both, which moves pixels at the seam.
        case(f"grid.{suffix}", file.write(), 0.8, 16)

    name, config, data = coded(encoded(scene(64, 64), "HEIF", quality=85))
    cut = File("heic")
    cut.add(name, data, box("hvcC", config), size(64, 64), clap(40, 30, (-4, 1), (3, 1)), box("irot", b"\x03"), box("imir", b"\x01"))
    case("cut.heic", cut.write(), 0.6, 6)


def others():
    rgb, rgba = scene(53, 41), scene(53, 41, 4)
    case("lossless.jxl", encoded(rgb, "JXL", lossless=True))
    case("lossy.jxl", encoded(rgb, "JXL", quality=90), 0.1, 2)
    case("opacity.jxl", encoded(rgba, "JXL", lossless=True))
    # The reader of this plugin fails on grey; the file is lossless.
    case("grey.jxl", encoded(rgb[..., 0].copy(), "JXL", lossless=True), pixels=rgb[..., [0, 0, 0]])
    case("colours.jp2", encoded(rgb, "JPEG2000"))
    case("opacity.jp2", encoded(rgba, "JPEG2000"))
    case("lossy.j2k", encoded(rgb, "JPEG2000", quality_mode="rates", quality_layers=[8], irreversible=True, no_jp2=True), 0.2, 2)
    case("runs.tga", encoded(rgb, "TGA", rle=True))
    case("opacity.tga", encoded(rgba, "TGA"))
    case("colours.qoi", encoded(rgb, "QOI"))
    case("blocks.dds", encoded(scene(52, 40), "DDS", pixel_format="DXT1"), 0.5, 9)
    psd()
    runs_with_holes()
    large_frame()


def by_profile():
    """Profiles applied, as Pillow's ImageCms does it."""
    rgb, inks = scene(41, 29), Image.fromarray(scene(40, 24, 4), "CMYK")
    p3, adobe, grey = profiles.display_p3(), profiles.adobe_rgb(), profiles.grey(1.8)
    for name, data in (
        ("p3.jpg", encoded(rgb, "JPEG", quality=92, icc_profile=p3)),
        ("p3.png", encoded(rgb, "PNG", icc_profile=p3)),
        ("p3.webp", encoded(rgb, "WEBP", lossless=True, icc_profile=p3)),
        ("p3.tiff", encoded(rgb, "TIFF", compression="tiff_lzw", icc_profile=p3)),
        ("p3.avif", encoded(rgb, "AVIF", quality=90, subsampling="4:4:4", icc_profile=p3)),
        ("p3.heic", encoded(rgb, "HEIF", quality=90, chroma=444, icc_profile=p3)),
        ("adobe.png", encoded(rgb, "PNG", icc_profile=adobe)),
        ("grey.png", encoded(rgb[..., 0].copy(), "PNG", icc_profile=grey)),
        ("inks.jpg", encoded(inks, "JPEG", quality=92, icc_profile=profiles.inks())),
    ):
        with Image.open(io.BytesIO(data)) as image:
            source = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            target = ImageCms.createProfile("sRGB")
            shown = ImageCms.profileToProfile(image, source, target, ImageCms.Intent.PERCEPTUAL, "RGB")
        # Tables of curves are rounded otherwise, in the dark most of all.
        case(f"profile-{name}", data, 0.6, 4, np.asarray(shown), profile="srgb")
    case("profile-broken.png", encoded(rgb, "PNG", icc_profile=p3[:200]), profile="srgb")


def psd():
    """The picture of all layers, packed in runs, each row a run or literals."""
    rgb = scene(53, 41)
    rgb[5:9] = (200, 100, 50)
    rows = []
    for plane in rgb.transpose(2, 0, 1):
        for row in plane:
            constant = (row == row[0]).all()
            rows.append(bytes([257 - len(row), row[0]]) if constant else bytes([len(row) - 1]) + row.tobytes())
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 41, 53, 8, 3) + struct.pack(">III", 0, 0, 0)
    lengths = b"".join(struct.pack(">H", len(row)) for row in rows)
    case("runs.psd", head + struct.pack(">H", 1) + lengths + b"".join(rows))


def runs_with_holes():
    """Rows of a bitmap in runs: a hole, an end before the end, literals."""
    palette = b"".join(bytes([40 * i, 20 * i, 10 * i + 5, 0]) for i in range(6))
    packed = bytes([3, 1, 0, 2, 4, 1, 2, 3, 0, 0, 0, 3, 1, 2, 3, 0, 5, 4, 0, 0, 12, 5, 0, 0, 12, 2, 0, 0, 12, 3, 0, 1])
    head = struct.pack("<IiiHHIIiiII", 40, 12, 6, 1, 8, 1, len(packed), 0, 0, 6, 6)
    begin = 14 + len(head) + len(palette)
    file = b"BM" + struct.pack("<IHHI", begin + len(packed), 0, 0, begin) + head + palette + packed
    case("holes.bmp", file)


def large_frame():
    """A first frame that reaches beyond the screen."""
    data = bytearray(encoded(Image.fromarray(scene(33, 21)).quantize(30), "GIF"))
    data[6:10] = struct.pack("<HH", 20, 30)
    case("large-frame.gif", bytes(data))


if __name__ == "__main__":
    stills()
    by_hand()
    others()
    by_profile()
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")
