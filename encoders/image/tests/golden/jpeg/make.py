"""Makes JPEGs of every kind and their pixels as Pillow (libjpeg-turbo) decodes them.

    python make.py        needs numpy, safetensors, and Pillow with libjpeg-turbo

The tensors of `expected.safetensors` are the pixels, uint8 [height, width, 3]; the pictures are small crops of
the kind of thing that photographs hold.
"""

from pathlib import Path

import numpy as np
from PIL import Image, features
from safetensors.numpy import save_file

HERE = Path(__file__).parent


def scene(width, height):
    """Soft light, hard edges, fine texture, saturated colours side by side."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    light = np.stack([128 + 90 * np.sin(x / 37 + c) * np.cos(y / 29 - c) for c in range(3)], -1)
    light[(x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2] = [225, 30, 40]
    light[(np.abs(x - width * 0.7) < 9) & (y > height / 4)] = [20, 60, 220]
    light[y > height * 0.8] += 40 * np.sign(np.sin(x * 1.3))[y > height * 0.8][:, None]
    return (light + random.normal(0, 6, light.shape)).clip(0, 255).astype(np.uint8)


def main():
    assert features.check("libjpeg_turbo"), "another libjpeg decodes otherwise"
    rgb = Image.fromarray(scene(93, 67))
    kinds = {
        "444": (rgb, {"subsampling": "4:4:4"}), "422": (rgb, {"subsampling": "4:2:2"}), "420": (rgb, {"subsampling": "4:2:0"}),
        "420-low": (rgb, {"subsampling": "4:2:0", "quality": 40}),
        "progressive-420": (rgb, {"subsampling": "4:2:0", "progressive": True}), "progressive-444": (rgb, {"subsampling": "4:4:4", "progressive": True}),
        "grey": (rgb.convert("L"), {}), "restart-420": (rgb, {"subsampling": "4:2:0", "restart_marker_blocks": 3}), "cmyk": (rgb.convert("CMYK"), {}),
    }
    expected = {}
    for name, (picture, options) in kinds.items():
        picture.save(HERE / f"{name}.jpg", **({"quality": 85} | options))
        with Image.open(HERE / f"{name}.jpg") as found:
            expected[name] = np.array(found.convert("RGB"))
    save_file(expected, HERE / "expected.safetensors")


main()
