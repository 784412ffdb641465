"""What is lost when files have suffered: R@1 against the canonical captions, each augmentation at three strengths, and a chart of it."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from eval import augment, scores, testset
from eval.lab import Lab

CHART = testset.TRAINING / "robustness.png"
INKS = {"image": (214, 96, 77), "audio": (67, 128, 180), "point_cloud": (77, 146, 72), "video": (140, 92, 164)}


def measure(lab: Lab) -> dict:
    rows = testset.build("pairs")
    texts, held = lab.pairs()["text"], np.array([row["held_out"] for row in rows])
    relevant = np.eye(len(rows), dtype=bool)[held]
    before = {m: scores.recall(lab.files("pairs", m)[held] @ texts.T, relevant) for m in testset.FILES}
    table = []
    for a in augment.ALL:
        if a.suffix in getattr(lab.embedder, "unreadable", ()):
            continue
        after = [scores.recall(lab.files("rough", f"{a.name}, {i}") @ texts.T, relevant) for i in range(3)]
        table.append({"modality": a.modality, "name": a.name, "strengths": [str(s) for s in a.strengths], "R@1": after})
    return {"files": int(held.sum()), "gallery": len(rows), "untouched": before, "table": table}


def chart(measured: dict, path: Path = CHART):
    """Bars of R@1, weakest to strongest, beside the untouched files' as a line."""
    row, left, width, scale = 22, 190, 640, 2
    table = measured["table"]
    height = row * (len(table) + 2)
    image = Image.new("RGB", (width * scale, height * scale), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12 * scale)
    at = lambda share: (left + share * (width - left - 20)) * scale  # noqa: E731
    for tick in (0, 0.25, 0.5, 0.75, 1):
        draw.line([at(tick), row * scale, at(tick), (height - row) * scale], fill=(225, 225, 225), width=scale)
        draw.text((at(tick), (height - row + 3) * scale), f"{tick:g}", fill=(90, 90, 90), font=font, anchor="mt")
    draw.text((at(0), 4 * scale), "R@1: untouched (line), then weak, middle, strong", fill=(60, 60, 60), font=font)
    for i, entry in enumerate(table):
        top, ink = (i + 1) * row, INKS[entry["modality"]]
        draw.text(((left - 8) * scale, (top + row / 2) * scale), entry["name"], fill=(40, 40, 40), font=font, anchor="rm")
        for number, value in enumerate(entry["R@1"]):
            shade = tuple(int(c + (255 - c) * 0.28 * number) for c in ink)
            y = (top + 3 + 5.5 * number) * scale
            draw.rectangle([at(0), y, max(at(0) + 1, at(value)), y + 4.5 * scale], fill=shade)
        line = at(measured["untouched"][entry["modality"]])
        draw.line([line, (top + 2) * scale, line, (top + row - 2) * scale], fill=(20, 20, 20), width=scale)
    image.resize((width, height), Image.LANCZOS).quantize(64).save(path, optimize=True)
