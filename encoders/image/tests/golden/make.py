"""Makes the pictures and tensors that the tests compare with: run it again only to add cases.

Needs numpy, Pillow, safetensors and torch; writes beside itself. The tensors of `expected.safetensors` are what Pillow
and torch make of the pictures, float32 [3, height, width]; cases.json says how each was asked for.
"""

import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.numpy import save_file

HERE = Path(__file__).parent
WHITE = [255, 255, 255]
cases = []
expected = {}


def scene(width, height, channels=3):
    """Soft gradients, a sharp disc and stripes: low and high frequencies in every channel."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / (3.1 + c) + c) * np.cos(y / (4.3 + 2 * c)) for c in range(channels)]
    picture = 127 + 60 * np.stack(waves, -1) + np.linspace(-50, 50, width)[None, :, None]
    disc = (x - width / 3) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 4) ** 2
    picture[disc] = [230, 40, 90, 200][:channels]
    picture[:, ::7] *= 0.6
    return picture.clip(0, 255).astype(np.uint8)


def opaque(picture, background):
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (*background, 255))
        return Image.alpha_composite(ground, picture).convert("RGB")
    if picture.mode == "I;16":
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")


def plain(pixels, height, width, mode):
    """torch without antialias, on 0 to 255."""
    tensor = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float()
    scaled = torch.nn.functional.interpolate(tensor, (height, width), mode=mode, align_corners=False)
    return scaled[0].clamp(0, 255).permute(1, 2, 0).numpy()


def scaled(picture, size, spec):
    if spec["antialias"]:
        kind = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}[spec["filter"]]
        return np.asarray(picture.resize(size, kind), np.float32)
    return plain(picture, size[1], size[0], spec["filter"])


def tensor(picture, spec):
    width, height = spec["width"], spec["height"]
    if spec["resize"] == "squash":
        pixels = scaled(picture, (width, height), spec)
    elif spec["resize"] == "letterbox":
        kind = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}[spec["filter"]]
        pixels = np.asarray(ImageOps.pad(picture, (width, height), kind, tuple(spec["background"])), np.float32)
    else:
        w, h = picture.size
        size = (width, int(width * h / w)) if w * height <= h * width else (int(height * w / h), height)
        pixels = scaled(picture, size, spec)
        left, top = round((size[0] - width) / 2.0), round((size[1] - height) / 2.0)
        pixels = pixels[top : top + height, left : left + width]
    pixels = np.asarray(pixels, np.float32) / 255
    return ((pixels - np.float32(spec["mean"])) / np.float32(spec["std"])).transpose(2, 0, 1)


def case(name, file, **changes):
    spec = {
        "width": 24, "height": 24, "resize": "shortest-edge", "filter": "bicubic", "antialias": True,
        "background": WHITE, "mean": [0, 0, 0], "std": [1, 1, 1], **changes,
    }
    with Image.open(HERE / file) as picture:
        picture = opaque(ImageOps.exif_transpose(picture), spec["background"])
    expected[name] = np.ascontiguousarray(tensor(picture, spec), "<f4")
    cases.append({"name": name, "file": file, "spec": spec})


def save(array, file, mode=None, **options):
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array, mode)
    picture.save(HERE / file, **options)


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def ycck(file):
    """Pillow writes CMYK; with the transform byte of the Adobe segment set, the same planes mean YCCK."""
    buffer = io.BytesIO()
    planes = np.concatenate([np.asarray(Image.fromarray(scene(37, 29)).convert("YCbCr")), scene(37, 29, 1) // 2], -1)
    Image.fromarray(255 - planes, "CMYK").save(buffer, "JPEG", quality=92)
    data = bytearray(buffer.getvalue())
    at = data.index(b"Adobe")
    assert data[at - 4 : at - 2] == b"\xff\xee" and data[at + 11] == 0
    data[at + 11] = 2
    (HERE / file).write_bytes(data)


def pictures():
    rgb, wide = scene(53, 41), scene(97, 31)
    save(rgb, "rgb.png")
    save(wide, "wide.png")
    save(scene(17, 71), "tall.png")
    save(scene(11, 9), "tiny.png")
    save(rgb, "rgb.jpg", quality=92)
    save(rgb, "progressive.jpg", quality=90, progressive=True)
    save(rgb, "full.jpg", quality=92, subsampling=0)
    save(rgb[..., 0].copy(), "grey.jpg", quality=92)
    save(Image.fromarray(scene(37, 29, 4), "CMYK"), "cmyk.jpg", quality=92)
    ycck("ycck.jpg")
    for orientation in range(2, 9):
        save(rgb, f"turned{orientation}.jpg", quality=92, exif=exif(orientation))
    rgba = np.concatenate([rgb, scene(53, 41, 1)], -1)
    save(rgba, "rgba.png")
    save(np.concatenate([rgb[..., :1], rgba[..., 3:]], -1), "la.png")
    save(rgb[..., 0].copy(), "grey.png")
    save((rgb[..., 0].astype(np.uint16) << 8) + 131, "grey16.png")
    save(Image.fromarray(rgb).quantize(60), "palette.png")
    save(Image.fromarray(rgb).quantize(60), "holes.png", transparency=7)
    save(Image.fromarray(rgb).convert("1"), "bits.png")
    save(rgb, "turned.png", exif=exif(6))
    save(rgb, "lossless.webp", lossless=True)
    save(rgb, "lossy.webp", quality=90)
    save(rgba, "alpha.webp", lossless=True)
    save(Image.fromarray(rgb).quantize(60), "palette.gif")
    frames = [Image.fromarray(np.roll(rgb, 9 * i, 1)).quantize(60) for i in range(3)]
    frames[0].save(HERE / "moving.gif", save_all=True, append_images=frames[1:], duration=40)
    moving = [Image.fromarray(np.roll(rgb, 9 * i, 1)) for i in range(3)]
    moving[0].save(HERE / "moving.webp", save_all=True, append_images=moving[1:], duration=40, lossless=True)
    save(rgb, "rgb.bmp")
    save(Image.fromarray(rgb).quantize(16), "palette.bmp")
    save(rgb, "rgb.tiff", compression="tiff_lzw")
    save(rgba, "rgba.tiff", compression="tiff_adobe_deflate")
    save(rgb[..., 0].copy(), "grey.tiff")
    save(rgb, "turned.tiff", tiffinfo={274: 8})


def rgb16():
    """Sixteen bits a channel, which Pillow reads (its upper bytes) but does not write."""
    import struct
    import zlib

    rgb = scene(31, 23)
    rows = b"".join(b"\0" + (line.astype(">u2") * 256 + 77).astype(">u2").tobytes() for line in rgb)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 31, 23, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    (HERE / "rgb16.png").write_bytes(png)


if __name__ == "__main__":
    pictures()
    rgb16()
    for file in sorted(p.name for p in HERE.iterdir() if p.suffix[1:] in ("png", "jpg", "webp", "gif", "bmp", "tiff")):
        case(f"decoded-{file}", file)
    normal = {"mean": [0.48, 0.45, 0.4], "std": [0.26, 0.27, 0.28]}
    for source in ("rgb", "wide", "tall", "tiny"):
        for resize in ("shortest-edge", "squash"):
            for kind, antialias in (("bicubic", True), ("bilinear", True), ("bilinear", False), ("bicubic", False)):
                name = f"{source}-{resize}-{kind}{'' if antialias else '-plain'}"
                case(name, f"{source}.png", width=21, height=16, resize=resize, filter=kind, antialias=antialias)
        case(f"{source}-letterbox", f"{source}.png", width=20, height=17, resize="letterbox", background=[9, 99, 200])
    case("normalised", "rgb.png", **normal)
    case("blue-behind", "rgba.png", background=[10, 20, 250])
    case("larger", "rgb.png", width=80, height=80)
    case("same", "tiny.png", width=11, height=9, resize="squash")
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")
