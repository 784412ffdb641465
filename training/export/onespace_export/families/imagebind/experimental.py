"""Graphs of modalities that the service does not have, with a note of what is known of their preprocessing.

ImageBind was published without loaders for them: what is written here comes from statements of its authors and
from measurements of others, and none of it has been confirmed.
"""

from pathlib import Path

import tomli_w

from ... import graph
from ...model import Graph
from ...pictures import example
from .modules import ImageBind, Motion, Road

FOLDER, PICTURE = "experimental", [1, 224, 224]
MODALITIES = {
    "depth": {
        "input": "depth", "shape": PICTURE,
        "preprocess": "disparity = baseline · focal length / depth in metres, holes filled, depth clipped to 0.01–50 or 75; 224 × 224 of the centre",
        "source": "facebookresearch/omnivore#12; ImageBind#107 and #134 reach 45 % (NYU-D) and 35 % (SUN-D) where the paper has 54 % and 35.1 %",
    },
    "thermal": {
        "input": "thermal", "shape": PICTURE,
        "preprocess": "one channel; shorter side to 224 (bicubic), centre, divided by 255, not normalised further",
        "source": "ImageBind#73: 62.4 % on LLVIP so, 55.2 % with normalisation, 63.4 % in the paper; unanswered in #37",
    },
    "imu": {
        "input": "imu", "shape": [Motion.CHANNELS, Motion.LENGTH],
        "preprocess": "5 s at 400 Hz: accelerometer x, y, z, gyroscope x, y, z; order, units and normalisation are not documented",
        "source": "the paper's 2,000 steps of 5-s clips; ImageBind#131 is unanswered",
    },
}  # fmt: skip


def write(model: ImageBind, out: Path) -> dict:
    """experimental/*.onnx and experimental.toml; returns what the report says of them."""
    folder = out / FOLDER
    folder.mkdir(exist_ok=True)
    report, tables = {}, {}
    for name, facts in MODALITIES.items():
        one, file = Graph(Road(model, name), {facts["input"]: {}}, example(tuple(facts["shape"]))), f"{FOLDER}/{name}.onnx"
        graph.write(one, out / file)
        report[name] = {file: graph.check(f"imagebind {file}", one, out / file)}
        tables[name] = {"model": file, "input": facts["input"], "shape": facts["shape"], "output": one.output, "scale": round(model.scale(name), 6)}
        tables[name] |= {"preprocess": facts["preprocess"], "source": facts["source"]}
    note = "# Not served: onespace has no such modalities, and ImageBind's authors published no preprocessing for them.\n\n"
    (folder / "experimental.toml").write_text(note + tomli_w.dumps({"experimental": tables}))
    return report
