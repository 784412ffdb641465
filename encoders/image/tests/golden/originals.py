"""What Pillow alone makes of pictures that are turned, and of grey of more than eight bits: python originals.py

Opened and `convert("RGB")`, as ImageBind and OpenCLIP begin. Of each picture the size, the sum of its bytes and the
first sixteen pixels.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
FILES = sorted(path.name for path in HERE.iterdir() if path.name.startswith("turned") or path.name == "grey16.png")
# 16-bit grey as a TIFF, written by the test itself: these values in a row.
ROW = [0, 1, 100, 254, 255, 256, 300, 4095, 32768, 65535]


def said(image):
    pixels = np.asarray(image.convert("RGB"))
    return {"size": image.size, "sum": int(pixels.sum()), "pixels": pixels.reshape(-1, 3)[:16].tolist()}


golden = {name: said(Image.open(HERE / name)) for name in FILES}
golden["row.tiff"] = said(Image.fromarray(np.array([ROW], np.uint16))) | {"row": ROW}
(HERE / "originals.json").write_text(json.dumps(golden) + "\n")
