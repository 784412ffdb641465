"""A bundle's graphs, run as its manifest says: stages, then the last graph among token ids and empty inputs."""

import tomllib

import numpy as np
import onnxruntime


def manifest(folder) -> dict:
    return tomllib.loads((folder / "bundle.toml").read_text())


def _session(folder, model: str):
    return onnxruntime.InferenceSession(folder / model, providers=["CPUExecutionProvider"])


def run(folder, modality: str, tensors: list[np.ndarray]) -> np.ndarray:
    """Native vectors of one batch of `tensors`, which come in the order of the stages' inputs, then the tower's own."""
    tower, feed, rest = manifest(folder)["towers"][modality], {}, list(tensors)
    rows = []
    for stage in tower.get("stages", []):
        given, session = {name: rest.pop(0) for name in stage["inputs"]}, _session(folder, stage["model"])
        runs = [given]
        if stage.get("frames"):
            runs = [
                {name: values[0, at : at + 1] for name, values in given.items()}
                for at in range(len(next(iter(given.values()))[0]))
            ]
        made = [session.run([stage["output"]], run)[0] for run in runs]
        rows = [len(part) for part in made]
        feed[stage.get("into", stage["output"])] = np.concatenate(made)
    feed |= {name: rest.pop(0) for name in tower["inputs"]}
    feed |= {e["name"]: np.zeros(e["shape"], np.float32) for e in tower.get("empty", [])}
    if "tokens" in tower:
        feed |= ids(tower, rows)
    return _session(folder, tower["model"]).run([tower["output"]], feed)[0]


def ids(tower: dict, rows: list[int]) -> dict[str, np.ndarray]:
    """The ids around so many soft tokens, of each frame or of the whole, and their mask."""
    said = tower["tokens"]
    frames = [[*said.get("frame_before", []), *[said["each"]] * count, *said.get("frame_after", [])] for count in rows]
    row = np.array([[*said["before"], *(number for frame in frames for number in frame), *said["after"]]], np.int64)
    return {said["ids"]: row, said["mask"]: np.ones_like(row)}
