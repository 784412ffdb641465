"""The golden inputs of a bundle and the vectors that the reference pipeline makes of them."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from . import Refused, samples
from .model import Model

INPUTS = {
    "text": "golden/text.txt",
    "image": "golden/image.png",
    "audio": "golden/audio.wav",
    "video": "golden/video.mp4",
    "point_cloud": "golden/point_cloud.ply",
    "depth": "golden/depth.png",
    "thermal": "golden/thermal.png",
    "imu": "golden/imu.csv",
}
SEED = 4242


def _media(modality: str) -> bytes:
    match modality:
        case "text":
            return b"a blue bell on a wooden table\n"
        case "image":
            return samples.encoded(samples.picture(320, 240, SEED), "PNG")
        case "audio":
            return samples.recording(samples.music(3.0, 16000, SEED), 16000, "WAV")
        case "video":
            return samples.film(160, 120, [i / 25 for i in range(50)], SEED)
        case "depth":
            return samples.encoded(samples.millimetres(samples.depth(320, 240, SEED)), "PNG")
        case "thermal":
            return samples.encoded(samples.thermal(320, 240, SEED), "PNG")
        case "imu":
            return samples.csv(samples.motion(7.0, 100, SEED), np.arange(700) / 100)
        case _:
            return samples.ply(samples.cloud(4096, SEED))


def _given(folder: Path, modality: str) -> bytes:
    path = folder / Path(INPUTS[modality]).name
    if not path.exists():
        raise Refused(f"{modality}: there is no {path}")
    return path.read_bytes()


def write(model: Model, out: Path, inputs: Path | None = None) -> None:
    """golden/ with an input (of `inputs`, or made here) and its vector for each tower; refuses a reference that gives
    no finite vector."""
    (out / "golden").mkdir(parents=True, exist_ok=True)
    for modality, tower in tqdm(model.towers.items(), desc="golden vectors", unit="tower"):
        media = _given(inputs, modality) if inputs else _media(modality)
        (out / INPUTS[modality]).write_bytes(media)
        vector = tower.reference(media)
        if vector.shape != (model.dimension,) or not np.isfinite(vector).all():
            raise Refused(
                f"{modality}: the reference gives {vector.shape}, finite: {np.isfinite(vector).all()}; wanted "
                f"({model.dimension},)"
            )
        vector.astype("<f4").tofile(out / f"golden/{modality}.f32")
